import { visible } from '../base/text.js';
import { formatCount, formatNumber, formatRatio } from '../base/units.js';
import { drawnFormats, onePanel, type PaperFigure, type RunPoint } from '../figure/door.js';
import type { Datum, Document, Drawing, Grid, Visibility } from '../report/door.js';
import { figure, gridOf, hitRangeLead, hitRateOf, note, palette, widthOf } from '../report/door.js';
import type { MetricName } from '../result/metrics.js';
import { drawChart, markerOf } from './chart.js';
import type { Curve, PolicyCurve } from './curve-result.js';
import { capacityText } from './verdict.js';

/** Policies per block of the full table. */
const SIDE_BY_SIDE = 3;
/** Maximum rows of the full table by default. */
const ROWS = 24;

/** Report of `moeprof curve`. */
export const curveReports = drawnFormats<Curve>('moeprof curve', curveDocument, curveFigures);

function curveDocument(curve: Curve): Document {
  const { capacities, policies, verdict, warnings } = curve;
  const step = Math.ceil(capacities.length / ROWS);
  const places = capacities.map((_, c) => c);
  const some = places.filter((c) => c % step === 0 || c === capacities.length - 1);
  const groups = inGroups(policies);
  const all = policies.flatMap(({ points }) => points);
  return {
    title: titleOf(curve),
    lead: [
      ...(verdict === null ? [] : [{ text: verdict.sentence, tone: 'strong' as const }]),
      ...facts(curve).map((text) => ({ text })),
      ...hitRangeLead(all),
    ],
    blocks: [
      chartOf(curve),
      ...(verdict === null ? [] : [atGrid(curve, verdict.at)]),
      ...groups.map((group) => fullGrid(curve, group, some, { only: ['terminal'], detail: 'brief' })),
      ...groups.map((group) => fullGrid(curve, group, places, { only: ['terminal'], detail: 'verbose' })),
      fullGrid(curve, policies, places, { only: ['markdown'] }),
      ...splitFacts(curve).map((text) => note(text)),
      ...warnings.map(({ message }) => note(message, 'warning')),
    ],
    records: recordsOf(curve),
  };
}

function chartOf(curve: Curve): Drawing {
  const { capacities, config, expertBytes, knee, policies, tokenCycleBytes } = curve;
  const ruled = capacities[0]! < tokenCycleBytes && config.scope === 'global';
  return {
    kind: 'drawing',
    draw(options) {
      const { unicode } = options;
      const [chalk, width] = [palette(options), widthOf(options)];
      const chart = drawChart(
        policies.map(({ points }) => ({ x: capacities, y: points.map((point) => point.hitRate) })),
        {
          width,
          height: 17,
          unicode,
          chalk,
          rule: ruled ? tokenCycleBytes : null,
          mark: knee === null ? null : { x: capacities[knee.at]!, label: `knee of ${knee.policy}` },
          ticks: ticksOf(curve).map((share) => ({ x: share * expertBytes, label: formatRatio(share, share < 0.02 ? 1 : 0) })),
        },
      );
      const legend = policies.map(({ policy }, index) => `${markerOf(index, { unicode, chalk })} ${policy}`);
      const rule = ruled ? [`${unicode ? '┊' : ':'} token cycle ${capacityText(curve, tokenCycleBytes)}`] : [];
      return `${chart}\n\n${packedLines([...legend, ...rule], width)}`;
    },
  };
}

const RECORD = [
  ...['model', 'trace', 'scope', 'replay', 'quotas', 'policy', 'capacity_bytes', 'capacity_share', 'hit_rate', 'hits'],
  ...['demanded', 'insertions', 'evictions', 'streamed', 'churn_per_token', 'below_belady', 'hit_rate_low', 'hit_rate_high'],
];

