import type { Details } from './details.js';
import type { RunKnowledge } from './knowledge.js';

/** Format version. Additions keep the version; a change of meaning raises it. */
export const RESULT_SCHEMA = 'moeprof.result/1';

/** Unit of a metric. Ratios are fractions 0..1; times are nanoseconds; rates are per second. */
export type Unit = 'ratio' | 'count' | 'bytes' | 'ns' | 'tokens/s' | 'count/token' | 'bytes/token' | 'bytes/s' | 'ns/byte' | 'flops';

/** A measured or simulated quantity. */
export interface Metric {
  readonly value: number;
  readonly unit: Unit;
  /** Better direction; `none`: neither, or conditional. */
  readonly better: 'higher' | 'lower' | 'none';
  /** `exact`: simulated, equal on every machine; `sampled`: measured here. */
  readonly kind: 'exact' | 'sampled';
  /** Measured values in order, if several; `value` is the median. */
  readonly samples?: readonly number[];
}

/** Warning about a result's numbers. */
export interface Warning {
  /** Stable name, e.g. `below-token-cycle`. */
  readonly code: string;
  /** One sentence with figures and remedy. */
  readonly message: string;
}

/**
 * Counters by MoE layer. Events: passes that chose an expert of the layer; bytes: loads on demand and started
 * prefetches.
 */
export const LAYER_COUNTERS = [
  ...(['demanded', 'hits', 'late', 'misses', 'evictions', 'streamed', 'events', 'onDemandBytes', 'prefetchBytes'] as const),
  ...(['stallNs', 'computeNs', 'cpuNs', 'denseNs'] as const),
] as const;

/** One entry per layer in each counter. */
export type PerLayer = Readonly<Record<(typeof LAYER_COUNTERS)[number], readonly number[]>>;

/** Costs of the same passes at the limits (L15). */
export interface Bounds {
  /** Mean TPOT with every expert resident, ns; null: nothing decoded. */
  readonly allResidentTpotNs: number | null;
  /** Mean TPOT without a cache, ns; null: nothing decoded. */
  readonly noCacheTpotNs: number | null;
  /**
   * Mean TPOT under LRU, Belady on demand, and the best schedule found, ns; null: nothing decoded; absent: not counted.
   */
  readonly lruTpotNs?: number | null;
  readonly beladyTpotNs?: number | null;
  readonly foundTpotNs?: number | null;
  /** Lower bound of the mean TPOT on these passes, ns (L19); absent: not counted, or `unproven`. */
  readonly floorTpotNs?: number | null;
  /** Time of all passes without idle time between, ns: of the fastest schedule found; then of the floor. */
  readonly foundTotalNs?: number;
  readonly floorTotalNs?: number;
  /** `loads`: the fastest schedule excludes the CPU, unused by the run; absent: the whole machine is used. */
  readonly foundBy?: 'loads';
  /** Reason for missing floor and best schedule; absent: both exist, or a warning names a failed law. */
  readonly unproven?: string;
  /** Hit rate of Belady with bypass at equal capacity and scope; null if bounds were switched off. */
  readonly beladyHitRate: number | null;
  /** Distinct experts demanded: misses unavoidable from a cold start. */
  readonly compulsoryMisses: number;
  /** Expert bytes touched by one token. */
  readonly tokenCycleBytes: number;
  readonly capacityBytes: number;
}

/** Source of the routing. */
export interface TraceInput {
  readonly path: string;
  readonly sha256: string;
  /** Tokens replayed; with arriving requests, tokens available. */
  readonly tokens: number;
  readonly requests: number;
  readonly synthetic: boolean;
  /** Preceding tokens held out for counting popularity. */
  readonly heldOut?: number;
}

/**
 * Comparable predictions on real machines: 80 % of measurements lie between `low` and `high` times the predicted speed.
 */
