import { visible } from '../../base/text.js';
import { formatBytes, formatCount, formatTokensPerSecond } from '../../base/units.js';
import { drawnFormats, onePanel, type PaperFigure, type RunPoint, scaleOf } from '../../figure/door.js';
import {
  bandText,
  bareRange,
  bareRate,
  type Column,
  type Document,
  deviceWords,
  figure,
  type Grid,
  gridOf,
  heldOutLead,
  heldOutTokens,
  hitRangeLead,
  hitRateOf,
  linesBlock,
  note,
  standInLead,
  type Visibility,
} from '../../report/door.js';
import { measurePair } from '../../result/amount.js';
import { parseAssertion } from '../../result/budget.js';
import { describeMetric, metricValue } from '../../result/catalogue.js';
import type { MetricName } from '../../result/metrics.js';
import { tokensRun } from '../../result/work-done.js';
import { answeringProbe, neededBytes, type Placing, type Plan, type Probe } from './plan.js';

/** Longest name in a table, columns. */
const LONGEST = 20;

/** Report of `moeprof plan`. */
export const planReports = drawnFormats<Plan>('moeprof plan', planDocument, planFigures);

function planDocument(plan: Plan): Document {
  const { placings } = plan;
  const names = metricsOf(plan);
  const tried: Visibility = { only: ['terminal'], detail: placings.length === 1 ? undefined : 'verbose' };
  return {
    title: titleOf(plan),
    answer: answerOf(placings[0]!),
    lead: [
      { text: originOf(plan) },
      ...heldOutLead(heldOutTokens(placings[0]!.probes[0]!.result)),
      ...standInLead(placings.map(({ probes }) => probes[0]!.result)),
      { text: decodeText(placings) },
    ],
    blocks: [
      needGrid(placings),
      // A grid with an answer needs no sentences.
      ...placings.filter(({ fits, steady }) => placings.length === 1 || !fits || !steady).map((placing) => note(sentence(placing))),
      ...(plan.refused ?? []).map(({ hardware, reason, system }) =>
        note(`${[system, hardware].filter((name) => name !== '').join(' on ')}: cannot run: ${reason}`, 'warning'),
      ),
      linesBlock(hitRangeLead(placings.flatMap(({ probes }) => probes.map(({ result }) => result))), tried),
      ...placings.map((placing) => probeGrid(placing, names, tried)),
    ],
    records: recordsOf(placings, names),
  };
}

function recordsOf(placings: readonly Placing[], names: readonly string[]): Grid {
  const rows = placings.flatMap(({ hardware, probes, system }) =>
    probes.map((probe) => [
      ...[system, hardware, probe.percent, keptBy(probe), neededBytes(probe)],
      ...names.map((name) => probe.result.metrics[name]),
    ]),
  );
  return gridOf(['system', 'hardware', 'cache_percent', 'kept', 'memory.gpu.allocated' satisfies MetricName, ...names], rows);
}

function needGrid(placings: readonly Placing[]): Grid {
  const shared = sharedSystem(placings) !== null;
  const banded = hasRanges(placings);
  const rows = placings.map((placing) => {
    const answer = answeringProbe(placing);
    const needed = answer === null ? [null, null] : [cacheOf(answer), figure(neededBytes(answer), 'bytes')];
    const speed = answer === null ? null : metricValue(answer.result, 'speed.decode');
    const band = banded ? [bareRange(answer?.result.accuracy?.decode, speed)] : [];
    return [
      ...(shared ? [] : [placing.system]),
      placing.hardware,
      ...needed,
      figure(placing.gpuBytes, 'bytes'),
      placing.fits ? 'yes' : 'no',
      bareRate(speed),
      ...band,
    ];
  });
  const names: Column[] = [...(shared ? [] : [{ head: 'system', most: LONGEST }]), { head: 'machine', most: LONGEST, align: 'left' }];
  const speed: Column[] = [{ head: 'decode', name: 'speed.decode' }, ...(banded ? [{ head: 'range', name: 'accuracy.decode' }] : [])];
  return gridOf([...names, 'expert cache', 'needs', 'has', 'fits', ...speed], rows, { keys: names.length });
}

function sharedSystem(placings: readonly Placing[]): string | null {
  const [first, ...others] = new Set(placings.map(({ system }) => system));
  return others.length === 0 ? first! : null;
}

function decodeText(placings: readonly Placing[]): string {
  const range = hasRanges(placings) ? '; its range holds 80 % of comparable measurements' : '';
  return `decode is speed.decode, tok/s for each request${range}`;
}

/** True if several placings have ranges: machines not calibrated, with comparable measurements. */
function hasRanges(placings: readonly Placing[]): boolean {
  return placings.length > 1 && placings.some((placing) => (answeringProbe(placing)?.result.accuracy?.decode ?? null) !== null);
}

function probeGrid(placing: Placing, names: readonly string[], tried: Visibility): Grid {
  const rows = placing.probes.map((probe) => [
    ...[cacheOf(probe), figure(neededBytes(probe), 'bytes'), hitRateOf(metricValue(probe.result, 'cache.hit_rate') ?? 0, probe.result)],
    ...names.map((name) => probe.result.metrics[name]),
    keptBy(probe),
  ]);
  return gridOf(['expert cache', 'GPU memory', 'hits', ...names, 'holds'], rows, {
    title: tried.detail === undefined ? 'What was tried' : `What was tried of ${nameOf(placing)}`,
    ...tried,
  });
}

const keptBy = ({ broken }: Probe): string => (broken.length === 0 ? 'yes' : 'no');

