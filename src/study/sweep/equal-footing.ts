import { orUserError, UserError, userErrorOf } from '../../base/errors.js';
import type { Override } from '../../base/yaml.js';
import { countsOnTrace } from '../../engine/inputs/counts-on-trace.js';
import { HELD_OUT } from '../../engine/inputs/inputs.js';
import { type RunSpec, runtimeNamed } from '../../system/door.js';

/** L26: same rows and one runtime, since constants were fitted on some systems. @param runs one per system */
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

/** Overrides for equal rows. @param runs one per system; impossible runs are left out */
export async function sameRows(runs: Iterable<() => RunSpec>): Promise<readonly Override[]> {
  const counts = new Set<boolean>();
  for (const make of runs) {
    const run = orUserError(make);
    if (run instanceof UserError || run.workload.holdOut !== undefined || run.trace.includes('synthetic')) continue;
    // A module's error is reported with its run.
    const counting = await countsOnTrace(run).catch(userErrorOf);
    if (!(counting instanceof UserError)) counts.add(counting);
    if (counts.size > 1) return [{ path: ['workload', 'holdOut'], value: `${HELD_OUT * 100}%`, label: 'what is held out' }];
  }
  return [];
}

/** First cell of each distinct system. @param paths of a cell's values */
export function bySystem<T>(cells: Iterable<readonly T[]>, paths: readonly string[]): (readonly T[])[] {
  const ofSystem = paths.flatMap((path, at) => (/^system(\.|$)/.test(path) ? [at] : []));
  // Never holds all cells.
  const first = new Map<string, readonly T[]>();
  for (const cell of cells) {
    const key = JSON.stringify(ofSystem.map((at) => cell[at]));
    if (!first.has(key)) first.set(key, cell);
  }
  return [...first.values()];
}
