// How an inspected trace is shown: grids as a terminal table and as Markdown, the load as a heatmap, all figures as JSON.
import { formatCount, formatNumber, formatRatio } from '../../base/units.js';
import { type Format, printable, type ReportOptions } from '../../report/format.js';
import { heatmap } from '../../report/heatmap.js';
import { toJson } from '../../report/json.js';
import { escapeMarkdown, markdownTable } from '../../report/markdown.js';
import type { Grid } from '../../report/summary.js';
import { palette, ruledTable, widthOf, wrap } from '../../report/text.js';
import { REUSE_WINDOWS, type RoutingStatistics, streamsOf } from '../../trace/stats/index.js';
import { HIT_SHARES, type PolicyHits } from './hits.js';
import { describeTrace, type TraceIdentity } from './open.js';

/** What is known of a trace. */
export interface Inspection {
  readonly trace: TraceIdentity;
  readonly statistics: RoutingStatistics;
  readonly hits: readonly PolicyHits[];
}

const LABEL = 18;
const FIGURE = 10;
/** Columns of a figure where there are many; two blanks between: 18 + 6 x (2 + 8) = 78. */
const NARROW = 8;

const table: Format<Inspection> = {
  name: 'table',
  summary: 'for reading, in a terminal or a text file',
  extensions: ['.txt'],
  render: renderTable,
};

const heat: Format<Inspection> = {
  name: 'heatmap',
  summary: 'load by layer and expert, drawn in characters',
  extensions: [],
  render: (inspection, options) => `${title(inspection, options)}\n\n${drawn(inspection, options)}`,
};

const json: Format<Inspection> = {
  name: 'json',
  summary: 'everything, for tools',
  extensions: ['.json'],
  render: (inspection) => toJson(plain(inspection)),
};

const markdown: Format<Inspection> = {
  name: 'markdown',
  summary: 'for issues and wikis',
  extensions: ['.md', '.markdown'],
  render: (inspection) =>
    `${[
      `## ${escapeMarkdown(printable(inspection.trace.path))}`,
      `${escapeMarkdown(describeTrace(inspection.trace))}.`,
      ...grids(inspection).map((grid) => markdownTable(grid)),
    ].join('\n\n')}\n`,
};

/** Formats of an inspection, the one for reading first. */
export const inspectionReports: readonly Format<Inspection>[] = [table, heat, json, markdown];

function title({ trace, statistics: { tokens } }: Inspection, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const phases = `${formatCount(tokens.prefill)} prompt and ${formatCount(tokens.decode)} generated tokens`;
  return [chalk.bold(wrap(printable(trace.path), width)), chalk.dim(wrap(`${describeTrace(trace)}; ${phases}`, width))].join('\n');
}

function renderTable(inspection: Inspection, options: ReportOptions): string {
  const draw = ({ head, rows }: Grid): string =>
    ruledTable(head, rows, options, { widths: head.map((_, column) => (column === 0 ? LABEL : head.length > 4 ? NARROW : FIGURE)) });
  const blocks = [
    title(inspection, options),
    ...grids(inspection).map(draw),
    ...(options.verbose
      ? [ruledTable(layerGrid(inspection).head, layerGrid(inspection).rows, options), drawn(inspection, options).trimEnd()]
      : []),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function drawn({ statistics }: Inspection, options: ReportOptions): string {
  return heatmap(
    statistics.byLayer.map(({ counts }) => counts),
    options,
  );
}

function grids({ hits, statistics }: Inspection): Grid[] {
  const { byLayer, chance, distinct, mean, requests, reuse, topK, transition } = statistics;
  const range = (
    label: string,
    pick: (layer: (typeof byLayer)[number]) => number,
    show: (value: number) => string,
    average: number,
  ): string[] => {
    const values = byLayer.map(pick);
    return [label, show(average), show(Math.min(...values)), show(Math.max(...values))];
  };
  const two = (value: number): string => formatNumber(value, 2);
  const one = (value: number): string => formatNumber(value, 1);
  const skew: Grid = {
    head: ['load by layer', 'mean', 'least', 'most'],
    rows: [
      range('hottest / mean', (layer) => layer.hottestOverMean, two, mean.hottestOverMean),
      range('Gini', (layer) => layer.gini, two, mean.gini),
      range('entropy', (layer) => layer.entropy, two, mean.entropy),
      range('top 10 % carry', (layer) => layer.topTenth, formatRatio, mean.topTenth),
      range('top 25 % carry', (layer) => layer.topQuarter, formatRatio, mean.topQuarter),
      range('unused experts', (layer) => layer.unused, one, mean.unused),
      range('reuse at 1 token', (layer) => layer.reuse[0]!, formatRatio, reuse[0]!),
    ],
  };
  const reuseGrid: Grid = {
    head: ['reuse in tokens', ...REUSE_WINDOWS.map(String)],
    rows: [
      ['recorded', ...reuse.map((share) => formatRatio(share))],
      ['by popularity', formatRatio(chance), ...REUSE_WINDOWS.slice(1).map(() => '')],
    ],
  };
  const streams = streamsOf(statistics);
  const batching: Grid = {
    head: ['streams', ...streams.map(String)],
    rows: [['distinct experts', ...distinct.map(one)]],
  };
  const rates: Grid = {
    head: ['hit rate at', ...HIT_SHARES.map((share) => formatRatio(share, 0))],
    rows: hits.map(({ hitRates, policy }) => [policy, ...hitRates.map((rate) => formatRatio(rate))]),
  };
  const next: Grid = {
    head: ['next layer', `of ${topK}`, `of ${2 * topK}`],
    rows: transition === null ? [] : [['predicted', formatRatio(transition.atK), formatRatio(transition.at2K)]],
  };
  const lengths: Grid = {
    head: ['requests', 'number', 'shortest', 'longest'],
    rows: [['tokens', formatCount(requests.count), formatCount(requests.shortest), formatCount(requests.longest)]],
  };
  return [lengths, skew, reuseGrid, batching, rates, next].filter(({ rows }) => rows.length > 0);
}

function layerGrid({ statistics: { byLayer, transition } }: Inspection): Grid {
  return {
    head: ['layer', 'hottest / mean', 'Gini', 'entropy', 'unused', 'reuse 1', 'reuse 16', 'predicted'],
    rows: byLayer.map((layer, index) => [
      String(index),
      formatNumber(layer.hottestOverMean, 2),
      formatNumber(layer.gini, 2),
      formatNumber(layer.entropy, 2),
      formatCount(layer.unused),
      formatRatio(layer.reuse[0]!),
      formatRatio(layer.reuse.at(-1)!),
      index === 0 || transition === null ? '' : formatRatio(transition.byLayer[index - 1]!),
    ]),
  };
}

/** The JSON document: typed arrays as lists, windows and streams named. */
function plain({ hits, statistics, trace }: Inspection): object {
  const { byLayer, distinct, reuse, ...others } = statistics;
  const named = <T>(keys: readonly (number | string)[], values: readonly T[]): Record<string, T> =>
    Object.fromEntries(values.map((value, i) => [String(keys[i]), value]));
  return {
    schema: 'moeprof.trace-inspection/1',
    trace,
    ...others,
    reuse: named(REUSE_WINDOWS, reuse),
    distinct: named(streamsOf(statistics), distinct),
    hitRates: Object.fromEntries(hits.map(({ hitRates, policy }) => [policy, named(HIT_SHARES, hitRates)])),
    byLayer: byLayer.map(({ counts, reuse: own, ...layer }) => ({
      ...layer,
      reuse: named(REUSE_WINDOWS, own),
      counts: Array.from(counts),
    })),
  };
}
