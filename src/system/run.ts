import type { z } from 'zod';
import { UserError } from '../base/errors.js';
import { ownValue } from '../base/objects.js';
import type { Override, Places } from '../base/yaml.js';
import type { Learned } from '../hardware/door.js';
import type { RunProfile, runSchema } from './run-schema.js';
import type { SystemSpec } from './system.js';

/** Input of a run profile; all fields are optional. */
export type RunInput = z.input<typeof runSchema>;

/** A checked run, with the place of every value for later errors. */
export interface RunSpec extends Omit<RunProfile, 'system'> {
  readonly system: SystemSpec;
  /** File name or origin, for messages. */
  readonly label: string;
  /**
   * `file:line:column` or flag of each value by dotted path (`system...` for the system's); defaults have no place.
   */
  readonly places: Places;
  /** Base folder of relative paths. */
  readonly folder: string;
  /** Values inside named profiles. */
  readonly overrides: Readonly<Record<'model' | 'hardware' | 'runtime', readonly Override[]>>;
  readonly note?: string;
  /** The machine as taught by timings. Absent: untaught. */
  readonly learned?: Learned;
}

/** Runtime of the run or the system; null: the machine's usual runtime. */
export function runtimeNamed({ runtime = 'own', system }: Pick<RunSpec, 'runtime' | 'system'>): string | null {
  if (runtime === 'default') return null;
  return runtime === 'own' ? (system.runtime ?? null) : runtime;
}

/** A value contradicts the run. @param path dotted, `system...` for the system's @param message the mistake */
export const misfit = ({ label, places }: Pick<RunSpec, 'label' | 'places'>, path: string, message: string): UserError =>
  new UserError(`${placeIn({ label, places }, path)}: ${path}: ${message}`);

/** Place of a value or the nearest enclosing value, else the run's label. @param path dotted */
export function placeIn({ label, places }: Pick<RunSpec, 'label' | 'places'>, path: string): string {
  const steps = path.split('.');
  const given = steps.map((_, length) => steps.slice(0, steps.length - length).join('.')).find((parent) => Object.hasOwn(places, parent));
  return given === undefined ? label : ownValue(places, given)!;
}
