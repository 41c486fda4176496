import { formatCount, formatTokensPerSecond } from '../../base/units.js';
import { type PaperFigure, pictureFormats, rowOf, type SweepValue } from '../../figure/door.js';
import type { Column, Datum, Document, Grid, Line } from '../../report/door.js';
import {
  againGrid,
  againLines,
  againText,
  bareRate,
  changedParts,
  documentFormats,
  gridOf,
  heldOutLead,
  heldOutTokens,
  namedColumns,
  note,
  underOne,
} from '../../report/door.js';
import { compareMetricNames, metricValue } from '../../result/catalogue.js';
import { markOf } from '../../result/knowledge.js';
import type { MetricName } from '../../result/metrics.js';
import type { Metric, Result } from '../../result/result.js';
import { requestsRun, tokensRun } from '../../result/work-done.js';
import { axesFigures } from './axes-figures.js';
import { breakEvenPicture, breakEvenSentence, breakEvensOf } from './break-even.js';
import { RATE_PATH, type Sweep, type SweepAxis, type SweepPoint, saturationSentence } from './sweep.js';

/** A sweep and requested metrics; empty: defaults. */
export interface SweepView {
  readonly sweep: Sweep;
  readonly metrics: readonly string[];
}

const COLUMNS: readonly (readonly [head: string, metric: MetricName, loop?: 'open' | 'closed'])[] = [
  ['decode', 'speed.decode'],
  ['prefill', 'speed.prefill', 'closed'],
  ['generated', 'throughput.generated'],
  ['goodput', 'goodput.tokens'],
  ['TTFT p50', 'latency.ttft.p50'],
  ['TTFT p99', 'latency.ttft.p99'],
  ['tok/pass', 'speculation.tokens_per_pass'],
  ['queueing', 'latency.queueing.p50', 'open'],
  ['hits', 'cache.hit_rate'],
  ['stall', 'share.stall', 'closed'],
  ['KV peak', 'memory.gpu.kv_peak', 'open'],
  ['prefill', 'speed.prefill', 'open'],
  ['with prompts', 'throughput.total'],
];

/** Columns of an axis value in a table; ours. */
const LONGEST = 24;

/** Report of `moeprof sweep`. */
export const sweepReports = [
  ...documentFormats<SweepView>(sweepDocument, ({ sweep }) => sweep),
  ...pictureFormats('moeprof sweep', sweepFigures, sweepDocument),
] as const;

function sweepFigures({ sweep: { axes, points }, metrics }: SweepView): PaperFigure[] {
  const paths = axes.map(({ path }) => path);
  const rows = points.map(({ result, values }) => {
    const varied = Object.fromEntries(paths.map((path, at) => [path, values[at]!]));
    return rowOf(null, varied, { status: 'done', result });
  });
  return axesFigures(rows, paths, metrics);
}

function sweepDocument(view: SweepView): Document {
  const { sweep } = view;
  const { axes, points } = sweep;
  const best = fastestOf(points);
  const names = [...new Set(points.flatMap(({ result }) => Object.keys(result.metrics)))].sort(compareMetricNames);
  return {
    title: titleOf(sweep),
    ...answerOf(sweep),
    lead: [
      { text: originOf(sweep) },
      ...runtimeOf(sweep),
      ...heldOutLead(Math.max(0, ...points.map(({ result }) => heldOutTokens(result)))),
      ...orderLead(sweep),
    ],
    blocks: [
      pointGrid(view),
      ...breakEvensOf(axes, points).flatMap((breakEven) => [
        note(verdict(sweep, breakEven.path, breakEven.values, breakEvenSentence(breakEven))),
        breakEvenPicture(breakEven),
      ]),
      ...sweep.saturation.map((saturation) => note(verdict(sweep, RATE_PATH, saturation.values, saturationSentence(saturation)))),
      ...(sweep.refused ?? []).map(({ reason, values }) => note(`${values.join(' ')}: cannot run: ${reason}`, 'warning')),
      ...markLines(sweep).map((line) => note(line, 'info')),
      ...warningLines(sweep).map((line) => note(line, 'warning')),
      ...againLines('fastest', best && againText(best.result), ''),
      againGrid(
        axes.map(axisColumn),
        inOrder(axes, points).map(({ result, values }) => [values.map(String), againText(result)]),
      ),
    ],
    records: gridOf(
      namedColumns([...axes.map(({ path }) => path), ...names, 'again', 'knowledge']),
      points.map(({ result, values }) => [
        ...values.map(String),
        ...names.map((name) => result.metrics[name]),
        againText(result),
        result.knowledge?.most ?? 'nothing',
      ]),
    ),
  };
}

/** Axes, then metrics; default metrics are limited by width. */
function pointGrid({ sweep: { axes, points }, metrics }: SweepView): Grid {
  // Reused routing implies an open loop.
  const loop = points.some(({ result }) => metricValue(result, 'workload.routing_reused') !== null) ? 'open' : 'closed';
  const telling = COLUMNS.filter(([, name, of = loop]) => of === loop && points.some(({ result }) => result.metrics[name] !== undefined));
  const shown = metrics.length > 0 ? metrics.map((name) => [name, name] as const) : telling;
  return gridOf(
    [...axes.map(axisColumn), ...shown.map(([head]) => head)],
    inOrder(axes, points).map(({ result, values }) => [...values.map(String), ...shown.map(([, name]) => cellOf(result.metrics[name]))]),
    { keys: axes.length, overflow: metrics.length > 0 ? undefined : 'verbose' },
  );
}

