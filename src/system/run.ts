import type { z } from 'zod';
import { UserError } from '../base/errors.js';
import { ownValue } from '../base/objects.js';
import type { Override, Places } from '../base/yaml.js';
import type { Learned } from '../hardware/door.js';
import type { RunProfile, runSchema } from './run-schema.js';
import type { SystemSpec } from './system.js';

/** The input of a run profile; all fields are optional. */
export type RunInput = z.input<typeof runSchema>;

/** A run: its checked profile and flags. It keeps the place of every value, so that a later error can still name file and line. */
export interface RunSpec extends Omit<RunProfile, 'system'> {
  readonly system: SystemSpec;
  /** Name of its file, or of its origin if it has none, for messages. */
  readonly label: string;
  /** Place of each value by its dotted path, `file:line:column` or a flag; paths of the system begin with `system`. A value without a place is a default. */
  readonly places: Places;
  /** Folder that paths in it are relative to. */
  readonly folder: string;
  /** Values inside the model, hardware and runtime profiles that it names. */
  readonly overrides: Readonly<Record<'model' | 'hardware' | 'runtime', readonly Override[]>>;
  /** Notes for the reader on how the run came about; they do not change it. */
  readonly note?: string;
  /** What timings taught of its machine. Absent: nothing. */
  readonly learned?: Learned;
}

/** The runtime that a run, or else its system, names; undefined: the machine's usual one. */
export function runtimeNamed({ runtime = 'own', system }: Pick<RunSpec, 'runtime' | 'system'>): string | undefined {
  if (runtime === 'default') return undefined;
  return runtime === 'own' ? system.runtime : runtime;
}

/** The error for a value that does not fit the rest of the run. @param path dotted; the system's begin with `system` @param message the mistake */
export const misfit = ({ label, places }: Pick<RunSpec, 'label' | 'places'>, path: string, message: string): UserError =>
  new UserError(`${placeIn({ label, places }, path)}: ${path}: ${message}`);

/** The place of a value: its own, else that of the nearest value around it, else the label of the run. `path` is dotted. */
export function placeIn({ label, places }: Pick<RunSpec, 'label' | 'places'>, path: string): string {
  const steps = path.split('.');
  const given = steps.map((_, length) => steps.slice(0, steps.length - length).join('.')).find((parent) => Object.hasOwn(places, parent));
  return given === undefined ? label : ownValue(places, given)!;
}
