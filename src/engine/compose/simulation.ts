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

/** One GPU of a run. */
export interface SimulatedGpu extends Gpu {
  boundHits(): number;
  readonly memory: MemoryPlan;
  readonly expertBytes: number;
  /** Dense id in the whole model of each of its experts; null: it has all of them. */
  readonly whole: Int32Array | null;
}

/** The fold over passes, on one GPU or on several. */
export interface RunFold {
  readonly engine: Fold;
  readonly bounds: Clocks;
  /** Residents of GPU memory, by dense id of the whole model. */
  readonly residency: Residency;
  /** Counted if there are several GPUs; null: there is one. */
  readonly parallel: ParallelCounters | null;
}

/** A composed run: an engine, and the parts from which its result is read. Types only. A run that can be started. */
export interface Simulation extends RunFold {
  /** At least one. */
  readonly gpus: readonly SimulatedGpu[];
  readonly recorder: Recorder;
  readonly faults: Faults | null;
  readonly policy: ResolvedPolicy;
  readonly predictor: Predictor | null;
  /** Gives predicted paths to the scheduler; null: there are none. */
  readonly paths: PredictedPaths | null;
  /** What it does less well than its system could. */
  readonly notes: readonly Warning[];
  /** Null: tokens choose as recorded. */
  readonly rerank: Rerank | null;
  close(): void;
}
