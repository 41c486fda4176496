import { UserError } from '../base/errors.js';
import { existsSync } from '../base/host/files.js';
import { basename, join, relative } from '../base/host/paths.js';
import { filesBelow } from '../base/input-file.js';

/** Folder of baselines in the working directory. */
export const BASELINES = join('.moeprof', 'baselines');

/** Budgets of `moeprof init` and `moeprof compare`. */
export const BUDGETS = 'moeprof/budgets.yaml';

/** Budget file in the working directory, else in a candidate's folder; null: not found. */
export function budgetFile(candidates: readonly string[]): string | null {
  const around = candidates.flatMap((path) => /^(?:(.*)[\\/])?moeprof[\\/]runs(?:[\\/]|$)/.exec(path)?.[1] ?? []);
  return ['.', ...around].map((folder) => join(folder, BUDGETS)).find((path) => existsSync(path)) ?? null;
}

const ENDING = /(@\d+)?\.(json|ya?ml)$/i;

/** Path without extension and repeat number. */
const scenarioOf = (path: string): string => path.replace(ENDING, '');

/** Scenario of a lone file, by its base name. */
export const scenarioOfFile = (path: string): string => scenarioOf(basename(path));

/** Results of a folder, or else run profiles. @param names all files below @throws UserError */
export function scenarioFiles(names: readonly string[], folder: string): { readonly scenario: string; readonly name: string }[] {
  const visible = names.filter((name) => !name.split('/').some((part) => part.startsWith('.')));
  const results = visible.filter((name) => /\.json$/i.test(name));
  const profiles = visible.filter((name) => /\.ya?ml$/i.test(name));
  if (results.length > 0 && profiles.length > 0)
    throw new UserError(`${folder}: holds results (${results[0]}) and run profiles (${profiles[0]}); keep them in folders of their own`);
  const files = results.length > 0 ? results : profiles;
  if (files.length === 0) throw new UserError(`${folder}: holds no results (*.json) and no run profiles (*.yaml)`);
  return [...files].sort().map((name) => ({ scenario: scenarioOf(name), name }));
}

/** Relative paths with forward slashes. */
export const namesBelow = (folder: string): string[] => filesBelow(folder).map((path) => relative(folder, path).replaceAll('\\', '/'));
