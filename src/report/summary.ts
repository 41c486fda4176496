// What a reader wants to know of a run, in the order of asking, free of any output format: what the document of a run and the page of
// HTML are made of.
import { formatCount, formatNs, formatNumber, formatRatio } from '../base/units.js';
import { knowledgeText } from '../result/knowledge.js';
import type { RequestClass } from '../result/request-class.js';
import type { Result, Warning } from '../result/result.js';
import { requestsRun, tokensRun } from '../result/work-done.js';
import { bandText } from './band.js';
import { deviceWords } from './device.js';
import { type Datum, figure, type Grid, grid, gridOf } from './document/document.js';
import { formatMetric, printable } from './format.js';
import { foresightText, type KnownTimes, limitText } from './limit.js';
import { type Phase, waits } from './phase-time.js';

/** Columns of the label and of each figure, the same in all grids so that figures stand under each other; two blanks between. */
export const LABEL = 12;
export const FIGURE = 11;

/** A part of the time. */
export interface TimePart {
  readonly label: 'dense' | 'experts' | 'CPU' | 'stall' | 'all-to-all' | 'idle';
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
  /** Null where requests have no classes. */
  readonly classes: Grid | null;
  /** Label and text, e.g. `speed`. */
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** Null where no time passed. */
  readonly time: {
    /** Who takes it: the GPU, the CPU, or both. */
    readonly processor: string;
    readonly totalNs: number;
    readonly parts: readonly TimePart[];
    readonly cpu: string | null;
    /** What stall waits for: `the link`, `SSD and link`, `the SSD`. */
    readonly source: string;
  } | null;
  readonly bounds: readonly BoundRow[];
  readonly warnings: readonly Warning[];
}

/** Condenses a result. */
export function summarizeResult(result: Result): Summary {
  const { model, quantization, hardware, system } = result.inputs;
  return {
    title: printable(`${model} ${quantization} on ${hardware}, ${system}${changedParts(result)}`),
    origin: origin(result),
    synthetic: synthetic(result),
    cache: cacheGrid(result),
    latency: latencyGrid(result),
    classes: classGrid(result),
    facts: facts(result),
    time: time(result),
    bounds: bounds(result),
    // Said under the title already.
    warnings: result.warnings
      .filter(({ code }) => code !== 'synthetic-routing')
      .map(({ code, message }) => ({ code: printable(code), message: printable(message) })),
  };
}

/** What flags put in the place of a system's own policy and predictor: `, with s3-fifo:small=0.2`; empty where nothing was. */
export function changedParts({ config }: Pick<Result, 'config'>): string {
  const { overrides } = config as {
    readonly overrides?: { readonly system?: readonly { readonly path: string; readonly value: unknown }[] };
  };
  const parts = (overrides?.system ?? []).flatMap(({ path, value: to }) => {
    if (path === 'cache.policy') return [String(to)];
    return path === 'predictor.kind' || path === 'predictor' ? [to === 'none' ? 'no predictor' : `predictor ${String(to)}`] : [];
  });
  return parts.length === 0 ? '' : ` with ${parts.join(', ')}`;
}

/** Text of a metric, or null where the run does not have it. */
function text(result: Result, name: string): string | null {
  const metric = result.metrics[name];
  return metric === undefined ? null : formatMetric(metric);
}

