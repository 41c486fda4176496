import type { Command } from 'commander';
import { formatCount, formatNumber, formatRatio } from '../../base/units.js';
import { drawnFormats, heatMap } from '../../figure/door.js';
import type { Datum, Document, Drawing, Format, Grid, OutputFormat } from '../../report/door.js';
import { figure, gridOf, heatmap, ratio, renderTerminal } from '../../report/door.js';
import { REUSE_WINDOWS, type RoutingStatistics, routingStatistics, SEGMENT, streamsOf } from '../../trace/stats/index.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { CliContext } from '../kit/context.js';
import { type OptionsOf, options, subcommand } from '../kit/declared.js';
import { output, PICTURES, TRACE } from '../kit/groups.js';
import { deliver } from '../kit/outputs.js';
import { HIT_SHARES, hitsOf, type PolicyHits } from './hits.js';
import { describeTrace, identityOf, type TraceIdentity, withNamed } from './open.js';

interface Inspection {
  readonly trace: TraceIdentity;
  readonly statistics: RoutingStatistics;
  readonly hits: readonly PolicyHits[];
}

/** Width of a label, columns. */
const LABEL = 18;
/** Width of a figure, columns. */
const FIGURE = 10;
/** Columns of a figure in wide tables: 18 + 6 x (2 + 8) = 78. */
const NARROW = 8;

const [table, ...formats] = drawnFormats<Inspection>(
  'moeprof trace inspect',
  (inspection) => ({
    ...inspectionTop(inspection),
    answer: answerOf(inspection),
    blocks: [...inspectionGrids(inspection), layerGrid(inspection), heatOf(inspection, 'verbose')],
  }),
  ({ statistics }) =>
    heatMap(
      statistics.byLayer.map(({ counts }) => counts),
      ['layer', 'expert'],
    ),
  jsonOf,
);

const heat: Format<Inspection> = {
  name: 'heatmap',
  extensions: [],
  render: (inspection, options) => renderTerminal({ ...inspectionTop(inspection), blocks: [heatOf(inspection)] }, options),
};

const inspectionReports: readonly OutputFormat<Inspection>[] = [table, heat, ...formats];

const INSPECT = options({
  '<trace>': 'a file in any known format, - for JSONL on stdin, or a bundled trace',
  ...TRACE,
  ...output(inspectionReports),
  ...PICTURES,
});

const INSPECT_HELP = `Reads every format that moeprof run reads, recordings of phones included.

Examples:
  moeprof trace inspect routing.safetensors
  moeprof trace inspect run.route.csv --format heatmap
  moeprof trace inspect replies.jsonl -m qwen3-30b-a3b --json`;

/** `moeprof trace inspect`. */
export function defineInspect(parent: Command, context: CliContext): void {
  subcommand(parent, 'inspect', INSPECT, {
    help: INSPECT_HELP,
    first: ['-m', '-o'],
    summary: 'tokens, skew, reuse, batching, predictability, hit rates; heatmap',
    description: 'Skew, reuse, batching, predictability and hit rates of a trace.',
  }).action((path: string, flags: OptionsOf<typeof INSPECT>) =>
    deliver(context, inspectionReports, flags, () => withNamed(path, flags, (trace) => inspectTrace(trace, context))),
  );
}

/** Computes an inspection. */
export async function inspectTrace(trace: RoutingTrace, context: CliContext): Promise<Inspection> {
  const statistics = routingStatistics(trace);
  await context.breathe();
  return { trace: identityOf(trace), statistics, hits: await hitsOf(trace, context) };
}

/** Title and first line. */
export function inspectionTop({ trace, statistics: { tokens } }: Inspection): Pick<Document, 'title' | 'lead'> {
  const phases = `${formatCount(tokens.prefill)} prompt and ${formatCount(tokens.decode)} generated tokens`;
  return { title: trace.path, lead: [{ text: `${describeTrace(trace)}; ${phases}` }] };
}

/** Hits in a quarter of the experts, or the next smaller share. */
function answerOf({ hits, trace }: Inspection): string {
  const at = HIT_SHARES.findLastIndex((share) => share <= 0.25);
  if (hits.length === 0) return trace.path;
  const rates = hits.map(({ hitRates, policy }) => `${formatRatio(hitRates[at]!)} with ${policy}`);
  return `A cache of ${formatRatio(HIT_SHARES[at]!, 0)} of the experts hits ${rates.join(', ')}`;
}

