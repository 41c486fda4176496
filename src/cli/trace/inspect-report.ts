// What an inspected trace is shown as: grids, the load as a heatmap, and all figures as JSON.
import { formatCount, formatNumber, formatRatio } from '../../base/units.js';
import { type ColumnOf, type Document, type Drawing, type Grid, grid } from '../../report/document/document.js';
import { documentFormats } from '../../report/document/formats.js';
import { renderTerminal } from '../../report/document/terminal.js';
import type { Format } from '../../report/format.js';
import { heatmap } from '../../report/heatmap.js';
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

const [table, json, csv, markdown] = documentFormats<Inspection>(
  (inspection) => ({ ...topOf(inspection), blocks: [...grids(inspection), layerGrid(inspection), heatOf(inspection, 'verbose')] }),
  plain,
);

const heat: Format<Inspection> = {
  name: 'heatmap',
  summary: 'load by layer and expert, drawn in characters',
  extensions: [],
  render: (inspection, options) => renderTerminal({ ...topOf(inspection), blocks: [heatOf(inspection)] }, options),
};

/** Formats of an inspection, the one for reading first. */
export const inspectionReports: readonly Format<Inspection>[] = [table, heat, json, csv, markdown];

function topOf({ trace, statistics: { tokens } }: Inspection): Pick<Document, 'title' | 'lead'> {
  const phases = `${formatCount(tokens.prefill)} prompt and ${formatCount(tokens.decode)} generated tokens`;
  return { title: trace.path, lead: [{ text: `${describeTrace(trace)}; ${phases}` }] };
}

function heatOf({ statistics: { byLayer } }: Inspection, detail?: 'verbose'): Drawing {
  const loads = byLayer.map(({ counts }) => counts);
  return { kind: 'drawing', detail, draw: (options) => heatmap(loads, options).trimEnd() };
}

/** A quantity in several columns. */
interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly show: (value: number) => string;
}

/** A grid with a quantity in each row. */
function seriesGrid(title: string, heads: readonly string[], rows: readonly Series[]): Grid {
  const width = heads.length > 3 ? NARROW : FIGURE;
  return grid(rows, [
    { head: title, width: LABEL, of: ({ label }) => label },
    ...heads.map((head, index): ColumnOf<Series> => {
      const of = ({ values }: Series): number | null => values[index] ?? null;
      return { head, width, of, text: (row) => (of(row) === null ? '' : row.show(of(row)!)) };
    }),
  ]);
}

function grids({ hits, statistics }: Inspection): Grid[] {
  const { byLayer, chance, distinct, mean, requests, reuse, topK, transition } = statistics;
  const range = (label: string, pick: (layer: (typeof byLayer)[number]) => number, show: Series['show'], average: number): Series => {
    const values = byLayer.map(pick);
    return { label, values: [average, Math.min(...values), Math.max(...values)], show };
  };
  const streams = streamsOf(statistics);
  const shares = HIT_SHARES.map((share) => formatRatio(share, 0));
  const rates = hits.map(({ hitRates, policy }) => ({ label: policy, values: hitRates, show: percent }));
  const next = transition === null ? [] : [{ label: 'predicted', values: [transition.atK, transition.at2K], show: percent }];
  return [
    seriesGrid(
      'requests',
      ['number', 'shortest', 'longest'],
      [{ label: 'tokens', values: [requests.count, requests.shortest, requests.longest], show: formatCount }],
    ),
    seriesGrid(
      'load by layer',
      ['mean', 'least', 'most'],
      [
        range('hottest / mean', (layer) => layer.hottestOverMean, two, mean.hottestOverMean),
        range('Gini', (layer) => layer.gini, two, mean.gini),
        range('entropy', (layer) => layer.entropy, two, mean.entropy),
        range('top 10 % carry', (layer) => layer.topTenth, percent, mean.topTenth),
        range('top 25 % carry', (layer) => layer.topQuarter, percent, mean.topQuarter),
        range('unused experts', (layer) => layer.unused, one, mean.unused),
        range('reuse at 1 token', (layer) => layer.reuse[0]!, percent, reuse[0]!),
      ],
    ),
    seriesGrid('reuse in tokens', REUSE_WINDOWS.map(String), [
      { label: 'recorded', values: reuse, show: percent },
      { label: 'by popularity', values: [chance], show: percent },
    ]),
    seriesGrid('streams', streams.map(String), [{ label: 'distinct experts', values: distinct, show: one }]),
    seriesGrid('hit rate at', shares, rates),
    seriesGrid('next layer', [`of ${topK}`, `of ${2 * topK}`], next),
  ];
}

function layerGrid({ statistics: { byLayer, transition } }: Inspection): Grid {
  return grid(
    byLayer.map((layer, index) => ({ ...layer, index, predicted: index === 0 ? null : (transition?.byLayer[index - 1] ?? null) })),
    [
      { head: 'layer', of: ({ index }) => index },
      { head: 'hottest / mean', of: (layer) => layer.hottestOverMean, show: two },
      { head: 'Gini', of: (layer) => layer.gini, show: two },
      { head: 'entropy', of: (layer) => layer.entropy, show: two },
      { head: 'unused', of: (layer) => layer.unused, show: formatCount },
      { head: 'reuse 1', of: (layer) => layer.reuse[0], show: percent },
      { head: 'reuse 16', of: (layer) => layer.reuse.at(-1), show: percent },
      { head: 'predicted', of: (layer) => layer.predicted, show: percent },
    ],
    { detail: 'verbose' },
  );
}

const one = (value: number): string => formatNumber(value, 1);
const two = (value: number): string => formatNumber(value, 2);
const percent = (value: number): string => formatRatio(value);

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
