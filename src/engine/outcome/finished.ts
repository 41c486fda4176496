import type { MetricName } from '../../result/metrics.js';
import type { Metric } from '../../result/result.js';
import type { Passes } from '../../schedule/door.js';
import type { Simulation } from '../compose/simulation.js';
import type { RunPlan } from '../plan/run-plan.js';
import type { ChangingMemory } from '../serve/changing-memory.js';
import type { BrokenLaw } from '../watch/laws.js';
import type { Meters } from '../watch/meters.js';

/** A finished run, before its result. */
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

/** Metrics of a run by name. */
export type Metrics = Readonly<Partial<Record<MetricName, Metric>>>;

/** Values by metric; null, NaN and infinities: absent from the run. */
export type Values<Name extends string = MetricName> = Readonly<Partial<Record<Name, number | null>>>;

/** Values of metrics that an end of the name sets apart: `.decode`. */
export const ended = <Name extends string>(values: Values<Name>, end: string): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name + end, value]));
