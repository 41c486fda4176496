/** Hit rate by capacity of the expert cache, on this run's demand without prefetch, all GPUs together. */
export interface CapacityCurve {
  /** Capacities, bytes, ascending; the last holds every expert, with several GPUs every home copy. */
  readonly bytes: readonly number[];
  /** Hit rate of LRU by capacity, 0..1. */
  readonly lru: readonly number[];
  /** Hit rate that no policy exceeds, by capacity, 0..1. */
  readonly belady: readonly number[];
}

/** Busy time of a link by bin and kind, summed over its lanes, ns. */
export interface LinkSeries {
  readonly name: string;
  readonly lanes: number;
  readonly demandNs: readonly number[];
  readonly prefetchNs: readonly number[];
}

/** Run over simulated time, in bins of equal width. */
export interface Series {
  readonly binNs: number;
  readonly hits: readonly number[];
  readonly late: readonly number[];
  readonly misses: readonly number[];
  readonly stallNs: readonly number[];
  readonly links: readonly LinkSeries[];
}

/** Cost of experts by cause. */
export interface ExpertCause {
  /** Source tier of the weights. */
  readonly tier: string;
  /** Cause: `on demand`, `late prefetch`, ... */
  readonly cause: string;
  /** `[layers][experts]`, ns or bytes. */
  readonly byExpert: readonly (readonly number[])[];
}

/** Causes of waiting and traffic; zeros are omitted. */
export interface Causes {
  /** Time that GPUs waited for experts, ns. */
  readonly stallNs: readonly ExpertCause[];
  /** By layer: time that GPUs waited inside events for other causes (CPU, other GPUs), ns. */
  readonly otherStallNs: readonly number[];
  /** Bytes moved over the links. */
  readonly bytes: readonly ExpertCause[];
}

/**
 * Data for pictures: loads by expert and series over time. Optional, and outside the digest, since no gate judges
 * details.
 */
export interface Details {
  /** `[layers][experts]` transfers to the GPU, prefetched or on demand. */
  readonly loads: readonly (readonly number[])[];
  /** By name (`pass`, `itl`, `tpot`, `ttft`): percentiles 0, 1, ..., 100, ns. */
  readonly latency: Readonly<Record<string, readonly number[]>>;
  /** All samples of latencies with few (24 at most), ascending, ns. Absent in older results. */
  readonly samples?: Readonly<Record<string, readonly number[]>>;
  readonly series: Series;
  /** Null if bounds were switched off. */
  readonly capacity: CapacityCurve | null;
  /** Absent in older results. */
  readonly causes?: Causes;
}
