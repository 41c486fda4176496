import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import type { ResolvedPolicy } from '../../cache/policies/index.js';
import type { Predictor } from '../../predict/predictor.js';
import type { Warning } from '../../result/result.js';
import type { Residency } from '../../schedule/door.js';
import type { EventFold } from '../event/fold.js';
import type { Clocks } from '../foresight/clocks.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { CopyPool } from '../mechanisms/copies.js';
import type { Faults } from '../mechanisms/faults.js';
import type { ClassPrecision } from '../mechanisms/request-classes.js';
import type { Rerank } from '../mechanisms/rerank.js';
import type { MemoryPlan } from '../memory/plan.js';
import type { Link } from '../transfer/link.js';
import type { CapacityMeter } from '../vocabulary/capacity-curve.js';
import type { Fold } from '../vocabulary/fold.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { ParallelCounters, Recorder } from '../vocabulary/recorder.js';
import type { PredictedPaths } from './predictor.js';

/** A GPU of a run. */
export interface SimulatedGpu extends Gpu {
  readonly fold: EventFold;
  /** Links from host memory first; none if the machine has none. */
  readonly links: readonly Link[];
  /** Null: no prediction. */
  readonly prefetch: PrefetchSetup | null;
  /** On the same events; null: no bounds, or counted by `curve`. */
  readonly belady: BeladyBound | null;
  /** On the same events; null: no curve. */
  readonly curve: CapacityMeter | null;
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

/** Mechanisms of a run that results read; null: not in the run. */
export interface ReadMechanisms {
  readonly faults: Faults | null;
  readonly rerank: Rerank | null;
  readonly classes: ClassPrecision | null;
  readonly copies: readonly CopyPool[];
}

/** A composed run: engine, and parts read for the result. */
export interface Simulation extends RunFold, ReadMechanisms {
  readonly gpus: readonly SimulatedGpu[];
  readonly recorder: Recorder;
  readonly policy: ResolvedPolicy;
  readonly predictor: Predictor | null;
  /** Null: no path predictions for the scheduler. */
  readonly paths: PredictedPaths | null;
  readonly notes: readonly Warning[];
  close(): void;
}
