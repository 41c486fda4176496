/** Hit rate against the capacity of the expert cache, on the demand of this very run, without prefetch; of all GPUs together. */
export interface CapacityCurve {
  /** Capacities, bytes, ascending; the last holds every expert, on several GPUs each wherever it lives. */
  readonly bytes: readonly number[];
  /** Hit rate of LRU at each, 0..1. */
  readonly lru: readonly number[];
  /** Hit rate that no policy exceeds at each, 0..1. */
  readonly belady: readonly number[];
}

/** Time during which one link moved bytes, by bin and by kind, summed over its lanes, ns. */
export interface LinkSeries {
  readonly name: string;
  readonly lanes: number;
  readonly demandNs: readonly number[];
  readonly prefetchNs: readonly number[];
}

/** The run over simulated time, in bins of equal width. */
export interface Series {
  readonly binNs: number;
  readonly hits: readonly number[];
  readonly late: readonly number[];
  readonly misses: readonly number[];
  readonly stallNs: readonly number[];
  readonly links: readonly LinkSeries[];
}

/** The cost of experts for one reason. */
export interface ExpertCause {
  /** Source of the weights: the name of a tier. */
  readonly tier: string;
  /** The cause: `on demand`, `late prefetch`, ... */
  readonly cause: string;
  /** `[layers][experts]`, ns or bytes. */
  readonly byExpert: readonly (readonly number[])[];
}

/** The causes of waiting and traffic; zeros are left out. */
export interface Causes {
  /** Time that GPUs waited for experts, ns. */
  readonly stallNs: readonly ExpertCause[];
  /** By layer: time that GPUs waited inside events for something else (the CPU, other GPUs), ns. */
  readonly otherStallNs: readonly number[];
  /** Bytes moved over the links. */
  readonly bytes: readonly ExpertCause[];
}

/** The part of a result for pictures: loads by expert and series over time. Optional, and outside the digest, since no gate judges it. */
export interface Details {
  /** `[layers][experts]` transfers to the GPU, prefetched or on demand. */
  readonly loads: readonly (readonly number[])[];
  /** By name (`pass`, `itl`, `tpot`, `ttft`): the percentiles 0, 1, ..., 100 of its samples, ns. */
  readonly latency: Readonly<Record<string, readonly number[]>>;
  /** Of those, the ones with few samples (24 at most): all of them, ascending, ns. Absent in results saved before they were kept. */
  readonly samples?: Readonly<Record<string, readonly number[]>>;
  readonly series: Series;
  /** Null if bounds were switched off. */
  readonly capacity: CapacityCurve | null;
  /** Absent in results that were saved before it was recorded. */
  readonly causes?: Causes;
}
