// Runs that are compared stand on one footing (L26): the same rows, under one runtime, as constants were fitted on some of the systems.
import { orUserError, UserError, userErrorOf } from '../../base/errors.js';
import type { Override } from '../../base/yaml.js';
import { countsOnTrace } from '../../engine/inputs/counts-on-trace.js';
import { HELD_OUT } from '../../engine/inputs/inputs.js';
import { type RunSpec, runtimeNamed } from '../../system/door.js';

/** Overrides that put runs on one footing; empty: they are. A runtime that is named stays, `own` included. @param runs one of each system */
export async function equalFooting(runs: readonly (() => RunSpec)[]): Promise<readonly Override[]> {
  return [...(await sameRows(runs)), ...sameRuntime(runs)];
}

function sameRuntime(runs: readonly (() => RunSpec)[]): readonly Override[] {
  const specs = runs.flatMap((make) => {
    const run = orUserError(make);
    return run instanceof UserError ? [] : [run];
  });
  if (specs.some(({ runtime }) => runtime !== undefined) || new Set(specs.map(runtimeNamed)).size <= 1) return [];
  return [{ path: ['runtime'], value: 'default', label: 'one runtime for all' }];
}

/** Overrides with which compared runs replay the same rows; empty: they do. @param runs one of each system; impossible ones are left out */
export async function sameRows(runs: Iterable<() => RunSpec>): Promise<readonly Override[]> {
  const counts = new Set<boolean>();
  for (const make of runs) {
    const run = orUserError(make);
    if (run instanceof UserError || run.workload.holdOut !== undefined || run.trace.includes('synthetic')) continue;
    // A run whose module cannot be used: its error comes in its turn, and the others run.
    const counting = await countsOnTrace(run).catch(userErrorOf);
    if (!(counting instanceof UserError)) counts.add(counting);
    if (counts.size > 1) return [{ path: ['workload', 'holdOut'], value: `${HELD_OUT * 100}%`, label: 'what is held out' }];
  }
  return [];
}

/** The first cell of each kind whose systems differ, which alone decides what is held out. @param paths of the values of a cell */
export function bySystem<T>(cells: Iterable<readonly T[]>, paths: readonly string[]): (readonly T[])[] {
  const ofSystem = paths.flatMap((path, at) => (/^system(\.|$)/.test(path) ? [at] : []));
  // A million cells are never all in memory.
  const first = new Map<string, readonly T[]>();
  for (const cell of cells) {
    const key = JSON.stringify(ofSystem.map((at) => cell[at]));
    if (!first.has(key)) first.set(key, cell);
  }
  return [...first.values()];
}
