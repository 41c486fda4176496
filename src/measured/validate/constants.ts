// Constants of runtimes by their dotted names: read, and changed in the runtime that states them and in the runtimes that inherit them.

import { InternalError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import { type RuntimeSpec, withConstant } from '../../hardware/door.js';

/** All runtimes by name. */
export type Runtimes = ReadonlyMap<string, RuntimeSpec>;

/** A constant that was fitted. */
export interface Constant {
  readonly runtime: string;
  /** Dotted, e.g. `cpu.operations.avx2`. */
  readonly name: string;
}

/** Constants that some runtimes say were fitted, in the order of the runtimes. */
export function fittedConstants(runtimes: Runtimes, used: readonly string[]): Constant[] {
  return used.flatMap((runtime) => (runtimes.get(runtime)?.fitted?.constants ?? []).map((name) => ({ runtime, name })));
}

/** Value of a constant; undefined where the runtime has none of that name. */
export function constantOf(spec: RuntimeSpec, name: string): number | undefined {
  const value = name.split('.').reduce<unknown>(ownValue, spec);
  return typeof value === 'number' ? value : undefined;
}

/** Runtimes with a constant times a factor: in its runtime, and in the runtimes that inherit it, which share its value. */
export function withConstantMoved(runtimes: Runtimes, { name, runtime }: Constant, factor: number): Map<string, RuntimeSpec> {
  const value = constantOf(runtimes.get(runtime)!, name);
  if (value === undefined) throw new InternalError('runtimes', `${runtime} says that ${name} was fitted, and has no such constant`);
  const same = ([other, spec]: [string, RuntimeSpec]): boolean =>
    other === runtime || (constantOf(spec, name) === value && spec.fitted?.constants.includes(name) !== true);
  return new Map([...runtimes].map((entry) => [entry[0], same(entry) ? withConstant(entry[1], name.split('.'), factor) : entry[1]]));
}