function metricsOf({ conditions }: Plan): string[] {
  const named = conditions.map((text) => parseAssertion(text).metric);
  return [...new Set(named)].filter((name) => name !== 'cache.hit_rate' && !/[*?]/.test(name));
}

const cacheOf = ({ percent, result }: Probe): string => `${percent} %, ${formatBytes(metricValue(result, 'memory.gpu.expert_cache')!)}`;

const nameOf = ({ hardware, system }: Placing): string => `${system} on ${hardware}`;

function answerOf(placing: Placing): string {
  const probe = answeringProbe(placing);
  if (probe === null) return `${nameOf(placing)}: does not hold with any cache`;
  const room = `${formatBytes(neededBytes(probe))} of GPU memory`;
  return `${nameOf(placing)}: holds with ${room}${placing.fits ? '' : ', which it does not have'}`;
}

function sentence(placing: Placing): string {
  const answer = answeringProbe(placing);
  const name = nameOf(placing);
  const last = placing.probes.at(-1)!;
  if (answer === null) return `${name}: not even with every expert resident does ${last.broken.join(' and ')} hold.`;
  const needed = formatBytes(neededBytes(answer));
  const has = formatBytes(placing.gpuBytes);
  const cache =
    answer.percent === 0
      ? 'holds without any expert cache'
      : `holds from an expert cache of ${answer.percent} % on (${formatBytes(metricValue(answer.result, 'memory.gpu.expert_cache')!)})`;
  const band = bandText(answer.result, 'decode');
  const decode = metricValue(answer.result, 'speed.decode');
  const speed = band === null || decode === null ? '' : ` It decodes at ${formatTokensPerSecond(decode)} ${band}.`;
  const unsteady = placing.steady ? '' : ' A larger cache was seen to break it again: look at what was tried (--verbose).';
  const { memory, processor } = deviceWords(answer.result);
  const owner = memory === 'memory' ? 'machine' : processor;
  const little = neededBytes(answer) > placing.gpuBytes;
  return `${name}: ${cache}, ${needed} of ${memory} in all; the ${owner} has ${has}${little ? ', which is too little' : ''}.${speed}${unsteady}`;
}

function titleOf({ conditions, placings: all, slo }: Plan): string {
  const { inputs } = all[0]!.probes[0]!.result;
  const objective = slo === null ? '' : ` (--slo ${slo})`;
  const system = sharedSystem(all);
  const under = system === null ? '' : ` under ${system}`;
  return `GPU memory for ${inputs.model} ${inputs.quantization}${under} to keep ${conditions.join(' and ')}${objective}`;
}

function originOf({ placings: all }: Plan): string {
  const { result } = all[0]!.probes[0]!;
  const traces = result.inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path));
  const runs = all.reduce((sum, placing) => sum + placing.probes.length, 0);
  return `${formatCount(runs)} runs of ${formatCount(tokensRun(result))} tokens, from ${traces.join(', ')}`;
}

/** Most drawn conditions. Ours. */
const CONDITIONS = 3;

/** Figures of a plan: memory, then each condition on a metric. */
export function planFigures({ conditions, placings }: Plan): PaperFigure[] {
  return [memory(placings), ...conditions.flatMap((text) => condition(placings, text)).slice(0, CONDITIONS)];
}

const drawnName = (placing: Placing): string => visible(nameOf(placing));

function memory(placings: readonly Placing[]): PaperFigure {
  const point = (placing: Placing, series: string, bytes: number): RunPoint => ({ x: drawnName(placing), y: bytes / 2 ** 30, series });
  const points = placings.flatMap((placing) => {
    const answer = answeringProbe(placing);
    return [...(answer === null ? [] : [point(placing, 'needs', neededBytes(answer))]), point(placing, 'has', placing.gpuBytes)];
  });
  const xAxis = { name: 'placing', unit: '', continuous: false };
  const yAxis = { name: 'GPU memory', unit: 'GiB', continuous: true };
  const question = { kind: 'rank', x: 'placing', y: 'memory.gpu.allocated' satisfies MetricName, series: 'memory' } as const;
  return onePanel({ ...question, xAxis, yAxis, seriesNames: ['needs', 'has'] }, points);
}

/** A metric against cache size, with its limit; empty for a condition on several metrics. */
function condition(placings: readonly Placing[], text: string): PaperFigure[] {
  const { metric, rule } = parseAssertion(text);
  if (/[*?]/.test(metric)) return [];
  const { unit: metricUnit } = describeMetric(metric);
  const clauses = rule.kind === 'limit' ? rule.clauses : [];
  const limits = clauses.flatMap(({ amount }) => measurePair(amount, { base: null, candidate: 0, unit: metricUnit }, text)?.limit ?? []);
  const runs = placings.flatMap((placing) =>
    placing.probes.flatMap(({ percent, result }) => {
      const value = result.metrics[metric]?.value;
      return value === undefined ? [] : [{ series: drawnName(placing), percent, value }];
    }),
  );
  if (runs.length === 0) return [];
  const { factor, unit } = scaleOf(metricUnit, Math.max(...runs.map(({ value }) => Math.abs(value))));
  const points = runs.map(({ percent, series, value }): RunPoint => ({ x: percent, y: value / factor, series }));
  const seriesNames = [...new Set(points.map(({ series }) => series))];
  const rules = limits.map((limit) => ({ axis: 'y' as const, at: limit / factor, label: text }));
  const xAxis = { name: 'expert cache', unit: '% of all experts', continuous: true };
  const yAxis = { name: metric, unit, continuous: true };
  const question = { kind: 'line', x: 'memory.expertCache', y: metric, series: 'placing' } as const;
  return [onePanel({ ...question, xAxis, yAxis, seriesNames, rules }, points)];
}
