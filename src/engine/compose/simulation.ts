import type { ResolvedPolicy } from '../../cache/policies/index.js';
import type { Predictor } from '../../predict/predictor.js';
import type { Warning } from '../../result/result.js';
import type { Residency } from '../../schedule/door.js';
import type { Clocks } from '../foresight/clocks.js';
import type { MemoryPlan } from '../memory/plan.js';
import type { Faults } from '../transfer/faults.js';
import type { Fold } from '../vocabulary/fold.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { ParallelCounters, Recorder } from '../vocabulary/recorder.js';
import type { Rerank } from '../vocabulary/rerank.js';
import type { PredictedPaths } from './predictor.js';

/** A GPU of a run. */
export interface SimulatedGpu extends Gpu {
  boundHits(): number;
  readonly memory: MemoryPlan;
  readonly expertBytes: number;
  /** By shard id: whole-model id; null: the GPU has all experts. */
  readonly whole: Int32Array | null;
}

/** Fold over passes, on one or several GPUs. */
export interface RunFold {
  readonly engine: Fold;
  readonly bounds: Clocks;
  readonly residency: Residency;
  /** Null: a single GPU. */
  readonly parallel: ParallelCounters | null;
}

/** A composed run, ready to start: engine, and parts read for the result. Types only. */
export interface Simulation extends RunFold {
  readonly gpus: readonly SimulatedGpu[];
  readonly recorder: Recorder;
  readonly faults: Faults | null;
  readonly policy: ResolvedPolicy;
  readonly predictor: Predictor | null;
  /** Null: no path predictions for the scheduler. */
  readonly paths: PredictedPaths | null;
  readonly notes: readonly Warning[];
  /** Null: choices as recorded. */
  readonly rerank: Rerank | null;
  close(): void;
}