function heatOf({ statistics: { byLayer } }: Inspection, detail?: 'verbose'): Drawing {
  const loads = byLayer.map(({ counts }) => counts);
  return { kind: 'drawing', detail, draw: (options) => heatmap(loads, options).trimEnd() };
}

function alignedGrid(heads: readonly string[], rows: readonly (readonly Datum[])[]): Grid {
  const widthOf = (column: number): number => (column === 0 ? LABEL : heads.length > 4 ? NARROW : FIGURE);
  return gridOf(
    heads.map((head, column) => ({ head, width: widthOf(column) })),
    rows,
  );
}

/** Figures over all layers. */
export function inspectionGrids({ hits, statistics }: Inspection): Grid[] {
  const { byLayer, chance, consistency, distinct, mean, requests, reuse, topK, transition } = statistics;
  const range = (
    label: string,
    pick: (layer: (typeof byLayer)[number]) => number,
    show: (value: number) => Datum,
    average: number,
  ): Datum[] => {
    const values = byLayer.map(pick);
    return [label, show(average), show(Math.min(...values)), show(Math.max(...values))];
  };
  const streams = streamsOf(statistics);
  const shares = HIT_SHARES.map((share) => formatRatio(share, 0));
  const { count, longest, shortest } = requests;
  const ofLayers = consistency.byLayer.filter((ratio) => ratio !== null);
  return [
    alignedGrid(['requests', 'number', 'shortest', 'longest'], [['tokens', ...[count, shortest, longest].map((n) => figure(n, 'count'))]]),
    alignedGrid(
      ['load by layer', 'mean', 'least', 'most'],
      [
        range('hottest / mean', (layer) => layer.hottestOverMean, two, mean.hottestOverMean),
        range('Gini', (layer) => layer.gini, two, mean.gini),
        range('entropy', (layer) => layer.entropy, two, mean.entropy),
        range('top 10 % carry', (layer) => layer.topTenth, ratio, mean.topTenth),
        range('top 25 % carry', (layer) => layer.topQuarter, ratio, mean.topQuarter),
        range('unused experts', (layer) => layer.unused, datum, mean.unused),
        range('reuse at 1 token', (layer) => layer.reuse[0]!, ratio, reuse[0]!),
      ],
    ),
    alignedGrid(
      ['reuse in tokens', ...REUSE_WINDOWS.map(String)],
      [
        ['recorded', ...reuse.map(ratio)],
        ['by popularity', ratio(chance), ...REUSE_WINDOWS.slice(1).map(() => null)],
      ],
    ),
    alignedGrid(
      ['consistency', 'all layers', 'least', 'most'],
      consistency.all === null
        ? []
        : [[`SRP of ${SEGMENT} tokens`, ...[consistency.all, Math.min(...ofLayers), Math.max(...ofLayers)].map(ratio)]],
    ),
    alignedGrid(['streams', ...streams.map(String)], [['distinct experts', ...distinct.map(datum)]]),
    alignedGrid(
      ['hit rate at', ...shares],
      hits.map(({ hitRates, policy }) => [policy, ...hitRates.map(ratio)]),
    ),
    alignedGrid(
      ['next layer', `of ${topK}`, `of ${2 * topK}`],
      transition === null ? [] : [['predicted', ratio(transition.atK), ratio(transition.at2K)]],
    ),
  ];
}

function layerGrid({ statistics: { byLayer, transition } }: Inspection): Grid {
  return gridOf(
    ['layer', 'hottest / mean', 'Gini', 'entropy', 'unused', 'reuse 1', 'reuse 16', 'predicted'],
    byLayer.map((layer, index) => [
      index,
      two(layer.hottestOverMean),
      two(layer.gini),
      two(layer.entropy),
      figure(layer.unused, 'count'),
      ratio(layer.reuse[0]),
      ratio(layer.reuse.at(-1)),
      index === 0 ? null : ratio(transition?.byLayer[index - 1]),
    ]),
    { detail: 'verbose' },
  );
}

const datum = (value: number): Datum => ({ value, text: formatNumber(value, 1) });
const two = (value: number): Datum => ({ value, text: formatNumber(value, 2) });

/** JSON document, with typed arrays as lists. */
function jsonOf({ hits, statistics, trace }: Inspection): object {
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
    byLayer: byLayer.map(({ counts, reuse: reuseAt, ...layer }) => ({
      ...layer,
      reuse: named(REUSE_WINDOWS, reuseAt),
      counts: Array.from(counts),
    })),
  };
}
