// A composed run: an engine, and the parts of it that a result is read from.
import type { BeladyBound } from '../cache/belady-bound.js';
import type { DemandLog } from '../cache/demand.js';
import type { ResolvedPolicy } from '../cache/policies/index.js';
import type { Predictor } from '../predict/predictor.js';
import type { Residency } from '../schedule/paths.js';
import type { Recorder } from './event/recorder.js';
import type { Rerank } from './event/rerank.js';
import type { Faults } from './faults.js';
import type { Fold } from './fold.js';
import type { MemoryPlan } from './memory/plan.js';
import type { ParallelCounters } from './parallel/counters.js';
import type { AdaptiveHorizon } from './prefetch/horizon.js';
import type { CachedTier } from './transfer/tier.js';
import type { Clocks } from './watch/bounds.js';

/** One GPU of a run. Where there are several, ids in here are those of the experts that live on it. */
export interface SimulatedGpu {
  readonly gpu: CachedTier;
  /** DRAM as a cache of the SSD, or this GPU's part of it; null where it holds every expert, or where there is none. */
  readonly dram: CachedTier | null;
  /** Bound on the hits of its expert cache; null where bounds are off. */
  readonly belady: BeladyBound | null;
  /** What was demanded of it, recorded for capacity curves; null: nobody draws them. */
  readonly log: DemandLog | null;
  /** How its memory is divided. */
  readonly memory: MemoryPlan;
  /** Bytes of all experts that live on it. */
  readonly expertBytes: number;
  /** Dense id in the whole model of each of its experts; null: it has all of them. */
  readonly whole: Int32Array | null;
  /** Null: the horizon does not move. */
  readonly adaptive: AdaptiveHorizon | null;
}

/** A run that can be started. */
export interface Simulation {
  readonly engine: Fold;
  /** At least one. */
  readonly gpus: readonly SimulatedGpu[];
  /** What lies in GPU memory, by dense id of the whole model. */
  readonly residency: Residency;
  readonly recorder: Recorder;
  readonly bounds: Clocks;
  /** Null: nothing goes wrong. */
  readonly faults: Faults | null;
  /** Counted where there are several GPUs; null: there is one. */
  readonly parallel: ParallelCounters | null;
  /** Named policy, resolved. */
  readonly policy: ResolvedPolicy;
  /** Null: nothing is predicted. */
  readonly predictor: Predictor | null;
  /** Null: tokens choose as recorded. */
  readonly rerank: Rerank | null;
  /** Removes temporary files. */
  close(): void;
}
