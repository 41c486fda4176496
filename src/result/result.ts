import type { Details } from './details.js';
import type { RunKnowledge } from './knowledge.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
export const RESULT_SCHEMA = 'moeprof.result/1';

/** Unit of a metric's value. Ratios are fractions 0..1; times are nanoseconds; rates are per second. */
export type Unit = 'ratio' | 'count' | 'bytes' | 'ns' | 'tokens/s' | 'count/token' | 'bytes/token' | 'bytes/s' | 'ns/byte' | 'flops';

/** One measured or simulated quantity. */
export interface Metric {
  readonly value: number;
  readonly unit: Unit;
  /** The better direction; `none`: neither, or it depends. */
  readonly better: 'higher' | 'lower' | 'none';
  /** `exact`: simulated, the same on every machine; `sampled`: measured here, noisy. */
  readonly kind: 'exact' | 'sampled';
  /** Measured values, in order, if there is more than one; `value` is their median. Sampled metrics only. */
  readonly samples?: readonly number[];
}

/** A warning that a reader of the numbers needs. */
export interface Warning {
  /** Stable name, e.g. `below-token-cycle`. */
  readonly code: string;
  /** One sentence with the figures, and what to do. */
  readonly message: string;
}

/** Counters by MoE layer. Events are passes that chose an expert there; bytes were loaded on demand, or by prefetches that started. */
export const LAYER_COUNTERS = [
  ...(['demanded', 'hits', 'late', 'misses', 'evictions', 'streamed', 'events', 'onDemandBytes', 'prefetchBytes'] as const),
  ...(['stallNs', 'computeNs', 'cpuNs', 'denseNs'] as const),
] as const;

/** Each of {@link LAYER_COUNTERS}; all arrays have one entry per layer. */
export type PerLayer = Readonly<Record<(typeof LAYER_COUNTERS)[number], readonly number[]>>;

/** Costs of the same passes at the limits (L15). */
export interface Bounds {
  /** Mean TPOT with every expert resident, ns; null if no token was decoded. */
  readonly allResidentTpotNs: number | null;
  /** Mean TPOT with no cache, ns; null if no token was decoded. */
  readonly noCacheTpotNs: number | null;
  /** Mean TPOT under LRU, Belady on demand, and the fastest schedule found, ns; null: nothing was decoded; absent: not counted. */
  readonly lruTpotNs?: number | null | undefined;
  readonly beladyTpotNs?: number | null | undefined;
  readonly foundTpotNs?: number | null | undefined;
  /** Mean TPOT that no run of these passes is below, ns (L19); absent: not counted, or `unproven`. */
  readonly floorTpotNs?: number | null | undefined;
  /** Time of all passes, those of prompts among them, without idle time between them, ns: of the fastest schedule found, and the floor. */
  readonly foundTotalNs?: number | undefined;
  readonly floorTotalNs?: number | undefined;
  /** `loads`: the fastest schedule was looked for without the CPU, where the run does not compute; absent: with all that the machine has. */
  readonly foundBy?: 'loads' | undefined;
  /** Why there is neither floor nor best found although bounds were asked for; absent: there is, or a law failed, as warnings have it. */
  readonly unproven?: string | undefined;
  /** Hit rate of Belady (with bypass) at the same capacity and scope; null if bounds were switched off. */
  readonly beladyHitRate: number | null;
  /** Distinct experts demanded: misses that no cache avoids from a cold start. */
  readonly compulsoryMisses: number;
  /** Bytes of experts that one token touches. */
  readonly tokenCycleBytes: number;
  readonly capacityBytes: number;
}

/** The source of the routing. */
export interface TraceInput {
  readonly path: string;
  readonly sha256: string;
  /** Tokens of it that were replayed, or, if requests arrive by themselves, that they could walk. */
  readonly tokens: number;
  readonly requests: number;
  readonly synthetic: boolean;
  /** Tokens before the replayed ones that are held out: popularity is counted on them. Absent: none are. */
  readonly heldOut?: number;
}

