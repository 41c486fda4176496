import { InternalError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import { loadRuntime, type RuntimeSpec, withConstant } from '../../hardware/door.js';
import type { Measurement } from './rows/measurement.js';
import { runtimeOf } from './rows/specify.js';

/** All runtimes by name. */
export type Runtimes = ReadonlyMap<string, RuntimeSpec>;

/** Runtimes of rows. */
export function runtimesFor(rows: readonly Measurement[], load: (name: string) => RuntimeSpec = loadRuntime): Runtimes {
  return new Map([...new Set(rows.map(runtimeOf))].map((name) => [name, load(name)]));
}

/** A fitted constant. */
export interface Constant {
  readonly runtime: string;
  /** Dotted, e.g. `cpu.operations.avx2`. */
  readonly name: string;
  /** Constants of the runtime that move with it. */
  readonly tied: readonly string[];
  /** Value before any fit. */
  readonly before: number;
  /** Prior standard deviation of the logarithm. */
  readonly spread: number;
}

/** Prior spread by mechanism, first match: from differing figures or machines, else half to a factor of two. Ours. */
const SPREADS: readonly (readonly [RegExp, number])[] = [
  [/^copy\.efficiency/, 0.05],
  [/^cpu\.bandwidth/, 0.08],
  [/^cpu\.memory|^gpu\.(bandwidth|covered)/, 0.2],
  [/^cpu\.generations|weightsPerCycle/, 0.25],
  [/halved|staging/, 0.3],
  [/^cpu\.core|operations/, 0.35],
  [/^cpu\.layer|^gpu\.(compute|attention)/, 0.4],
  [/^layer|^pass|sockets|untuned|together/, 0.5],
  [/handover|tile|barrier/, 0.6],
  [/recurrence/, 1],
];
/** Spread of all remaining constants; ours. */
const OTHERWISE = 0.3;

/** Constants marked as fitted in runtime files. */
export function fittedConstants(runtimes: Runtimes, used: readonly string[]): Constant[] {
  return used.flatMap((runtime) => {
    const spec = runtimes.get(runtime);
    return (spec?.fitted?.constants ?? []).map((name) => {
      const before = ownValue(spec!.fitted!.before, name) ?? constantOf(spec!, name);
      if (before === null) throw new InternalError('runtimes', `${runtime} says that ${name} was fitted, and has no such constant`);
      const tied = Object.entries(spec!.fitted!.tied).flatMap(([follower, leader]) => (leader === name ? [follower] : []));
      return { runtime, name, tied, before, spread: SPREADS.find(([pattern]) => pattern.test(name))?.[1] ?? OTHERWISE };
    });
  });
}

/** Value by dotted name; null: absent. */
export function constantOf(spec: RuntimeSpec, name: string): number | null {
  const value = name.split('.').reduce<unknown>(ownValue, spec);
  return typeof value === 'number' ? value : null;
}

/** A constant with those tied to it in its runtime, and in runtimes that inherit the value. */
export function withConstantMoved(runtimes: Runtimes, { name, runtime, tied }: Constant, factor: number): Map<string, RuntimeSpec> {
  return [name, ...tied].reduce((moved, constant) => withOneMoved(moved, runtime, constant, factor), new Map(runtimes));
}

function withOneMoved(runtimes: Runtimes, runtime: string, name: string, factor: number): Map<string, RuntimeSpec> {
  const value = constantOf(runtimes.get(runtime)!, name);
  if (value === null) throw new InternalError('runtimes', `${runtime} says that ${name} was fitted, and has no such constant`);
  const same = ([other, spec]: [string, RuntimeSpec]): boolean =>
    other === runtime || (constantOf(spec, name) === value && !ownFit(spec, name));
  return new Map([...runtimes].map((entry) => [entry[0], same(entry) ? withConstant(entry[1], name.split('.'), factor) : entry[1]]));
}

const ownFit = ({ fitted }: RuntimeSpec, name: string): boolean =>
  fitted !== null && (fitted.constants.includes(name) || ownValue(fitted.tied, name) !== undefined);