function recordsOf(curve: Curve): Grid {
  const { scope, replay, quotas } = curve.config;
  const rows = curve.policies.flatMap(({ policy, points }) =>
    points.map((point, c) => {
      const bytes = curve.capacities[c]!;
      const bound = boundAt(curve, c);
      const fixed = [
        curve.inputs.model,
        curve.inputs.trace.path,
        scope,
        replay,
        quotas,
        policy,
        curve.inputs.unit === 'experts' ? null : bytes,
        bytes / curve.expertBytes,
      ];
      const counts = [point.hits, curve.demand.demanded, point.insertions, point.evictions, point.streamed, point.churn];
      const { high, low } = point.hitRange ?? {};
      return [...fixed, point.hitRate, ...counts, bound === null ? null : bound - point.hitRate, low, high];
    }),
  );
  return gridOf(RECORD, rows);
}

function titleOf(curve: Curve): string {
  const { model, quantization } = curve.inputs;
  const scope = curve.config.scope === 'layer' ? 'one cache per layer' : 'one cache for all layers';
  const quotas = curve.config.quotas === 'even' ? '' : `, ${curve.config.quotas} quotas`;
  return `Hit rate against capacity: ${model} (${quantization}), ${scope}${quotas}`;
}

function facts(curve: Curve): string[] {
  const { trace, unit } = curve.inputs;
  const { warmup } = curve.config;
  const { tokens, events, demanded, compulsory, perEvent } = curve.demand;
  const synthetic = trace.synthetic ? ' of synthetic routing (no model was run)' : '';
  const after = warmup > 0 ? ` after ${formatCount(warmup)} of warm-up` : '';
  const hindsight = curve.config.popularity === undefined ? [] : [`Popularity for static placement: ${curve.config.popularity}`];
  return [
    `${trace.path}: ${formatCount(tokens)} tokens${synthetic}${after}, ${curve.config.replay === 'atomic' ? 'a token at a layer is an event' : 'each activation is an event'}`,
    `${formatCount(demanded)} experts demanded in ${formatCount(events)} events, ${formatNumber(perEvent, 1)} each; ` +
      `${formatCount(compulsory)} first uses; ${unit === 'experts' ? 'there are' : 'all experts are'} ${capacityText(curve, curve.expertBytes)}, one token touches ${capacityText(curve, curve.tokenCycleBytes)}`,
    ...hindsight,
  ];
}

/** Highest foresight hit rate at a capacity; null without foresight policies. */
function boundAt(curve: Curve, capacity: number): number | null {
  const rates = curve.policies.filter((policy) => policy.foresight).map((policy) => policy.points[capacity]!.hitRate);
  return rates.length === 0 ? null : Math.max(...rates);
}

/** About five round shares within the capacities. */
function ticksOf({ capacities, expertBytes }: Curve): number[] {
  const [low, high] = [capacities[0]! / expertBytes, capacities.at(-1)! / expertBytes];
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1].find((size) => (high - low) / size <= 6) ?? 0.2;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** All policies at one capacity, with the gap to Belady. */
function atGrid(curve: Curve, at: number): Grid {
  const bounds = curve.capacities.map((_, c) => boundAt(curve, c));
  const known = bounds[at] !== null;
  const size = `${formatRatio(curve.capacities[at]! / curve.expertBytes, 0)}, ${capacityText(curve, curve.capacities[at]!)}`;
  const rows = curve.policies.map(({ policy, points }) => {
    const { hitRate, churn, hitRange, streamed } = points[at]!;
    const gaps = points.map((point, c) => (bounds[c] ?? 0) - point.hitRate);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const below = known ? [inPoints(gaps[at]!), inPoints(mean)] : [];
    return [policy, hitRateOf(hitRate, { hitRange }), ...below, oneDigit(churn), figure(streamed, 'count')];
  });
  const head = { head: `at ${size}`, most: 26 };
  return gridOf([head, 'hits', ...(known ? ['below belady', 'mean'] : []), 'churn/token', 'streamed'], rows);
}

const asPoints = (gap: number, decimals = 1): string => formatNumber(gap * 100, decimals);

