// Trust in files that name code: none, unless the user trusts them. A profile may come from a stranger, and a module can do anything.
import { UserError } from '../base/errors.js';
import { moduleChoice } from '../base/user-module.js';
import type { Override } from '../base/yaml.js';
import { placeIn, type RunSpec } from './run.js';

/**
 * Checks that no file of a run names a module. Overrides may, and so may the caller's own value.
 * @returns the same run
 * @throws UserError with the place of the module's name
 */
export function withoutCode(run: RunSpec, overrides: readonly Override[]): RunSpec {
  const { system, traceFormat, variants = [] } = run;
  const parts: readonly (readonly [path: string, module: string | undefined, flag: string])[] = [
    ['system.cache.policy', moduleOf(system.cache.policy), '--policy'],
    ['system.dram.policy', moduleOf(system.dram.policy), '--set system.dram.policy=...'],
    ['system.predictor.kind', moduleOf(system.predictor.kind), '--predictor'],
    ['system.scheduler.kind', moduleOf(system.scheduler.kind), '--scheduler'],
    ...variants.map((variant, i) => [`variants.${i}`, moduleOf(variant), '--variant'] as const),
    ['traceFormat', traceFormat === undefined ? undefined : moduleChoice('trace format', traceFormat)?.name, '--trace-format'],
  ];
  for (const [path, module, flag] of parts) {
    if (module === undefined) continue;
    const place = placeIn(run, path);
    if (place === run.label || overrides.some(({ fromFile, label }) => label === place && fromFile !== true)) continue;
    const shown = path.replace(/\.(kind|\d+)$/, '');
    throw new UserError(
      `${place}: ${shown}: ${module} is code, which no file may run; name it with ${flag}, or trust the file with --allow-code`,
    );
  }
  return run;
}

/** The module of a choice, as written; undefined: the choice is built in. */
function moduleOf({ name, path }: { readonly name: string; readonly path?: string }): string | undefined {
  return path === undefined ? undefined : name;
}
