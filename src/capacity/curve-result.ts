// The public format of a capacity curve, `moeprof.curve/1`. Types only.
import type { Result, TraceInput, Warning } from '../result/result.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
export const CURVE_SCHEMA = 'moeprof.curve/1';

/** A policy at one capacity, after the warm-up; policies that look into the future have no `hitRange`. */
export interface CurvePoint extends Pick<Result, 'hitRange'> {
  readonly hits: number;
  /** Misses that were inserted, and those that were not. */
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
  /** As the user wrote it. */
  readonly policy: string;
  readonly name: string;
  /** True if it looks into the future: a bound, not a policy that a system can run. */
  readonly foresight: boolean;
  readonly points: readonly CurvePoint[];
  /** Experts of each layer's cache at each capacity if quotas are not even. */
  readonly splits?: readonly (readonly number[])[];
  /** Hit rate over that of an even split, at each capacity. */
  readonly gains?: readonly number[];
}

/** The capacity from which on more of it gains little. */
export interface Knee {
  readonly policy: string;
  /** Index of the capacity. */
  readonly at: number;
}

/** Why hits are lost at one capacity. */
export interface Verdict {
  /** Index of the capacity. */
  readonly at: number;
  /** Best policy there that a system can run. */
  readonly policy: string;
  /** Hit rate that perfect foresight would add at this capacity; null if no such policy was drawn. */
  readonly policyGap: number | null;
  /** Hit rate that is missing beyond that, up to compulsory misses: what only more capacity can give. */
  readonly capacityGap: number;
  readonly problem: 'capacity' | 'policy' | 'neither' | 'unknown';
  /** The same in words, one or two sentences. */
  readonly sentence: string;
}

/** Hit rate against capacity for several policies on one trace. */
export interface Curve {
  readonly schema: typeof CURVE_SCHEMA;
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly inputs: {
    readonly model: string;
    readonly quantization: string;
    /** `experts`: the size of experts is unknown, and whatever is in bytes here counts experts. Absent: bytes. */
    readonly unit?: 'experts';
    readonly trace: TraceInput;
  };
  readonly config: {
    readonly scope: 'global' | 'layer';
    readonly replay: 'atomic' | 'sequential';
    readonly quotas: 'even' | 'proportional' | 'optimal' | 'shallow';
    readonly warmup: number;
    /** Source of the popularity of the experts, if a policy needs it. */
    readonly popularity?: string;
    readonly seed: number;
  };
  /** Bytes, ascending. */
  readonly capacities: readonly number[];
  /** Bytes of all experts, and their number. */
  readonly expertBytes: number;
  readonly experts: number;
  /** Bytes of experts that one token touches: below it LRU, FIFO and CLOCK hit next to nothing in one global cache. */
  readonly tokenCycleBytes: number;
  readonly demand: {
    readonly tokens: number;
    readonly events: number;
    readonly demanded: number;
    /** First uses: misses that no cache avoids. */
    readonly compulsory: number;
    /** Distinct experts per event, mean. */
    readonly perEvent: number;
  };
  readonly policies: readonly PolicyCurve[];
  readonly warnings: readonly Warning[];
  /** Knee of the best policy that a system can run; null if none was drawn. */
  readonly knee: Knee | null;
  /** Null if no policy was drawn that a system can run. */
  readonly verdict: Verdict | null;
}
