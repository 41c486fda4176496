import { placed, UserError } from '../base/errors.js';
import { dirname } from '../base/host/paths.js';
import { cwd } from '../base/host/process.js';
import { readText } from '../base/input-file.js';
import { remembered } from '../base/objects.js';
import { findProfile, shownPath } from '../base/profiles.js';
import { locatedChoice, moduleChoice } from '../base/user-module.js';
import { type Located, locateValue, locateYaml, type Override, type Places } from '../base/yaml.js';
import { misfitOfCopies } from './copies.js';
import { withCopies } from './miss-rules.js';
import { misfit, placeIn, type RunSpec } from './run.js';
import { type RunProfile, runSchema } from './run-schema.js';
import { loadSystem, SHORTHANDS, type SystemSpec, systemSchema } from './system.js';

/**
 * @param overrides also below `model`, `hardware`, `runtime`, `system` @param allowCode true: files may name modules
 * @throws UserError
 */
export function loadRun(nameOrPath: string, overrides: readonly Override[] = [], allowCode = false): RunSpec {
  const path = findProfile('runs', nameOrPath);
  const label = shownPath(path);
  const run = specOf(label, dirname(path), overrides, (inner) => locateYaml(readText(path), label, runSchema, inner));
  return allowCode ? run : withoutCode(run, overrides);
}

/** A run without a file. @param label for messages @param allowCode as in {@link loadRun} @throws UserError */
export function checkRun(input: unknown, label: string, overrides: readonly Override[] = [], allowCode = false): RunSpec {
  const run = specOf(label, cwd(), overrides, (inner) => locateValue(input, label, runSchema, inner));
  return allowCode ? run : withoutCode(run, overrides);
}

function specOf(
  label: string,
  folder: string,
  overrides: readonly Override[],
  locate: (own: readonly Override[]) => Located<RunProfile>,
): RunSpec {
  const within = (root: string): Override[] =>
    overrides.filter(({ path }) => path[0] === root && path.length > 1).map((given) => ({ ...given, path: given.path.slice(1) }));
  const inner = { model: within('model'), hardware: within('hardware'), runtime: within('runtime') };
  // Short text parts become mappings when an inner value is set.
  const ofSystem = within('system').map((override) => ({ ...override, shorthand: SHORTHANDS[override.path[0]!] }));
  const isOutside = (root: string): boolean => root === 'system' || Object.hasOwn(inner, root);
  const located = locate(overrides.filter(({ path }) => path.length === 1 || !isOutside(path[0]!)));
  const system = systemOf(located, folder, ofSystem);
  const places = { ...located.places, ...belowSystem(system.places) };
  const { workload } = located.value;
  const speculation = workload.speculation ?? system.value.speculation;
  const drafted = speculation === undefined ? workload : { ...workload, speculation };
  const run = {
    ...located.value,
    workload: drafted,
    system: withClassCopies(system.value, workload),
    label,
    places,
    folder,
    overrides: inner,
  };
  const message = misfitOfCopies(run.system);
  if (message !== null) throw misfit(run, 'system.cache.copies', message);
  return withLocatedModules(run, system.folder, overrides);
}

const BELOW_SYSTEM = new WeakMap<Places, Places>();

/** Cached: cells of a study share systems. */
const belowSystem = (places: Places): Places =>
  remembered(BELOW_SYSTEM, places, () => Object.fromEntries(Object.entries(places).map(([path, place]) => [`system.${path}`, place])));

/** Adds rules for classes that accept copies. */
function withClassCopies(system: SystemSpec, { classes = {} }: RunProfile['workload']): SystemSpec {
  const shares = Object.values(classes).flatMap(({ budget: { copy } }) => (copy < 1 ? [copy] : []));
  return shares.length === 0 ? system : { ...system, onMiss: withCopies(system.onMiss, shares) };
}

function systemOf(
  run: Located<RunProfile>,
  folder: string,
  overrides: readonly Override[],
): Located<SystemSpec> & { readonly folder: string } {
  const { system } = run.value;
  if (typeof system !== 'string') return { ...run.part(['system'], systemSchema, overrides), folder };
  const path = placed(`${run.place('system')}: system`, () => findProfile('systems', system, folder));
  return { ...loadSystem(path, folder, overrides), folder: dirname(path) };
}

/**
 * Makes module paths absolute, from the file's or (flags) the working folder. @param systemFolder of the system's file
 */
function withLocatedModules(run: RunSpec, systemFolder: string, overrides: readonly Override[]): RunSpec {
  const { folder, system, variants } = run;
  const { cache, dram, predictor, scheduler } = system;
  const choices = [cache.policy, dram.policy, predictor.kind, scheduler.kind, ...(variants ?? [])];
  // Keeps the system's identity for facts cached by system.
  if (choices.every(({ path }) => path === undefined)) return run;
  const located = <C extends { readonly path?: string }>(choice: C, path: string, folder: string): C => {
    const place = placeIn(run, path);
    return locatedChoice(choice, overrides.some(({ label }) => label === place) ? cwd() : folder);
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

/** Refuses modules named in files, which may be a stranger's. @throws UserError with the place */
function withoutCode(run: RunSpec, overrides: readonly Override[]): RunSpec {
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

const moduleOf = ({ name, path }: { readonly name: string; readonly path?: string }): string | undefined =>
  path === undefined ? undefined : name;
