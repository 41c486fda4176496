// Runs that are compared stand on one footing (L26): the same rows, under one runtime, as constants were fitted on some of the systems.
import { orUserError, UserError } from '../../base/errors.js';
import type { Override } from '../../base/yaml.js';
import { type RunSpec, runtimeNamed } from '../../system/door.js';
import { sameRows } from './same-rows.js';

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
