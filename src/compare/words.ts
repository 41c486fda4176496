import { formatCount, formatCounted, formatNs, formatRatio } from '../base/units.js';
import { formatDelta, formatMetric, formatRelative } from '../report/door.js';
import { metricValue } from '../result/catalogue.js';
import { markOf } from '../result/knowledge.js';
import type { MetricName } from '../result/metrics.js';
import type { Result } from '../result/result.js';
import type { Comparison, Row } from './compare.js';
import type { CounterChange, Explanation, LayerChange } from './explain.js';
import type { Gate } from './gate.js';
import { type BudgetFinding, changeText } from './judge.js';

/** Layers named by an explanation. Ours. */
const LAYERS = 5;

/** Value of a row. */
export function valueText(row: Row, side: 'base' | 'candidate'): string {
  const metric = row[side];
  return metric === null ? '-' : formatMetric(metric).replace(/ ?\/token$/, '');
}

/** Change of a row, `~` if explained by noise. */
export function rowChange({ base, candidate, direction }: Row): string {
  if (base === null || candidate === null) return '';
  return direction === 'unclear' ? '~' : changeText(base.value, candidate).replace(/ ?\/token$/, '');
}

/** Direction of a row, with a measured row's p-value. */
export function directionText({ direction, test }: Row): string {
  if (test === null) return direction;
  if (test.verdict === 'too-few') return `${direction}, n=${test.counts.join('+')}`;
  return `${direction}, p=${test.p < 0.001 ? test.p.toExponential(0) : test.p.toFixed(3)}`;
}

/** `No difference: 60 metrics are equal.` */
export function unchangedText({ unchanged, rows }: Comparison): string {
  const equal = `${formatCounted(unchanged, 'metric')} ${unchanged === 1 ? 'is' : 'are'} equal.`;
  return rows.length === 0 ? `No difference: ${equal}` : equal;
}

const UNJUDGED = 'No budget was given, so nothing could fail.';

/** True if a budget covers any metric; else nothing can fail. */
export const isJudged = ({ findings, held, rows }: Comparison): boolean =>
  held.length > 0 || rows.some(({ verdict }) => verdict !== 'none') || findings.some(({ budget }) => budget?.rule.kind !== 'varies');

