import type { Passes } from '../../schedule/door.js';
import type { Simulation } from '../compose/simulation.js';
import type { RunPlan } from '../plan/run-plan.js';
import type { ChangingMemory } from '../serve/changing-memory.js';
import type { BrokenLaw } from '../watch/laws.js';
import type { Meters } from '../watch/meters.js';

/** A finished run, before its result. Types only. */
export interface Finished extends RunPlan {
  readonly simulation: Simulation;
  readonly passes: Passes;
  /** Division of changing GPU memory; null: as planned. */
  readonly changing: ChangingMemory | null;
  readonly meters: Meters;
  /** Broken laws; dependent figures are withheld (L30). */
  readonly broken: readonly BrokenLaw[];
  /** `performance.now()` at the start. */
  readonly startedAt: number;
}

/** Values by metric; null, NaN and infinities: absent from the run. */
export type Values = Readonly<Record<string, number | null>>;
