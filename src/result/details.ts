/** Hit rate by capacity of the expert cache, on this run's demand without prefetch, all GPUs together. */
export interface CapacityCurve {
  /** Capacities, bytes, ascending; the last holds every expert. */
  readonly bytes: readonly number[];
  /** Hit rate of LRU, 0..1. */
  readonly lru: readonly number[];
  /** Hit rate that no policy exceeds, 0..1. */
  readonly belady: readonly number[];
}

/** Busy time of a link by bin and kind, summed over lanes, ns. */
export interface LinkSeries {
  readonly name: string;
  readonly lanes: number;
  readonly demandNs: readonly number[];
  readonly prefetchNs: readonly number[];
}

/** Run over simulated time, in equal bins. */
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
  /** Source tier. */
  readonly tier: string;
  /** `on demand`, `late prefetch`, ... */
  readonly cause: string;
  /** `[layers][experts]`, ns or bytes. */
  readonly byExpert: readonly (readonly number[])[];
}

/** Causes of waiting and traffic; zeros are omitted. */
export interface Causes {
  /** Time that GPUs waited for experts, ns. */
  readonly stallNs: readonly ExpertCause[];
  /** By layer: time that GPUs waited for other causes (CPU, other GPUs), ns. */
  readonly otherStallNs: readonly number[];
  /** Bytes moved over the links. */
  readonly bytes: readonly ExpertCause[];
}

/** Data for pictures, outside the digest, since no gate judges details. */
export interface Details {
  /** `[layers][experts]` transfers to the GPU. */
  readonly loads: readonly (readonly number[])[];
  /** By name (`pass`, `itl`, `tpot`, `ttft`): percentiles 0, 1, ..., 100, ns. */
  readonly latency: Readonly<Record<string, readonly number[]>>;
  /** All samples of latencies with at most 24, ascending, ns. Absent in older results. */
  readonly samples?: Readonly<Record<string, readonly number[]>>;
  readonly series: Series;
  /** Null if bounds were switched off. */
  readonly capacity: CapacityCurve | null;
  /** Absent in older results. */
  readonly causes?: Causes;
}
