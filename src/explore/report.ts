// How a capacity curve is shown: a chart with tables, JSON, CSV, Markdown. Pure functions of the curve.
import { formatBytes, formatCount, formatNumber, formatRatio } from '../base/units.js';
import { toCsv } from '../report/csv.js';
import { type Format, printable, type ReportOptions } from '../report/format.js';
import { toJson } from '../report/json.js';
import { escapeMarkdown, markdownTable } from '../report/markdown.js';
import type { Grid } from '../report/summary.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../report/text.js';
import { drawChart, markerOf } from './chart.js';
import type { Curve, PolicyCurve } from './curve-result.js';

/** Policies that the big table shows side by side. */
const SIDE_BY_SIDE = 3;
/** Rows that the big table shows unless everything is asked for. */
const ROWS = 24;

const table: Format<Curve> = {
  name: 'table',
  summary: 'a chart and tables, for reading',
  extensions: ['.txt'],
  render: renderTable,
};

const json: Format<Curve> = {
  name: 'json',
  summary: 'everything, for tools',
  extensions: ['.json'],
  render: (curve) => toJson(curve),
};

const csv: Format<Curve> = {
  name: 'csv',
  summary: 'one row per policy and capacity, for spreadsheets and data frames',
  extensions: ['.csv'],
  render: renderCsv,
};

const markdown: Format<Curve> = {
  name: 'markdown',
  summary: 'for pull requests, issues and wikis',
  extensions: ['.md', '.markdown'],
  render: renderMarkdown,
};

/** Formats of a capacity curve, the one for reading first. */
export const curveReports: readonly Format<Curve>[] = [table, json, csv, markdown];

