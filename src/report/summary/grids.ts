import { formatNumber } from '../../base/units.js';
import { metricValue } from '../../result/catalogue.js';
import type { PhasedMetric, SummarizedMetric } from '../../result/metrics.js';
import type { RequestClass, Result } from '../../result/result.js';
import { type Datum, figure, type Grid, grid, gridOf } from '../document/document.js';
import { printable } from '../format.js';

/** Widths of a label and a figure, columns; equal in all grids for alignment. Ours. */
export const LABEL = 12;
export const FIGURE = 11;

/** Hits, late hits and misses of the run and its phases. */
export function cacheGrid(result: Result): Grid {
  const phases = (['prefill', 'decode'] as const).filter((phase) => metricValue(result, `cache.hit_rate.${phase}`) !== null);
  const rows = [
    ['hit rate', 'cache.hit_rate'],
    ['late', 'cache.late_rate'],
    ['miss', 'cache.miss_rate'],
  ] as const;
  return metricGrid(result, 'cache', rows, [['all', ''], ...phases.map((phase) => [phase, `.${phase}`] as const)]);
}

/** Label, and prefix of metrics, in reading order. */
export const LATENCY_ROWS = [
  ['TTFT', 'latency.ttft'],
  ['TPOT', 'latency.tpot'],
  ['ITL', 'latency.itl'],
  ['pass', 'latency.pass'],
  ['request', 'latency.request'],
] as const;

/** Latencies of requests, tokens and passes; null if not measured. */
export function latencyGrid(result: Result): Grid | null {
  const columns = ['mean', 'p50', 'p95', 'p99'].map((name) => [name, `.${name}`] as const);
  const rows = [
    // A closed loop has no queueing: a user sends a request after the last answer.
    ...(metricValue(result, 'latency.queueing.p99') ? [['queueing', 'latency.queueing'] as const] : []),
    ...LATENCY_ROWS,
  ];
  const known = rows.filter(([, name]) => metricValue(result, `${name}.p50`) !== null);
  return known.length === 0 ? null : metricGrid(result, 'latency', known, columns);
}

type Named<Name> = readonly [label: string, name: Name];

function metricGrid(
  result: Result,
  title: string,
  rows: readonly Named<PhasedMetric | SummarizedMetric>[],
  columns: readonly Named<string>[],
): Grid {
  return gridOf(
    [{ head: title, width: LABEL }, ...columns.map(([head]) => ({ head, width: FIGURE }))],
    rows.map(([label, name]) => [label, ...columns.map(([, end]) => result.metrics[name + end])]),
  );
}

/** Waiting times and dropped choices by request class. */
export function classGrid({ classes }: Result): Grid | null {
  if (classes === undefined) return null;
  const budgets = classes.some(({ budget }) => budget !== null);
  const weights = classes.some(({ weightLost }) => weightLost !== null);
  const copies = classes.some(({ degraded }) => degraded !== undefined);
  const leaves = budgets && (!copies || classes.some(({ choicesLost }) => choicesLost > 0));
  return grid<RequestClass>(classes, [
    { head: 'class', of: ({ name }) => printable(name === '' ? 'none' : name) },
    ...(budgets ? [{ head: 'budget', align: 'left' as const, of: ({ budget }: RequestClass) => printable(budget ?? 'all') }] : []),
    { head: 'requests', of: ({ requests }) => requests },
    ...(leaves ? [{ head: 'left out', of: ({ choicesLost }: RequestClass) => figure(choicesLost, 'ratio') }] : []),
    ...(weights ? [{ head: 'of weight', of: ({ weightLost }: RequestClass) => figure(weightLost, 'ratio') }] : []),
    ...(copies ? [{ head: 'degraded', of: ({ degraded }: RequestClass) => figure(degraded, 'ratio') }] : []),
    { head: 'TTFT p50', of: ({ ttftNs }) => figure(ttftNs?.p50, 'ns') },
    { head: 'TPOT p50', of: ({ tpotNs }) => figure(tpotNs?.p50, 'ns') },
    { head: 'TPOT p99', of: ({ tpotNs }) => figure(tpotNs?.p99, 'ns') },
    ...(classes[0]!.attained === null ? [] : [{ head: 'in time', of: ({ attained }: RequestClass) => figure(attained, 'ratio') }]),
  ]);
}

/** Counters by layer, for a verbose report. */
export function layerGrid({ perLayer }: Result): Grid {
  const { demanded, hits, late, misses, evictions, onDemandBytes, prefetchBytes, stallNs } = perLayer;
  const rate = (part: number, layer: number): Datum => {
    const percent = (100 * part) / demanded[layer]!;
    return demanded[layer]! > 0 ? { value: percent, text: formatNumber(percent, 1) } : null;
  };
  return gridOf(
    ['layer', 'hit %', 'late %', 'miss %', 'evicted', 'on demand', 'prefetched', 'stall'],
    demanded.map((_, layer) => [
      layer,
      rate(hits[layer]!, layer),
      rate(late[layer]!, layer),
      rate(misses[layer]!, layer),
      figure(evictions[layer], 'count'),
      figure(onDemandBytes[layer], 'bytes'),
      figure(prefetchBytes[layer], 'bytes'),
      figure(stallNs[layer], 'ns'),
    ]),
  );
}
