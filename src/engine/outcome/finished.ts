// What a finished run leaves behind for its result. Types only.
import type { Warning } from '../../result/result.js';
import type { Passes } from '../../schedule/passes.js';
import type { Workload } from '../../schedule/workload.js';
import type { RunSpec } from '../../system/run.js';
import type { Inputs } from '../inputs.js';
import type { ChangingMemory } from '../memory/changing-memory.js';
import type { MemoryPlan } from '../memory/plan.js';
import type { Serving } from '../serving.js';
import type { Simulation } from '../simulation.js';
import type { FaultMeter } from '../watch/fault-meter.js';
import type { Latencies } from '../watch/latency.js';

/** Everything that a finished run leaves behind. */
export interface Finished {
  readonly run: RunSpec;
  readonly inputs: Inputs;
  readonly memory: MemoryPlan;
  readonly simulation: Simulation;
  readonly latencies: Latencies;
  /** Tokens run, each counted once, and those of them that were generated. */
  readonly tokens: number;
  readonly decoded: number;
  readonly serving: Serving;
  readonly workload: Workload;
  readonly passes: Passes;
  /** The division of GPU memory, where it changed during the run; null: it stayed as planned. */
  readonly changing: ChangingMemory | null;
  /** What faults cost; null: nothing went wrong. */
  readonly meter: FaultMeter | null;
  /** What the audit of the traces found. */
  readonly auditWarnings: readonly Warning[];
  /** What variants and re-ranking did, by name of the catalogue. */
  readonly routingMetrics: Readonly<Record<string, number>>;
  /** Hits of Belady on the same events; null where bounds are off. */
  readonly beladyHitCount: number | null;
  /** `performance.now()` when the run started. */
  readonly startedAt: number;
}

/** Values of metrics by name; null, NaN and infinities stand for what this run cannot have. */
export type Values = Readonly<Record<string, number | null>>;
