// What two simulators of the same scenario are compared on: everything that can be seen from outside.

/** One layer of one pass. In atomic replay it is one event (or none, where nothing is demanded). */
export interface LayerOutcome {
  /** When the layer's routing is known, and when its last event has ended, ns. */
  readonly startNs: number;
  readonly endNs: number;
  readonly events: number;
  readonly demanded: number;
  readonly hits: number;
  readonly late: number;
  readonly misses: number;
  /** Experts of this layer that were evicted during the pass. */
  readonly evictions: number;
  readonly streamed: number;
  readonly onDemandBytes: number;
  readonly prefetchBytes: number;
  readonly computeNs: number;
  readonly stallNs: number;
  readonly cpuNs: number;
}

/** One pass. */
export interface PassOutcome {
  readonly endNs: number;
  readonly layers: readonly LayerOutcome[];
  /** Experts that own a slot when the pass has ended, ascending. */
  readonly gpu: readonly number[];
  /** Experts whose copies are on the GPU; null: no copies stay. */
  readonly copies: readonly number[] | null;
  readonly dram: readonly number[] | null;
}

/** Transfers of one link. */
export interface LinkOutcome {
  readonly demands: number;
  readonly demandBytes: number;
  readonly prefetches: number;
  readonly prefetchBytes: number;
  readonly busyNs: number;
  /** Prefetches that ran again because their lane was lost. */
  readonly restarts: number;
}

/** A whole run. */
export interface Outcome {
  readonly passes: readonly PassOutcome[];
  readonly h2d: LinkOutcome;
  readonly ssd: LinkOutcome | null;
  readonly useful: number;
  readonly late: number;
  readonly wasted: number;
  readonly wastedBytes: number;
  readonly dropped: number;
  readonly cancelled: number;
  readonly cpuExperts: number;
  /** Of these: those that the GPU computed a part of, and those that were hits. */
  readonly shared: number;
  readonly takenOver: number;
  readonly promoted: number;
  /** Misses that were not served, or by another expert; activations of the latter and of copies. */
  readonly skipped: number;
  readonly substituted: number;
  readonly degraded: number;
  /** The same of tokens that are content with each share of an expert's bytes, and all of their activations; absent: nobody asks. */
  readonly byContent?: Readonly<Record<string, { readonly activations: number; readonly degraded: number }>>;
  /** Misses served from copies on the GPU, copies that were brought, and those that left for others. */
  readonly copyHits: number;
  readonly copies: number;
  readonly copyEvictions: number;
  readonly deferred: number;
  readonly writeBacks: number;
  readonly writeBackBytes: number;
  /** Most bytes that the GPU's caches held. */
  readonly peakBytes: number;
  readonly distinct: number;
}

/** Counts of one layer, and of a whole run, that a simulator adds to. */
export type LayerCounts = Record<keyof LayerOutcome, number>;
type Totals = { -readonly [Key in keyof Outcome as Outcome[Key] extends number ? Key : never]: number };

const zeros = (names: string): unknown => Object.fromEntries(names.split(' ').map((name) => [name, 0]));

/** A layer before anything has happened. */
export function zeroLayer(): LayerCounts {
  const times = 'startNs endNs computeNs stallNs cpuNs onDemandBytes prefetchBytes';
  return zeros(`${times} events demanded hits late misses evictions streamed`) as LayerCounts;
}

/** A run before anything has happened. */
export function zeroTotals(): Totals {
  const prefetches = 'useful late wasted wastedBytes dropped cancelled promoted';
  const lossy = 'skipped substituted degraded copyHits copies copyEvictions deferred';
  return zeros(`${prefetches} ${lossy} cpuExperts shared takenOver writeBacks writeBackBytes peakBytes distinct`) as Totals;
}