/** What comparable predictions became on real machines: 80 % of the measurements lie between two multiples of the predicted speed. */
export interface Accuracy {
  /** measured / predicted that one measurement in ten is below, if machines have one vote each; at most 1. */
  readonly low: number;
  /** measured / predicted that one in ten is above; at least 1. */
  readonly high: number;
  /** Number of compared measurements, of the machines that made them, and their common fields. */
  readonly rows: number;
  readonly machines: number;
  readonly common: string;
  /** True: it follows from `rows` timings of the run's own machine. */
  readonly learned?: true;
}

/** A finished run: the public format `moeprof.result/1`, for reports, gates and other people's tools. */
export interface Result {
  readonly schema: typeof RESULT_SCHEMA;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly inputs: {
    readonly model: string;
    readonly quantization: string;
    readonly hardware: string;
    /** The runtime that executed the system; absent: the machine is calibrated, and its profile has all constants. */
    readonly runtime?: string;
    /** `cpu`: there is no GPU, the CPU executes all; `unified`: GPU and CPU share one memory. Absent: a GPU with a memory of its own. */
    readonly device?: 'cpu' | 'unified';
    /** Several GPUs that the model uses as one, and the part of each; figures of GPU memory are of all. Absent: one, or they share experts. */
    readonly joined?: { readonly gpus: number; readonly sharing: 'layers' | 'tensor' };
    readonly system: string;
    readonly traces: readonly TraceInput[];
    /** Routing variants, as the user wrote them, the first closest to the traces; absent: none. */
    readonly variants?: readonly string[];
  };
  /** Hash of the inputs that comparable results share: model, hardware, routing, workload, seed. */
  readonly fingerprint: string;
  readonly seed: number;
  /** The resolved configuration, flags and defaults merged. */
  readonly config: Readonly<Record<string, unknown>>;
  /** By name; names and meanings are in `catalogue.ts`. A metric that this run cannot have is absent. */
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly perLayer: PerLayer;
  readonly bounds: Bounds;
  /** Of its speeds; null: nothing is comparable. Absent: the machine is calibrated, and there are no rows. No part of comparisons. */
  readonly accuracy?: { readonly decode: Accuracy | null; readonly prefill: Accuracy | null };
  /** Typical shift of the mean TPOT with ten times the requests, a share. Absent: recorded or nothing generated. Not compared. */
  readonly tenfold?: { readonly requests: number; readonly tpot: number };
  /** 80 % of published hit rates lie in this range, by the shape's `prior` or a `profile`. Absent: not drawn. Not compared. */
  readonly hitRange?: { readonly low: number; readonly high: number; readonly models: number; readonly routing: 'prior' | 'profile' };
  /** Knowledge of parts of the system beyond what had happened (L17); absent in results of earlier versions. */
  readonly knowledge?: RunKnowledge;
  /** By class, if arrivals give requests one; absent: they do not. */
  readonly classes?: readonly RequestClass[];
  readonly warnings: readonly Warning[];
  /** Versions, machine, wall times: everything that may differ between two runs of the same inputs. */
  readonly environment: Readonly<Record<string, string | number>>;
  /** SHA-256 over everything that a gate judges (see `digest.ts`); absent in results that other tools wrote. */
  readonly digest?: string;
  readonly details?: Details;
}

/** Mean and percentiles of a latency, ns; null: no request has it. */
type Latency = Readonly<Record<'mean' | 'p50' | 'p95' | 'p99', number>> | null;

/** All requests of a class. */
export interface RequestClass {
  /** As the arrivals name it; empty: requests without one. */
  readonly name: string;
  readonly requests: number;
  /** Tokens that they generated. */
  readonly generated: number;
  readonly ttftNs: Latency;
  readonly tpotNs: Latency;
  /** From arrival to the last token. */
  readonly requestNs: Latency;
  /** Share that kept its objective; null: there is none. */
  readonly attained: number | null;
  /** The budget of its tokens, as written; null: all of the model. */
  readonly budget: string | null;
  /** Share of the choices of its tokens that the budget left out. */
  readonly choicesLost: number;
  /** The same of their gate weights; null: the trace has none. */
  readonly weightLost: number | null;
  /** Share of the activations of its tokens that copies of lower precision or other experts served. Absent: the system has neither. */
  readonly degraded?: number;
}
