import type { Result, TraceInput, Warning } from '../result/result.js';

/** Raised if a meaning changes, not for additions. */
export const CURVE_SCHEMA = 'moeprof.curve/1';

/** A policy at one capacity, after warm-up; no `hitRange` for policies with foresight. */
export interface CurvePoint extends Pick<Result, 'hitRange'> {
  readonly hits: number;
  readonly insertions: number;
  readonly streamed: number;
  readonly evictions: number;
  /** Hits over experts demanded, 0..1. */
  readonly hitRate: number;
  /** Insertions and evictions per token. */
  readonly churn: number;
}

/** One policy at all capacities. */
export interface PolicyCurve {
  /** As written by the user. */
  readonly policy: string;
  readonly name: string;
  /** True with knowledge of the future: a bound. */
  readonly foresight: boolean;
  readonly points: readonly CurvePoint[];
  /** Experts of each layer's cache by capacity, for uneven quotas. */
  readonly splits?: readonly (readonly number[])[];
  /** Hit rate relative to an even split, by capacity. */
  readonly gains?: readonly number[];
}

/** Capacity beyond which gains are small. */
export interface Knee {
  readonly policy: string;
  /** Index of the capacity. */
  readonly at: number;
}

/** Cause of lost hits at one capacity. */
export interface Verdict {
  /** Index of the capacity. */
  readonly at: number;
  /** Best real policy at the capacity. */
  readonly policy: string;
  /** Hit rate gained by perfect foresight; null if no such policy was drawn. */
  readonly policyGap: number | null;
  /** Further hit rate up to compulsory misses, from capacity alone. */
  readonly capacityGap: number;
  readonly problem: 'capacity' | 'policy' | 'neither' | 'unknown';
  readonly sentence: string;
}

/** Capacity curve of a trace, public format `moeprof.curve/1`. */
export interface Curve {
  readonly schema: typeof CURVE_SCHEMA;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly inputs: {
    readonly model: string;
    readonly quantization: string;
    /** `experts`: expert size unknown, so byte fields count experts. Absent: bytes. */
    readonly unit?: 'experts';
    readonly trace: TraceInput;
  };
  readonly config: {
    readonly scope: 'global' | 'layer';
    readonly replay: 'atomic' | 'sequential';
    readonly quotas: 'even' | 'proportional' | 'optimal' | 'shallow';
    readonly warmup: number;
    readonly popularity?: string;
    readonly seed: number;
  };
  /** Bytes, ascending. */
  readonly capacities: readonly number[];
  readonly expertBytes: number;
  readonly experts: number;
  /** Bytes of experts touched by one token; in a smaller global cache LRU, FIFO and CLOCK rarely hit. */
  readonly tokenCycleBytes: number;
  readonly demand: {
    readonly tokens: number;
    readonly events: number;
    readonly demanded: number;
    /** First uses: unavoidable misses. */
    readonly compulsory: number;
    /** Mean distinct experts per event. */
    readonly perEvent: number;
  };
  readonly policies: readonly PolicyCurve[];
  readonly warnings: readonly Warning[];
  /** Knee of the best real policy; null without real policies. */
  readonly knee: Knee | null;
  /** Null without real policies. */
  readonly verdict: Verdict | null;
}