function value(result: Result, name: string): number | null {
  return result.metrics[name]?.value ?? null;
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function origin(result: Result): string {
  const { traces } = result.inputs;
  const paths = traces.map((trace) => (trace.synthetic && trace.path === 'synthetic' ? 'synthetic routing' : printable(trace.path)));
  const tokens = new Set(traces.map((trace) => trace.tokens));
  const shares =
    traces.length === 1
      ? ''
      : tokens.size === 1
        ? `, ${formatCount(traces[0]!.tokens)} of each`
        : `, ${traces.map((trace) => formatCount(trace.tokens)).join(' + ')}`;
  return `${plural(tokensRun(result), 'token')} of ${plural(requestsRun(result), 'request')} from ${paths.join(', ')}${shares}`;
}

function synthetic(result: Result): string | null {
  const { traces } = result.inputs;
  const made = traces.filter((trace) => trace.synthetic).length;
  if (made === 0) return null;
  const which = made === traces.length ? 'The routing is' : `The routing of ${made} of ${traces.length} traces is`;
  return `${which} synthetic: drawn by a generator, not recorded from a model. Give -t a recorded trace for figures to rely on.`;
}

/** What requests of each class waited, and what was left out of their choices. */
function classGrid({ classes }: Result): Grid | null {
  if (classes === undefined) return null;
  const budgets = classes.some(({ budget }) => budget !== null);
  const weights = classes.some(({ weightLost }) => weightLost !== null);
  return grid<RequestClass>(classes, [
    { head: 'class', of: ({ name }) => printable(name === '' ? 'none' : name) },
    ...(budgets ? [{ head: 'budget', align: 'left' as const, of: ({ budget }: RequestClass) => printable(budget ?? 'all') }] : []),
    { head: 'requests', of: ({ requests }) => requests },
    ...(budgets ? [{ head: 'left out', of: ({ choicesLost }: RequestClass) => figure(choicesLost, 'ratio') }] : []),
    ...(weights ? [{ head: 'of weight', of: ({ weightLost }: RequestClass) => figure(weightLost, 'ratio') }] : []),
    { head: 'TTFT p50', of: ({ ttftNs }) => figure(ttftNs?.p50, 'ns') },
    { head: 'TPOT p50', of: ({ tpotNs }) => figure(tpotNs?.p50, 'ns') },
    { head: 'TPOT p99', of: ({ tpotNs }) => figure(tpotNs?.p99, 'ns') },
    ...(classes[0]!.attained === null ? [] : [{ head: 'in time', of: ({ attained }: RequestClass) => figure(attained, 'ratio') }]),
  ]);
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
  return gridOf(
    [{ head: title, width: LABEL }, ...columns.map(([head]) => ({ head, width: FIGURE }))],
    rows.map(([label, name]) => [label, ...columns.map(([, end]) => result.metrics[name + end])]),
  );
}

/** A label, and the metrics that its text lists, each with what is said after it; those that a run does not have are left out. */
type Fact = readonly [label: string, ...parts: readonly (readonly [metric: string, after: string])[]];

/** Low-precision copies that stay on the GPU. */
const COPIES: Fact = [
  'copies',
  ['cache.copy_hit_rate', 'of the demands served'],
  ['transfer.copies.count', 'brought'],
  ['memory.gpu.copies', 'of the cache'],
];

/** What regrouping a pool by path gains, and what it costs. */
const REGROUPING: Fact = [
  'regrouping',
  ['schedule.loads', 'loads beyond the cache'],
  ['schedule.loads_in_order', 'in order of arrival'],
  ['schedule.regrouped', 'of the rounds regrouped'],
  ['schedule.batch_wait', 'waited for other batches'],
];

/** Who holds how much. */
function memoryFact(several: boolean, place: string): Fact {
  return [
    'memory',
    ['memory.gpu.peak', several ? 'on each GPU' : place],
    ['memory.gpu.expert_cache', 'of it expert cache'],
    ['memory.dram.peak', 'in DRAM'],
    ['memory.dram.kv_peak', 'of it KV caches'],
  ];
}

/** What contexts take. */
function kvCaches(place: string): Fact {
  return ['KV caches', ['memory.gpu.kv_peak', place], ['memory.kv_tokens', 'tokens of context at once']];
}

/** Whole models that are switched, and how many of them machines hold. */
const SWITCHING: readonly Fact[] = [
  ['switching', ['switch.time', 'per model switch'], ['switch.count', 'switches'], ['switch.per_request', 'a request']],
  ['footprint', ['footprint.held', 'models held'], ['footprint.reach', 'within reach'], ['footprint.machines', 'machines to hold all']],
];

/** Facts in the order of asking. */
function factsOf(result: Result): Fact[] {
  const several = result.metrics['parallel.gpus'] !== undefined;
  const { memory, place } = deviceWords(result);
  const prefetches = (value(result, 'transfer.prefetch.count') ?? 0) > 0;
  const preempted = (value(result, 'schedule.preemptions') ?? 0) > 0;
  const shared = usersOf(result) > 1 ? ' for each user' : '';
  const prompts = value(result, 'speed.prefill') !== null;
  const cacheChanges = value(result, 'memory.gpu.expert_cache_least') !== null;
  return [
    [
      'speed',
      ['speed.decode', `decode${shared}${bandOf(result, 'decode')}`],
      ['speed.prefill', `prefill${shared}${bandOf(result, 'prefill')}`],
    ],
    ...SWITCHING,
    [
      're-ranked',
      ['rerank.changed', 'of the choices changed'],
      ['rerank.hit_rate_gained', 'more of them resident'],
      ['rerank.weight_lost', 'of the gate weight lost'],
    ],
    [
      'GPUs',
      ['parallel.gpus', ''],
      ['parallel.event_imbalance', 'of the mean load on the busiest'],
      ['parallel.crossing_rate', 'of the activations sent'],
      ['parallel.hit_rate.min', 'lowest hit rate'],
    ],
    [
      'throughput',
      ['throughput.generated', 'generated over the whole run'],
      ...(prompts ? [['throughput.total', 'with prompts'] as const] : []),
    ],
    [
      'speculation',
      ['speculation.tokens_per_pass', 'tokens a pass'],
      ['speculation.acceptance', 'of the drafted tokens accepted'],
      ['speculation.wasted_rate', 'of the activations wasted'],
    ],
    ['goodput', ['goodput.tokens', 'generated'], ['goodput.attained', 'of the requests in time']],
    REGROUPING,
    [
      'on demand',
      ['transfer.on_demand.count_per_token', 'per token'],
      ['transfer.on_demand.bytes_per_token', 'per token'],
      ['transfer.on_demand.count', 'loads in all'],
    ],
    COPIES,
    prefetches
      ? ['prefetch', ['transfer.prefetch.count', 'started'], ['prefetch.precision', 'of them used'], ['prefetch.wasted_bytes', 'wasted']]
      : ['prefetch'],
    ['prediction', ['predict.time', 'each']],
    ['transfers', ['transfer.h2d.bytes', several ? 'to the GPUs' : 'to the GPU'], ['transfer.ssd.bytes', 'from the SSD']],
    memoryFact(several, place),
    kvCaches(place),
    [
      'expert cache',
      ['memory.gpu.expert_cache_least', 'at least'],
      ['memory.gpu.expert_cache_mean', 'on average'],
      ...(cacheChanges ? [['memory.gpu.kv_peak', several ? 'of KV caches on all at most' : 'of KV caches at most'] as const] : []),
      ...(preempted && cacheChanges ? [['schedule.preemptions', 'times a request thrown out'] as const] : []),
    ],
    ['saved', ['memory.gpu.saving', `of the ${memory} that holding every expert takes`]],
  ];
}

/** The band behind a speed; nothing where the machine is calibrated. */
function bandOf(result: Result, phase: Phase): string {
  const band = bandText(result, phase);
  return band === null ? '' : ` ${band}`;
}

/** Requests that may run at once; 1 where the result does not say. */
function usersOf({ config }: Result): number {
  const { workload } = config;
  if (typeof workload !== 'object' || workload === null) return 1;
  return Number((workload as { readonly batch?: unknown }).batch ?? 1);
}

function facts(result: Result): (readonly [label: string, text: string])[] {
  const { variants } = result.inputs;
  const lines = factsOf(result).map(([label, ...parts]) => [label, listed(result, parts)] as const);
  const saved = listed(result, [
    ['variant.activations_saved', 'of the activations saved'],
    ['variant.flops_saved', 'of the expert FLOPs'],
    ['variant.changed', 'of the choices changed'],
  ]);
  const used = `${variants?.map(printable).join(', ')}: ${text(result, 'variant.true_k')} experts per token and layer`;
  const routing = variants === undefined ? '' : [used, saved].filter((part) => part !== '').join(', ');
  const knows = printable(knowledgeText(result) ?? '');
  const others = [
    ['GPUs', joinedText(result)] as const,
    ...lines,
    ['knows', knows] as const,
    ...knowingFacts(result),
    ['again', printable(String(result.environment.command ?? ''))] as const,
  ];
  return [['routing', routing] as const, ...others].filter(([, said]) => said !== '');
}

/** How several GPUs are one to the model; empty where they are not. */
function joinedText({ inputs: { joined } }: Result): string {
  if (joined === undefined) return '';
  return joined.sharing === 'layers' ? `${joined.gpus}, each some of the layers` : `${joined.gpus}, each a slice of every tensor`;
}

/** What perfect knowledge of the demand would reach, and what holds the run up; empty where that was not counted. */
function knowingFacts(result: Result): (readonly [label: string, text: string])[] {
  const times = knownTimes(result);
  if (times === null) return [];
  return [
    ['foresight', foresightText(times)],
    ['limit', limitText(times, deviceWords(result).processor)],
  ];
}

/** Times of a run and of its bounds; null where they were not counted, or are of another machine: that without the run's faults. */
export function knownTimes(result: Result): KnownTimes | null {
  if (value(result, 'fault.time') !== null) return null;
  const [own, allResident, lru, belady, foresight, floor] = [
    'latency.tpot.mean',
    ...['all_resident', 'lru', 'belady', 'foresight', 'floor'].map((name) => `bound.${name}.tpot`),
  ].map((name) => value(result, name));
  if (own == null || allResident == null || lru == null || belady == null || foresight == null || floor == null) return null;
  return { own, allResident, lru, belady, foresight, floor };
}

/** Those of the metrics that a run has, with what is said after each. */
function listed(result: Result, parts: readonly (readonly [metric: string, after: string])[]): string {
  const said = parts.map(([name, after]) => [text(result, name)?.replace(/ ?\/token$/, ''), after] as const);
  return said.flatMap(([figure, after]) => (figure === undefined ? [] : [`${figure} ${after}`.trimEnd()])).join(', ');
}

function time(result: Result): Summary['time'] {
  const total = value(result, 'time.total');
  if (total === null || total <= 0) return null;
  const named = [
    ['dense', value(result, 'time.dense') ?? 0],
    ['experts', value(result, 'time.compute') ?? 0],
    ...waits(value(result, 'time.stall') ?? 0, value(result, 'time.stall_cpu') ?? undefined),
    // Only several GPUs have it.
    ['all-to-all', value(result, 'time.all_to_all')],
  ] as const;
  const busy = named.reduce((sum, [, ns]) => sum + (ns ?? 0), 0);
  const whole = Math.max(total, busy);
  const parts: TimePart[] = named.filter(([, ns]) => ns != null).map(([label, ns]) => ({ label, ns: ns ?? 0, share: (ns ?? 0) / whole }));
  // What is left is waiting for requests to arrive; below a thousandth it is rounding.
  if (whole - busy > whole / 1000) parts.push({ label: 'idle', ns: whole - busy, share: (whole - busy) / whole });
  const cpuNs = value(result, 'time.cpu') ?? 0;
  const denseNs = value(result, 'time.dense_cpu') ?? 0;
  const experts = `computes experts for ${formatNs(cpuNs)} (${formatRatio(cpuNs / total)} of the run)`;
  const held = `The CPU runs dense layers and attention for ${formatNs(denseNs)}, and ${experts}.`;
  const cpu = denseNs > 0 ? held : cpuNs > 0 ? `The CPU ${experts} beside the GPU.` : null;
  const { processor } = deviceWords(result);
  return { processor: denseNs > 0 ? 'GPU and the CPU' : processor, totalNs: total, parts, cpu, source: sourceOf(result) };
}

/** What experts come over that are waited for. */
export function sourceOf(result: Result): string {
  if ((value(result, 'transfer.ssd.bytes') ?? 0) === 0) return 'the link';
  return value(result, 'transfer.h2d.bytes') === null ? 'the SSD' : 'SSD and link';
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