function renderTable(curve: Curve, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const { unicode } = options;
  const below = curve.capacities[0]! < curve.tokenCycleBytes;
  const chart = drawChart(
    curve.policies.map(({ policy, points }) => ({ name: policy, x: curve.capacities, y: points.map((point) => point.hitRate) })),
    {
      width,
      height: 17,
      unicode,
      chalk,
      rule: below && curve.config.scope === 'global' ? curve.tokenCycleBytes : null,
      mark: curve.knee === null ? null : { x: curve.capacities[curve.knee.at]!, label: `knee of ${curve.knee.policy}` },
      ticks: ticksOf(curve).map((share) => ({ x: share * curve.expertBytes, label: formatRatio(share, share < 0.02 ? 1 : 0) })),
    },
  );
  const legend = curve.policies.map(({ policy }, index) => `${markerOf(index, { unicode, chalk })} ${policy}`);
  const rule = below && curve.config.scope === 'global' ? [`${unicode ? '┊' : ':'} token cycle ${formatBytes(curve.tokenCycleBytes)}`] : [];
  const draw = ({ head, rows }: Grid): string => ruledTable(head, rows, options);
  const blocks = [
    [chalk.bold(wrap(titleOf(curve), width)), ...facts(curve).map((fact) => chalk.dim(wrap(fact, width)))].join('\n'),
    chart,
    packed([...legend, ...rule], width),
    ...(curve.verdict === null ? [] : [chalk.bold(wrap(curve.verdict.sentence, width)), draw(atGrid(curve, curve.verdict.at, unicode))]),
    ...inGroups(curve.policies).map((group) => draw(fullGrid(curve, group, options))),
    ...splitFacts(curve).map((fact) => wrap(fact, width)),
    ...curve.warnings.map(({ message }) => chalk.yellow(wrap(message, width, '! '))),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderMarkdown(curve: Curve, options: ReportOptions): string {
  const blocks = [
    `## ${escapeMarkdown(titleOf(curve))}`,
    facts(curve)
      .map((fact) => `${escapeMarkdown(fact)}.`)
      .join('\n'),
    ...(curve.verdict === null
      ? []
      : [`**${escapeMarkdown(curve.verdict.sentence)}**`, markdownTable(atGrid(curve, curve.verdict.at, true))]),
    markdownTable(fullGrid(curve, curve.policies, { ...options, verbose: true })),
    ...splitFacts(curve).map(escapeMarkdown),
    ...curve.warnings.map(({ message }) => `> ${escapeMarkdown(message)}`),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderCsv(curve: Curve): string {
  const head = [
    'model',
    'trace',
    'scope',
    'replay',
    'quotas',
    'policy',
    'capacity_bytes',
    'capacity_share',
    'hit_rate',
    'hits',
    'demanded',
    'insertions',
    'evictions',
    'streamed',
    'churn_per_token',
    'below_belady',
  ];
  const { scope, replay, quotas } = curve.config;
  const rows = curve.policies.flatMap(({ policy, points }) =>
    points.map((point, c) => {
      const bytes = curve.capacities[c]!;
      const fixed = [curve.inputs.model, curve.inputs.trace.path, scope, replay, quotas, policy, bytes, bytes / curve.expertBytes];
      const bound = boundAt(curve, c);
      const below = bound === null ? '' : bound - point.hitRate;
      const counts = [point.hits, curve.demand.demanded, point.insertions, point.evictions, point.streamed, point.churn];
      return [...fixed, point.hitRate, ...counts, below];
    }),
  );
  return toCsv([head, ...rows]);
}

function titleOf(curve: Curve): string {
  const { model, quantization } = curve.inputs;
  const scope = curve.config.scope === 'layer' ? 'one cache per layer' : 'one cache for all layers';
  const quotas = curve.config.quotas === 'even' ? '' : `, ${curve.config.quotas} quotas`;
  return printable(`Hit rate against capacity: ${model} (${quantization}), ${scope}${quotas}`);
}

function facts(curve: Curve): string[] {
  const { trace } = curve.inputs;
  const { warmup } = curve.config;
  const { tokens, events, demanded, compulsory, perEvent } = curve.demand;
  const synthetic = trace.synthetic ? ' of synthetic routing (no model was run)' : '';
  const after = warmup > 0 ? ` after ${formatCount(warmup)} of warm-up` : '';
  const hindsight = curve.config.popularity === undefined ? [] : [`Popularity for static placement: ${curve.config.popularity}`];
  return [
    printable(
      `${trace.path}: ${formatCount(tokens)} tokens${synthetic}${after}, ${curve.config.replay === 'atomic' ? 'a token at a layer is an event' : 'each activation is an event'}`,
    ),
    `${formatCount(demanded)} experts demanded in ${formatCount(events)} events, ${formatNumber(perEvent, 1)} each; ` +
      `${formatCount(compulsory)} first uses; all experts are ${formatBytes(curve.expertBytes)}, one token touches ${formatBytes(curve.tokenCycleBytes)}`,
    ...hindsight.map(printable),
  ];
}

/** Highest hit rate of the policies with foresight at a capacity; null where there is none. */
function boundAt(curve: Curve, capacity: number): number | null {
  const rates = curve.policies.filter((one) => one.foresight).map((one) => one.points[capacity]!.hitRate);
  return rates.length === 0 ? null : Math.max(...rates);
}

/** Round shares of all experts between the first and the last capacity, about five. */
function ticksOf({ capacities, expertBytes }: Curve): number[] {
  const [low, high] = [capacities[0]! / expertBytes, capacities.at(-1)! / expertBytes];
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1].find((size) => (high - low) / size <= 6) ?? 0.2;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** All policies at one capacity, and how far each stays below Belady there and on average. */
function atGrid(curve: Curve, at: number, unicode: boolean): Grid {
  const bounds = curve.capacities.map((_, c) => boundAt(curve, c));
  const known = bounds[at] !== null;
  const size = `${formatRatio(curve.capacities[at]! / curve.expertBytes, 0)}, ${formatBytes(curve.capacities[at]!)}`;
  const rows = curve.policies.map(({ policy, points }) => {
    const { hitRate, churn, streamed } = points[at]!;
    const gaps = points.map((point, c) => (bounds[c] ?? 0) - point.hitRate);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    return [
      shorten(printable(policy), 26, unicode),
      formatRatio(hitRate),
      ...(known ? [asPoints(bounds[at]! - hitRate), asPoints(mean)] : []),
      formatNumber(churn, 1),
      formatCount(streamed),
    ];
  });
  return { head: [`at ${size}`, 'hits', ...(known ? ['below belady', 'mean'] : []), 'churn/token', 'streamed'], rows };
}

/** Points of a percentage. */
function asPoints(gap: number): string {
  return formatNumber(gap * 100, 1);
}

/** Every capacity: how much of it one event takes, and of each policy hits in percent with the churn that they cost. */
function fullGrid(curve: Curve, group: readonly PolicyCurve[], { unicode, verbose }: ReportOptions): Grid {
  const step = verbose ? 1 : Math.ceil(curve.capacities.length / ROWS);
  const shown = curve.capacities.map((_, c) => c).filter((c) => c % step === 0 || c === curve.capacities.length - 1);
  const rows = shown.map((c) => {
    const bytes = curve.capacities[c]!;
    const mark = c === curve.knee?.at ? (unicode ? ' ◂' : ' <') : '';
    return [
      `${formatRatio(bytes / curve.expertBytes, bytes / curve.expertBytes < 0.1 ? 1 : 0)} ${formatBytes(bytes)}${mark}`,
      formatNumber(Math.min(999, 100 * eventShare(curve, bytes))),
      ...group.flatMap(({ points }) => [formatNumber(points[c]!.hitRate * 100, 1), formatNumber(points[c]!.churn, 1)]),
    ];
  });
  return { head: ['capacity', 'ev %', ...group.flatMap(({ policy }) => [shorten(printable(policy), 10, unicode), 'churn'])], rows };
}

/** Distinct experts of an event over the experts that the cache it meets can hold. */
function eventShare(curve: Curve, bytes: number): number {
  const experts = (bytes / curve.expertBytes) * curve.experts;
  const layers = curve.config.scope === 'layer' ? curve.demand.events / Math.max(1, curve.demand.tokens) : 1;
  return experts === 0 ? Number.POSITIVE_INFINITY : (curve.demand.perEvent * layers) / experts;
}

function inGroups(policies: readonly PolicyCurve[]): PolicyCurve[][] {
  const groups: PolicyCurve[][] = [];
  for (let from = 0; from < policies.length; from += SIDE_BY_SIDE) groups.push(policies.slice(from, from + SIDE_BY_SIDE));
  return groups;
}

/** What quotas gain and how they split the capacity that the verdict speaks of. */
function splitFacts(curve: Curve): string[] {
  const at = curve.verdict?.at ?? curve.capacities.length >> 1;
  return curve.policies.flatMap(({ policy, splits, gains }) => {
    if (splits === undefined || gains === undefined) return [];
    const most = gains.reduce((best, gain, c) => (gain > gains[best]! ? c : best), 0);
    return [
      printable(
        `${policy}, ${curve.config.quotas} quotas at ${formatRatio(curve.capacities[at]! / curve.expertBytes, 0)}: ` +
          `${runs(splits[at]!)} experts per layer; ${asPoints(gains[at]!)} points over an even split there, ` +
          `at most ${asPoints(gains[most]!)} (at ${formatRatio(curve.capacities[most]! / curve.expertBytes, 0)})`,
      ),
    ];
  });
}

/** `30 x3, 28, 31 x2`: equal neighbours together. */
function runs(values: readonly number[]): string {
  const parts: string[] = [];
  for (let from = 0; from < values.length; ) {
    let to = from;
    while (to < values.length && values[to] === values[from]) to++;
    parts.push(to - from === 1 ? String(values[from]) : `${values[from]} x${to - from}`);
    from = to;
  }
  return parts.join(', ');
}

/** Items in lines of at most `width` columns, with gaps between; colour codes take no room. */
function packed(items: readonly string[], width: number): string {
  const lengthOf = (text: string): number => text.replace(/\u001b\[[0-9;]*m/g, '').length;
  const lines: string[] = [];
  let line = '';
  for (const item of items) {
    if (line !== '' && lengthOf(line) + 3 + lengthOf(item) > width) {
      lines.push(line);
      line = '';
    }
    line += (line === '' ? '' : '   ') + item;
  }
  return [...lines, line].join('\n');
}
