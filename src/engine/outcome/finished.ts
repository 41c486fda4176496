import type { Passes } from '../../schedule/door.js';
import type { RunPlan } from '../compose/plan.js';
import type { Simulation } from '../compose/simulation.js';
import type { ChangingMemory } from '../serve/changing-memory.js';
import type { BrokenLaw } from '../watch/laws.js';
import type { Meters } from '../watch/meters.js';

/** The parts of a finished run that its result is made of. Types only. Everything that a finished run produces. */
export interface Finished extends RunPlan {
  readonly simulation: Simulation;
  readonly passes: Passes;
  /** The division of GPU memory if it changed during the run; null: it stayed as planned. */
  readonly changing: ChangingMemory | null;
  readonly meters: Meters;
  /** Laws that the run breaks; figures that rest on them are withheld (L30). */
  readonly broken: readonly BrokenLaw[];
  /** `performance.now()` when the run started. */
  readonly startedAt: number;
}

/** Values of metrics by name; null, NaN and infinities stand for what this run cannot have. */
export type Values = Readonly<Record<string, number | null>>;