export interface Accuracy {
  /** 10th percentile of measured / predicted, one vote per machine; at most 1. */
  readonly low: number;
  /** 90th percentile, at least 1. */
  readonly high: number;
  readonly rows: number;
  readonly machines: number;
  readonly common: string;
  /** True: from `rows` timings of the run's own machine. */
  readonly learned?: true;
}

/** Figures of a run, apart from what it ran. */
export type RunFigures = Pick<Result, 'accuracy' | 'metrics'>;

/**
 * The model's profile; a prior by shape and training, by shape alone, or the same for a router that a bias balanced.
 */
export const DRAWN_BY = ['profile', 'prior', 'shape', 'bias'] as const;

/** Finished run in the public format `moeprof.result/1`. */
export interface Result {
  readonly schema: typeof RESULT_SCHEMA;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly inputs: {
    readonly model: string;
    readonly quantization: string;
    readonly hardware: string;
    /** Absent: the machine is calibrated, and its profile has all constants. */
    readonly runtime?: string;
    /** `cpu`: no GPU; `unified`: GPU and CPU share one memory. Absent: a GPU with separate memory. */
    readonly device?: 'cpu' | 'unified';
    /** Several GPUs used as one; figures of GPU memory cover all. Absent: one GPU, or GPUs share experts. */
    readonly joined?: { readonly gpus: number; readonly sharing: 'layers' | 'tensor' };
    readonly system: string;
    readonly traces: readonly TraceInput[];
    /** Routing variants as written, closest to the traces first. */
    readonly variants?: readonly string[];
  };
  /** Hash of inputs shared by comparable results: model, hardware, routing, workload, seed. */
  readonly fingerprint: string;
  readonly seed: number;
  /** Resolved configuration, flags and defaults merged. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By name (`catalogue.ts`). Metrics impossible for this run are absent. */
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly perLayer: PerLayer;
  readonly bounds: Bounds;
  /** Accuracy of speeds; null: nothing comparable. Absent: the machine is calibrated, without rows. Not compared. */
  readonly accuracy?: { readonly decode: Accuracy | null; readonly prefill: Accuracy | null };
  /** Shift of the mean TPOT at ten times the requests, a share. Absent: recorded or nothing generated. Not compared. */
  readonly tenfold?: { readonly requests: number; readonly tpot: number };
  /** Range of 80 % of published hit rates. Absent: not drawn. Not compared. */
  readonly hitRange?: { readonly low: number; readonly high: number; readonly models: number; readonly routing: (typeof DRAWN_BY)[number] };
  /** Knowledge beyond the past (L17); absent in older results. */
  readonly knowledge?: RunKnowledge;
  /** By class; absent: arrivals have no classes. */
  readonly classes?: readonly RequestClass[];
  readonly warnings: readonly Warning[];
  /** Versions, machine, wall times: free to differ between runs of the same inputs. */
  readonly environment: Readonly<Record<string, string | number>>;
  /** SHA-256 over everything judged by a gate (`digest.ts`); absent in results of external tools. */
  readonly digest?: string;
  readonly details?: Details;
}

/** Latency, ns; null: no request has this latency. */
type Latency = Readonly<Record<'mean' | 'p50' | 'p95' | 'p99', number>> | null;

/** Requests of a class. */
export interface RequestClass {
  /** Empty: requests without a class. */
  readonly name: string;
  readonly requests: number;
  readonly generated: number;
  readonly ttftNs: Latency;
  readonly tpotNs: Latency;
  /** From arrival to the last token. */
  readonly requestNs: Latency;
  /** Share within the objective; null: no objective. */
  readonly attained: number | null;
  /** Token budget as written; null: the whole model. */
  readonly budget: string | null;
  /** Share of choices left out by the budget. */
  readonly choicesLost: number;
  /** Share of gate weights left out; null: the trace has no weights. */
  readonly weightLost: number | null;
  /** Share of activations served by copies of lower precision or substitute experts. Absent: the system has neither. */
  readonly degraded?: number;
}
