// How a sweep is shown: a table by the values that were varied, JSON, CSV, Markdown. Pure functions of the sweep.
import { formatCount, formatNumber } from '../base/units.js';
import { toCsv } from '../report/csv.js';
import { type Format, formatMetric, printable, type ReportOptions } from '../report/format.js';
import { toJson } from '../report/json.js';
import { escapeMarkdown, markdownTable } from '../report/markdown.js';
import type { Grid } from '../report/summary.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../report/text.js';
import { compareMetricNames } from '../result/catalogue.js';
import { requestsRun, tokensRun } from '../result/ran.js';
import type { Metric, Result } from '../result/result.js';
import { type Saturation, type Sweep, type SweepPoint, saturationSentence } from './sweep.js';

/** A sweep, and the metrics that were asked for; empty: those that say most. */
export interface SweepView {
  readonly sweep: Sweep;
  readonly metrics: readonly string[];
}

/** What is shown unless metrics are named: head, metric, and the loop that it says something of; those that no run has are left out. */
const COLUMNS: readonly (readonly [head: string, metric: string, loop?: 'open' | 'closed'])[] = [
  ['tok/s', 'throughput.total'],
  ['goodput', 'goodput.tokens'],
  ['TTFT p50', 'latency.ttft.p50'],
  ['TTFT p99', 'latency.ttft.p99'],
  ['TPOT', 'latency.tpot.p50'],
  ['queueing', 'latency.queueing.p50', 'open'],
  ['hits', 'cache.hit_rate'],
  ['stall', 'share.stall', 'closed'],
  ['KV peak', 'memory.gpu.kv_peak', 'open'],
];

/** Longest value of an axis in a table, columns. */
const LONGEST = 24;

/** Formats of a sweep, the one for reading first. */
export const sweepReports: readonly Format<SweepView>[] = [
  { name: 'table', summary: 'by the values that were varied, for reading', extensions: ['.txt'], render: renderTable },
  { name: 'json', summary: 'all results, for tools', extensions: ['.json'], render: ({ sweep }) => toJson(sweep) },
  { name: 'csv', summary: 'one row per run, all metrics', extensions: ['.csv'], render: renderCsv },
  { name: 'markdown', summary: 'for pull requests, issues and wikis', extensions: ['.md', '.markdown'], render: renderMarkdown },
];

