// Paths of a run's modules: a relative one starts at the folder of its file, or, in a flag, at the working directory.
import { cwd } from '../base/host/process.js';
import { locatedChoice } from '../base/user-module.js';
import type { Override } from '../base/yaml.js';
import { placeIn, type RunSpec } from './run.js';

/** The same run with absolute paths of modules. `systemFolder`: folder of the file that defines the system. */
export function withLocatedModules(run: RunSpec, systemFolder: string, overrides: readonly Override[]): RunSpec {
  const { folder, system, variants } = run;
  const { cache, dram, predictor, scheduler } = system;
  const choices = [cache.policy, dram.policy, predictor.kind, scheduler.kind, ...(variants ?? [])];
  // The system stays the same object, so that facts kept about it hold for all cells of a study.
  if (choices.every(({ path }) => path === undefined)) return run;
  const located = <C extends { readonly path?: string }>(choice: C, path: string, own: string): C => {
    const place = placeIn(run, path);
    return locatedChoice(choice, overrides.some(({ label }) => label === place) ? cwd() : own);
  };
  return {
    ...run,
    ...(variants === undefined ? {} : { variants: variants.map((variant, i) => located(variant, `variants.${i}`, folder)) }),
    system: {
      ...system,
      cache: { ...cache, policy: located(cache.policy, 'system.cache.policy', systemFolder) },
      dram: { ...dram, policy: located(dram.policy, 'system.dram.policy', systemFolder) },
      predictor: { ...predictor, kind: located(predictor.kind, 'system.predictor.kind', systemFolder) },
      scheduler: { ...scheduler, kind: located(scheduler.kind, 'system.scheduler.kind', systemFolder) },
    },
  };
}