const inPoints = (value: number): Datum => ({ value, text: asPoints(value) });

const oneDigit = (value: number): Datum => ({ value, text: formatNumber(value, value < 1000 ? 1 : 0) });

/** Rows by capacity, columns by policy. */
function fullGrid(curve: Curve, group: readonly PolicyCurve[], shown: readonly number[], where: Visibility): Grid {
  const rows = shown.map((c) => {
    const bytes = curve.capacities[c]!;
    const share = bytes / curve.expertBytes;
    const size = `${formatRatio(share, share < 0.1 ? 1 : 0)} ${capacityText(curve, bytes)}${c === curve.knee?.at ? ' ◂' : ''}`;
    return [
      size,
      formatNumber(Math.min(999, 100 * eventShare(curve, bytes))),
      ...group.flatMap(({ points }) => [
        hitRateOf(points[c]!.hitRate, points[c]!, (rate, ranged) => asPoints(rate, ranged ? 0 : 1)),
        oneDigit(points[c]!.churn),
      ]),
    ];
  });
  return gridOf(['capacity', 'ev %', ...group.flatMap(({ policy }) => [{ head: policy, most: 10 }, 'churn'])], rows, where);
}

/** Distinct experts of an event over cache capacity in experts. */
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

function splitFacts(curve: Curve): string[] {
  const at = curve.verdict?.at ?? curve.capacities.length >> 1;
  return curve.policies.flatMap(({ policy, splits, gains }) => {
    if (splits === undefined || gains === undefined) return [];
    const most = gains.reduce((best, gain, c) => (gain > gains[best]! ? c : best), 0);
    return [
      `${policy}, ${curve.config.quotas} quotas at ${formatRatio(curve.capacities[at]! / curve.expertBytes, 0)}: ` +
        `${runLengths(splits[at]!)} experts per layer; ${asPoints(gains[at]!)} points over an even split there, ` +
        `at most ${asPoints(gains[most]!)} (at ${formatRatio(curve.capacities[most]! / curve.expertBytes, 0)})`,
    ];
  });
}

/** `30 x3, 28, 31 x2` */
function runLengths(values: readonly number[]): string {
  const parts: string[] = [];
  for (let from = 0; from < values.length; ) {
    let to = from;
    while (to < values.length && values[to] === values[from]) to++;
    parts.push(to - from === 1 ? String(values[from]) : `${values[from]} x${to - from}`);
    from = to;
  }
  return parts.join(', ');
}

/** Colour codes have no width. */
function packedLines(items: readonly string[], width: number): string {
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

/** The figure of a curve. */
export function curveFigures({ capacities, config, expertBytes, knee, policies, tokenCycleBytes }: Curve): PaperFigure[] {
  const share = (bytes: number): number => (100 * bytes) / expertBytes;
  const names = policies.map(({ policy }) => visible(policy));
  const points = policies.flatMap(({ points: curvePoints }, p) =>
    curvePoints.map(({ hitRate }, c): RunPoint => ({ x: share(capacities[c]!), y: 100 * hitRate, series: names[p]! })),
  );
  const inside = (bytes: number): boolean => bytes >= capacities[0]! && bytes <= capacities.at(-1)!;
  const cycle = config.scope === 'global' && inside(tokenCycleBytes);
  const rules = [
    ...(cycle ? [{ axis: 'x' as const, at: share(tokenCycleBytes), label: 'token cycle' }] : []),
    ...(knee === null ? [] : [{ axis: 'x' as const, at: share(capacities[knee.at]!), label: `knee of ${visible(knee.policy)}` }]),
  ];
  const xAxis = { name: 'capacity', unit: '% of all experts', continuous: true };
  const yAxis = { name: 'hit rate', unit: '%', continuous: true };
  const question = { kind: 'line', x: 'capacity', y: 'cache.hit_rate' satisfies MetricName, series: 'policy' } as const;
  return [onePanel({ ...question, xAxis, yAxis, seriesNames: names, rules }, points)];
}
