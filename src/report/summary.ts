// What a reader wants to know of a run, in the order of asking, free of any output format: what the document of a run and the page of
// HTML are made of.
import { formatBytes, formatCount, formatNs, formatNumber, formatRatio } from '../base/units.js';
import type { Result, Warning } from '../result/result.js';
import { requestsRun, tokensRun } from '../result/work-done.js';
import { type ColumnOf, type Grid, grid } from './document/document.js';
import { formatMetric, printable } from './format.js';

/** Columns of the label and of each figure, the same in all grids so that figures stand under each other; two blanks between. */
export const LABEL = 12;
export const FIGURE = 11;

/** A part of the GPU's time. */
export interface TimePart {
  readonly label: 'dense' | 'experts' | 'stall' | 'all-to-all' | 'idle';
  readonly ns: number;
  /** 0..1 of the whole. */
  readonly share: number;
}

/** How much of the way from no cache to a bound this run goes. */
export interface BoundRow {
  readonly label: string;
  /** Figures with no expert cache, of this run, and of the bound, as text. */
  readonly worst: string;
  readonly own: string;
  readonly best: string;
  /** Name of the bound. */
  readonly bound: string;
  /** 0..1. */
  readonly closed: number;
}

/** A run at a glance. */
export interface Summary {
  readonly title: string;
  /** Tokens, requests, traces. */
  readonly origin: string;
  /** Set where the routing, or a part of it, was made by a generator. */
  readonly synthetic: string | null;
  readonly cache: Grid;
  /** Null where no latency could be measured. */
  readonly latency: Grid | null;
  /** Label and text, e.g. `throughput`. */
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** Null where no time passed. */
  readonly time: { readonly totalNs: number; readonly parts: readonly TimePart[]; readonly cpu: string | null } | null;
  readonly bounds: readonly BoundRow[];
  readonly warnings: readonly Warning[];
}

/** Condenses a result. */
export function summarizeResult(result: Result): Summary {
  const { model, quantization, hardware, system } = result.inputs;
  return {
    title: printable(`${model} ${quantization} on ${hardware}, ${system}`),
    origin: origin(result),
    synthetic: synthetic(result),
    cache: cacheGrid(result),
    latency: latencyGrid(result),
    facts: facts(result),
    time: time(result),
    bounds: bounds(result),
    // Said under the title already.
    warnings: result.warnings
      .filter(({ code }) => code !== 'synthetic-routing')
      .map(({ code, message }) => ({ code: printable(code), message: printable(message) })),
  };
}

/** Text of a metric, or null where the run does not have it. */
function text(result: Result, name: string): string | null {
  const metric = result.metrics[name];
  return metric === undefined ? null : formatMetric(metric);
}

function value(result: Result, name: string): number | null {
  return result.metrics[name]?.value ?? null;
}