/** `Failed: 1 fault, 2 warnings.`, or a note without budgets. */
export function verdictText(comparison: Comparison): string {
  const { findings, passed } = comparison;
  if (!isJudged(comparison)) return UNJUDGED;
  const count = (level: BudgetFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const warnings = count('warn');
  const warned = warnings === 0 ? '' : `, ${formatCounted(warnings, 'warning')}`;
  return passed ? `Passed${warned}.` : `Failed: ${formatCounted(count('error'), 'fault')}${warned}.`;
}

/** `12 comparisons: 11 passed, 1 failed.`, or null for one. */
export function gateText({ comparisons, faults }: Gate): string | null {
  if (comparisons.length + faults.length < 2) return null;
  const count = formatCounted(comparisons.length, 'comparison');
  if (faults.length === 0 && !comparisons.some(isJudged)) return `${count}. ${UNJUDGED}`;
  const failed = comparisons.filter(({ passed }) => !passed).length;
  const gone = faults.filter(({ level }) => level === 'error').length;
  const parts = [
    `${formatCount(comparisons.length - failed)} passed`,
    `${formatCount(failed)} failed`,
    ...(gone === 0 ? [] : [`${formatCounted(gone, 'fault')} of scenarios`]),
  ];
  return `${count}: ${parts.join(', ')}.`;
}

/** Names results taken as saved, or null. */
export const savedText = ({ saved }: Gate): string | null =>
  saved.length === 0 ? null : `Inputs are as saved, not computed here: ${saved.join(', ')}.`;

/** Warning about different knowledge, or null. */
export function knowledgeWarning({ base, candidate, knowledge, results }: Comparison): string | null {
  if (knowledge === null) return null;
  const of = (result: Result): string => markOf(result) ?? 'knows what has happened';
  return `The runs do not know the same: ${base}: ${of(results.base)}; ${candidate}: ${of(results.candidate)}.`;
}

/** True if a comparison has nothing to show. */
export const isQuiet = ({ rows, findings, inputs, config }: Comparison): boolean =>
  rows.length + findings.length + inputs.length + config.length === 0;

/** Mean time per token, time to the first token, hit rate. */
export function changeSentence({ rows, results }: Comparison): string {
  if (rows.length === 0) return 'Nothing changed.';
  const changed = (name: MetricName): Row | null => {
    const row = rows.find(({ metric }) => metric === name);
    return row === undefined || row.base === null || row.candidate === null ? null : row;
  };
  const instead = (row: Row): string => `${valueText(row, 'candidate')} instead of ${valueText(row, 'base')} (${rowChange(row)})`;
  const decodes = metricValue(results.candidate, 'latency.tpot.mean') !== null;
  const what = decodes ? 'A token' : 'A pass';
  const time = changed(decodes ? 'latency.tpot.mean' : 'latency.pass.mean');
  const first = changed('latency.ttft.mean');
  const hits = changed('cache.hit_rate');
  const parts = [
    time === null ? `${what} takes as long as before` : `${what} takes ${instead(time)} on average`,
    ...(first === null ? [] : [`the first one of an answer ${instead(first)}`]),
    ...(hits === null ? [] : [`the hit rate goes from ${valueText(hits, 'base')} to ${valueText(hits, 'candidate')} (${rowChange(hits)})`]),
  ];
  return `${parts.join('; ')}.`;
}

/** Most rows of a report at a glance. Ours. */
export const ROWS = 12;

/** Largest cause of a change in time, in counts, in layers. */
export function causeLines({ explanation }: Comparison): [label: string, text: string][] {
  if (explanation === null) return [];
  const { kinds, layers, parts } = explanation;
  const lines: [string, string][] = [];
  if (parts.length > 0) lines.push(timeLine(explanation));
  if (kinds.length > 0) lines.push(['kinds', kinds.slice(0, 3).map(countText).join(', ')]);
  if (layers.length > 0) lines.push(['layers', layerText(layers[0]!)]);
  return lines;
}

function timeLine({ base, candidate, parts }: Explanation): [label: string, text: string] {
  const change = candidate - base;
  const relative = base === 0 ? '' : `, ${formatRelative(change / base)}`;
  const time = change === 0 ? 'no change' : `${formatNs(base)} -> ${formatNs(candidate)} (${formatDelta(change, 'ns')}${relative})`;
  const all = parts.map((part) => `${part.name} ${formatDelta(part.change, 'ns')}`).join(', ');
  return ['time', parts.length === 0 ? time : `${time}: ${all}`];
}

/** Lines of an explanation: label and text. Consecutive lines share a label. */
export function explanationLines(explanation: Explanation): [label: string, text: string][] {
  const { kinds, phases, layers, layersDiffer } = explanation;
  const lines: [string, string][] = [timeLine(explanation)];
  if (layersDiffer) lines.push(['layers', 'the runs do not have the same number of layers']);
  for (const [index, layer] of layers.slice(0, LAYERS).entries()) lines.push([index === 0 ? 'layers' : '', layerText(layer)]);
  if (layers.length > LAYERS) lines.push(['', `and ${layers.length - LAYERS} more`]);
  if (kinds.length > 0) lines.push(['kinds', kinds.map(countText).join(', ')]);
  if (phases.length > 0) lines.push(['phases', `waits (misses and late): ${phases.map(countText).join(', ')}`]);
  return lines;
}

const countText = ({ name, base, candidate, change }: CounterChange): string =>
  `${name} ${formatCount(base)} -> ${formatCount(candidate)} (${formatDelta(change, 'count')})`;

function layerText({ layer, timeNs, share, misses, late, onDemandBytes }: LayerChange): string {
  const whole = share === null ? '' : ` (${formatRatio(share)} of it)`;
  const counts = [[misses, 'count', 'misses'] as const, [late, 'count', 'late'] as const, [onDemandBytes, 'bytes', 'on demand'] as const];
  const parts = counts.filter(([change]) => change !== 0).map(([change, unit, name]) => `${formatDelta(change, unit)} ${name}`);
  return [`layer ${layer}: ${timeNs === 0 ? 'same time' : `${formatDelta(timeNs, 'ns')}${whole}`}`, ...parts].join(', ');
}