function renderTable(view: SweepView, options: ReportOptions): string {
  const { sweep } = view;
  const chalk = palette(options);
  const width = widthOf(options);
  const blocks = [
    `${chalk.bold(wrap(titleOf(sweep), width))}\n${chalk.dim(wrap(originOf(sweep), width))}`,
    ...gridsOf(view, options).map(({ head, rows }) => ruledTable(head, rows, options, { align: alignOf(sweep, head.length) })),
    ...sweep.saturation.map((one) => wrap(verdict(sweep, one), width)),
    ...warningLines(sweep).map((line) => wrap(line, width, `${chalk.yellow('!')} `.slice(0, 2), '  ')),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderMarkdown(view: SweepView, options: ReportOptions): string {
  const { sweep } = view;
  const blocks = [
    `## ${escapeMarkdown(titleOf(sweep))}`,
    `${escapeMarkdown(originOf(sweep))}.`,
    markdownTable(joinGrid(view, options)),
    ...sweep.saturation.map((one) => escapeMarkdown(verdict(sweep, one))),
    ...warningLines(sweep).map((line) => `> ${escapeMarkdown(line)}`),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderCsv({ sweep: { axes, points } }: SweepView): string {
  const names = [...new Set(points.flatMap(({ result }) => Object.keys(result.metrics)))].sort(compareMetricNames);
  const rows = points.map(({ result, values }) => [...values.map(String), ...names.map((name) => result.metrics[name]?.value ?? '')]);
  return toCsv([[...axes.map(({ path }) => path), ...names], ...rows]);
}

/** All columns side by side: the axes, then metrics. */
function joinGrid({ sweep: { axes, points }, metrics }: SweepView, { unicode }: ReportOptions): Grid {
  const ends = axes.map(({ path }) => path.split('.').at(-1)!);
  const heads = axes.map(({ path }, i) => (ends.indexOf(ends[i]!) === ends.lastIndexOf(ends[i]!) ? ends[i]! : path));
  // Only requests that arrive by themselves walk the trace as they need, and are told how much they repeat.
  const loop = points.some(({ result }) => result.metrics['workload.routing_reused'] !== undefined) ? 'open' : 'closed';
  const telling = COLUMNS.filter(([, name, of = loop]) => of === loop && points.some(({ result }) => result.metrics[name] !== undefined));
  const columns = metrics.length > 0 ? metrics.map((name) => [name, name] as const) : telling;
  const cells = ({ result, values }: SweepPoint): string[] => [
    ...values.map((value) => shorten(printable(String(value)), LONGEST, unicode)),
    ...columns.map(([, name]) => cell(result.metrics[name])),
  ];
  return { head: [...heads, ...columns.map(([head]) => head)], rows: points.map(cells) };
}

/** Words stand left, figures right. */
function alignOf({ axes }: Sweep, columns: number): ('left' | 'right')[] {
  return Array.from({ length: columns }, (_, i) =>
    axes[i]?.values.some((value) => typeof value === 'string') === true ? 'left' : 'right',
  );
}

/** The same as several tables that fit the width, the axes in each; of figures that nobody named, those of the first unless all are wanted. */
function gridsOf(view: SweepView, options: ReportOptions): Grid[] {
  const { head, rows } = joinGrid(view, options);
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]!.length)) + 2);
  const fixed = view.sweep.axes.map((_, column) => column);
  const room = widthOf(options) + 2 - fixed.reduce((sum, column) => sum + widths[column]!, 0);
  const groups: number[][] = [];
  let left = 0;
  for (let column = fixed.length; column < head.length; column++) {
    if (widths[column]! > left) {
      groups.push([]);
      left = room;
    }
    groups.at(-1)!.push(column);
    left -= widths[column]!;
  }
  const shown = view.metrics.length > 0 || options.verbose ? groups : groups.slice(0, 1);
  return shown.map((group) => {
    const columns = [...fixed, ...group];
    return { head: columns.map((column) => head[column]!), rows: rows.map((row) => columns.map((column) => row[column]!)) };
  });
}

/** A figure without the unit that its column is named by. */
function cell(metric: Metric | undefined): string {
  if (metric === undefined) return '';
  return metric.unit === 'tokens/s' ? formatNumber(metric.value, metric.value < 9.995 ? 2 : 1) : formatMetric(metric);
}

function titleOf({ points }: Sweep): string {
  const one = (of: (result: Result) => string, many: string): string => {
    const all = [...new Set(points.map(({ result }) => of(result)))];
    return all.length === 1 ? all[0]! : `${all.length} ${many}`;
  };
  const model = one(({ inputs }) => `${inputs.model} ${inputs.quantization}`, 'models');
  return printable(`${model} on ${one(({ inputs }) => inputs.hardware, 'machines')}, ${one(({ inputs }) => inputs.system, 'systems')}`);
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
  return printable(`${plural(formatCount(points.length), 'run')} of ${each}, from ${routing.join(', ')}`);
}

/** The sentence on saturation, with the other values that it is for. */
function verdict({ axes }: Sweep, saturation: Saturation): string {
  const others = axes.filter(({ path }) => path !== 'workload.rate').map(({ path }, i) => `${path}=${String(saturation.values[i])}`);
  return printable(`${others.length === 0 ? '' : `${others.join(', ')}: `}${saturationSentence(saturation)}`);
}

/** Each warning once, with the runs that gave it, where not all did. */
function warningLines({ points }: Sweep): string[] {
  const codes = [...new Set(points.flatMap(({ result }) => result.warnings.map(({ code }) => code)))];
  return codes.map((code) => {
    const of = points.filter(({ result }) => result.warnings.some((warning) => warning.code === code));
    const where = of.length === points.length ? 'all runs' : of.map(({ values }) => values.join(' ')).join(', ');
    return printable(`${code}: ${where}`);
  });
}