/** Joins what is there; null where nothing is. */
function joined(parts: readonly (string | null | false)[], separator = ', '): string | null {
  const present = parts.filter((part): part is string => typeof part === 'string');
  return present.length === 0 ? null : present.join(separator);
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function origin(result: Result): string {
  const { traces } = result.inputs;
  const paths = traces.map((trace) => (trace.synthetic && trace.path === 'synthetic' ? 'synthetic routing' : printable(trace.path)));
  return `${plural(tokensRun(result), 'token')} of ${plural(requestsRun(result), 'request')} from ${paths.join(', ')}`;
}

function synthetic(result: Result): string | null {
  const { traces } = result.inputs;
  const made = traces.filter((trace) => trace.synthetic).length;
  if (made === 0) return null;
  const which = made === traces.length ? 'The routing is' : `The routing of ${made} of ${traces.length} traces is`;
  return `${which} synthetic: drawn by a generator, not recorded from a model. Give -t a recorded trace for figures to rely on.`;
}

function cacheGrid(result: Result): Grid {
  const phases = [
    ['all', ''],
    ['prefill', '.prefill'],
    ['decode', '.decode'],
  ] as const;
  const shown = phases.filter(([, suffix]) => suffix === '' || result.metrics[`cache.hit_rate${suffix}`] !== undefined);
  const rows = [
    ['hit rate', 'cache.hit_rate'],
    ['late', 'cache.late_rate'],
    ['miss', 'cache.miss_rate'],
  ] as const;
  return metricGrid(result, 'cache', rows, shown);
}

function latencyGrid(result: Result): Grid | null {
  const columns = ['mean', 'p50', 'p95', 'p99'].map((name) => [name, `.${name}`] as const);
  const rows = [
    // In a closed loop nobody waits: a user sends a request when the last one is answered.
    ...(value(result, 'latency.queueing.p99') ? [['queueing', 'latency.queueing'] as const] : []),
    ['TTFT', 'latency.ttft'],
    ['TPOT', 'latency.tpot'],
    ['ITL', 'latency.itl'],
    ['pass', 'latency.pass'],
    ['request', 'latency.request'],
  ] as const;
  const known = rows.filter(([, name]) => result.metrics[`${name}.p50`] !== undefined);
  return known.length === 0 ? null : metricGrid(result, 'latency', known, columns);
}

/** A label and the name of metrics. */
type Named = readonly [label: string, name: string];

/** A grid of the metrics whose names begin as the row and end as the column says. */
function metricGrid(result: Result, title: string, rows: readonly Named[], columns: readonly Named[]): Grid {
  return grid(rows, [
    { head: title, width: LABEL, of: ([label]) => label },
    ...columns.map(([head, end]): ColumnOf<Named> => ({ head, width: FIGURE, of: ([, name]) => result.metrics[name + end] })),
  ]);
}

function facts(result: Result): [string, string][] {
  const per = (name: string): string | null => text(result, name)?.replace(/ ?\/token$/, ' per token') ?? null;
  const said = (name: string, after: string): string | null => {
    const figure = text(result, name);
    return figure === null ? null : figure + after;
  };
  const onDemand = joined([
    joined([per('transfer.on_demand.count_per_token'), per('transfer.on_demand.bytes_per_token')]),
    said('transfer.on_demand.count', ' loads in all'),
  ]);
  const prefetches = value(result, 'transfer.prefetch.count') ?? 0;
  const several = result.metrics['parallel.gpus'] !== undefined;
  const { variants } = result.inputs;
  const saving = value(result, 'memory.gpu.saving');
  const lines: [string, string | null][] = [
    [
      'routing',
      variants === undefined
        ? null
        : joined([
            `${variants.map(printable).join(', ')}: ${text(result, 'variant.true_k')} experts per token and layer`,
            said('variant.activations_saved', ' of the activations saved'),
            said('variant.flops_saved', ' of the expert FLOPs'),
            said('variant.changed', ' of the choices changed'),
          ]),
    ],
    [
      'switching',
      joined([said('switch.time', ' per model switch'), said('switch.count', ' switches'), said('switch.per_request', ' a request')]),
    ],
    [
      'footprint',
      joined([
        said('footprint.held', ' models held'),
        said('footprint.reach', ' within reach'),
        said('footprint.machines', ' machines to hold all'),
      ]),
    ],
    [
      're-ranked',
      joined([
        said('rerank.changed', ' of the choices changed'),
        said('rerank.hit_rate_gained', ' more of them resident'),
        said('rerank.weight_lost', ' of the gate weight lost'),
      ]),
    ],
    [
      'GPUs',
      joined([
        text(result, 'parallel.gpus'),
        said('parallel.event_imbalance', ' of the mean load on the busiest'),
        said('parallel.crossing_rate', ' of the activations sent'),
        said('parallel.hit_rate.min', ' lowest hit rate'),
      ]),
    ],
    ['throughput', joined([said('throughput.decode', ' generated'), said('throughput.total', ' with prompts')])],
    ['goodput', joined([said('goodput.tokens', ' generated'), said('goodput.attained', ' of the requests in time')])],
    ['on demand', onDemand],
    [
      'prefetch',
      prefetches > 0
        ? joined([
            `${formatCount(prefetches)} started`,
            said('prefetch.precision', ' of them used'),
            said('prefetch.wasted_bytes', ' wasted'),
          ])
        : null,
    ],
    [
      'transfers',
      joined([said('transfer.h2d.bytes', several ? ' to the GPUs' : ' to the GPU'), said('transfer.ssd.bytes', ' from the SSD')]),
    ],
    [
      'memory',
      joined([
        said('memory.gpu.peak', several ? ' on each GPU' : ' on the GPU'),
        said('memory.gpu.expert_cache', ' of it expert cache'),
        said('memory.dram.peak', ' in DRAM'),
      ]),
    ],
    [
      'expert cache',
      value(result, 'memory.gpu.expert_cache_least') === null
        ? null
        : joined([
            said('memory.gpu.expert_cache_least', ' at least'),
            said('memory.gpu.expert_cache_mean', ' on average'),
            said('memory.gpu.kv_peak', several ? ' of KV caches on all at most' : ' of KV caches at most'),
            (value(result, 'schedule.preemptions') ?? 0) > 0 && said('schedule.preemptions', ' times a request thrown out'),
          ]),
    ],
    ['saved', saving === null ? null : `${formatRatio(saving)} of the GPU memory that holding every expert takes`],
  ];
  return lines.filter((line): line is [string, string] => line[1] !== null);
}

function time(result: Result): Summary['time'] {
  const total = value(result, 'time.total');
  if (total === null || total <= 0) return null;
  const named = [
    ['dense', value(result, 'time.dense') ?? 0],
    ['experts', value(result, 'time.compute') ?? 0],
    ['stall', value(result, 'time.stall') ?? 0],
    // Only several GPUs have it.
    ['all-to-all', value(result, 'time.all_to_all')],
  ] as const;
  const busy = named.reduce((sum, [, ns]) => sum + (ns ?? 0), 0);
  const whole = Math.max(total, busy);
  const parts: TimePart[] = named.filter(([, ns]) => ns !== null).map(([label, ns]) => ({ label, ns: ns ?? 0, share: (ns ?? 0) / whole }));
  // What is left is waiting for requests to arrive; below a thousandth it is rounding.
  if (whole - busy > whole / 1000) parts.push({ label: 'idle', ns: whole - busy, share: (whole - busy) / whole });
  const cpuNs = value(result, 'time.cpu') ?? 0;
  const cpu =
    cpuNs > 0 ? `The CPU computes experts for ${formatNs(cpuNs)} (${formatRatio(cpuNs / total)} of the run) beside the GPU.` : null;
  return { totalNs: total, parts, cpu };
}

function bounds(result: Result): BoundRow[] {
  const rows: BoundRow[] = [];
  const belady = text(result, 'bound.belady.hit_rate');
  const openHits = value(result, 'headroom.hit_rate');
  if (belady !== null && openHits !== null) {
    const own = text(result, 'cache.hit_rate') ?? '';
    rows.push({ label: 'hit rate', worst: formatRatio(0), own, best: belady, bound: 'Belady', closed: 1 - openHits });
  }
  const resident = text(result, 'bound.all_resident.tpot');
  const openTime = value(result, 'headroom.tpot');
  if (resident !== null && openTime !== null) {
    const own = text(result, 'latency.tpot.mean') ?? '';
    const worst = text(result, 'bound.no_cache.tpot') ?? '';
    rows.push({ label: 'TPOT', worst, own, best: resident, bound: 'all resident', closed: 1 - openTime });
  }
  return rows;
}

/** Counters by layer, for a verbose report. */
export function layerGrid({ perLayer }: Result): Grid {
  const { demanded, hits, late, misses, evictions, onDemandBytes, prefetchBytes, stallNs } = perLayer;
  const rate = (head: string, part: readonly number[]): ColumnOf<number> => ({
    head,
    of: (layer) => (demanded[layer]! > 0 ? (100 * part[layer]!) / demanded[layer]! : null),
    show: (percent) => formatNumber(percent, 1),
  });
  return grid(
    demanded.map((_, layer) => layer),
    [
      { head: 'layer', of: (layer) => layer },
      rate('hit %', hits),
      rate('late %', late),
      rate('miss %', misses),
      { head: 'evicted', of: (layer) => evictions[layer], show: formatCount },
      { head: 'on demand', of: (layer) => onDemandBytes[layer], show: formatBytes },
      { head: 'prefetched', of: (layer) => prefetchBytes[layer], show: formatBytes },
      { head: 'stall', of: (layer) => stallNs[layer], show: formatNs },
    ],
  );
}