const isRanking = (axes: readonly SweepAxis[]): boolean => axes.every(({ path }) => path === 'system' || path === 'hardware');

const decodeOf = ({ result }: SweepPoint): number => metricValue(result, 'speed.decode') ?? 0;

const inOrder = (axes: readonly SweepAxis[], points: readonly SweepPoint[]): readonly SweepPoint[] =>
  isRanking(axes) ? [...points].sort((a, b) => decodeOf(b) - decodeOf(a)) : points;

function orderLead({ axes, points, saturation }: Sweep): Line[] {
  const decodes = points.some((point) => decodeOf(point) > 0);
  return saturation.length === 0 && decodes && isRanking(axes)
    ? [{ text: 'fastest decode first (speed.decode, tok/s for each request)' }]
    : [];
}

function answerOf({ axes, points, saturation }: Sweep): { readonly answer?: string } {
  const [first, ...others] = saturation;
  if (first !== undefined && others.length === 0) return { answer: saturationSentence(first).replace(/\.$/, '') };
  const best = fastestOf(points);
  if (best === undefined || decodeOf(best) <= 0) return {};
  const where = axes.map(({ path }, i) => `${path.split('.').at(-1)!} ${String(best.values[i])}`).join(', ');
  return { answer: `${where} decodes fastest: ${formatTokensPerSecond(decodeOf(best))}` };
}

function fastestOf(points: readonly SweepPoint[]): SweepPoint | undefined {
  const most = Math.max(...points.map(decodeOf));
  return points.find((point) => decodeOf(point) === most);
}

/** Column of an axis, headed by the last word of the path, if unique. */
function axisColumn({ path, values }: SweepAxis, _index: number, axes: readonly SweepAxis[]): Column {
  const end = path.split('.').at(-1)!;
  const alone = axes.filter((axis) => axis.path.split('.').at(-1) === end).length === 1;
  return { head: alone ? end : path, align: values.some((value) => typeof value === 'string') ? 'left' : 'right', most: LONGEST };
}

const cellOf = (metric: Metric | undefined): Datum => (metric?.unit === 'tokens/s' ? bareRate(metric.value) : metric);

function titleOf({ points }: Sweep): string {
  const common = (of: (result: Result) => string, many: string): string => {
    const all = [...new Set(points.map(({ result }) => of(result)))];
    return all.length === 1 ? all[0]! : `${all.length} ${many}`;
  };
  const model = common(({ inputs }) => `${inputs.model} ${inputs.quantization}`, 'models');
  return `${model} on ${common(({ inputs }) => inputs.hardware, 'machines')}, ${common((result) => result.inputs.system + changedParts(result), 'systems')}`;
}

function originOf({ points }: Sweep): string {
  const range = (of: (result: Result) => number): string => {
    const all = points.map(({ result }) => of(result));
    const [least, most] = [Math.min(...all), Math.max(...all)];
    return least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;
  };
  const routing = [
    ...new Set(points.flatMap(({ result }) => result.inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path)))),
  ];
  const plural = (count: string, noun: string): string => `${count} ${noun}${count === '1' ? '' : 's'}`;
  const each = `${plural(range(requestsRun), 'request')} and ${plural(range(tokensRun), 'token')} each`;
  return `${plural(formatCount(points.length), 'run')} of ${each}, from ${routing.join(', ')}`;
}

function runtimeOf({ axes, points }: Sweep): Line[] {
  const [runtime, ...others] = new Set(points.map(({ result }) => result.inputs.runtime));
  return runtime === undefined || others.length > 0 || !axes.some(({ path }) => path === 'system') ? [] : [{ text: underOne(runtime) }];
}

/** A sentence prefixed by axis values, except the axis `without`. */
function verdict({ axes }: Sweep, without: string, values: readonly SweepValue[], sentence: string): string {
  const others = axes.filter(({ path }) => path !== without).map(({ path }, i) => `${path}=${String(values[i])}`);
  return `${others.length === 0 ? '' : `${others.join(', ')}: `}${sentence}`;
}

function warningLines(sweep: Sweep): string[] {
  const codes = [...new Set(sweep.points.flatMap(({ result }) => result.warnings.map(({ code }) => code)))];
  return codes.map((code) => `${code}: ${whichRuns(sweep, ({ warnings }) => warnings.some((warning) => warning.code === code))}`);
}

/** Marks for knowledge beyond a system's own (L17), with their runs. */
function markLines(sweep: Sweep): string[] {
  const marks = new Set(sweep.points.map(({ result }) => markOf(result)).filter((mark) => mark !== null));
  return [...marks].map((mark) => `${mark}: ${whichRuns(sweep, (result) => markOf(result) === mark)}`);
}

function whichRuns({ points }: Sweep, holds: (result: Result) => boolean): string {
  const of = points.filter(({ result }) => holds(result));
  return of.length === points.length ? 'all runs' : of.map(({ values }) => values.join(' ')).join(', ');
}
