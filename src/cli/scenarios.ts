import { UserError } from '../base/errors.js';
import { existsSync } from '../base/host/files.js';
import { basename, join, relative } from '../base/host/paths.js';
import { filesBelow } from '../base/input-file.js';

/** Folder of `moeprof baseline`, in the working directory. */
export const BASELINES = join('.moeprof', 'baselines');

/** Budgets that `moeprof init` writes beside its runs, and `moeprof compare` reads unless others are given. */
export const BUDGETS = 'moeprof/budgets.yaml';

/** The budget file of `moeprof init`: of the working directory, else of the folder that a candidate is in; null: there is none. */
export function budgetFile(candidates: readonly string[]): string | null {
  const around = candidates.flatMap((path) => /^(?:(.*)[\\/])?moeprof[\\/]runs(?:[\\/]|$)/.exec(path)?.[1] ?? []);
  return ['.', ...around].map((folder) => join(folder, BUDGETS)).find((path) => existsSync(path)) ?? null;
}

const ENDING = /(@\d+)?\.(json|ya?ml)$/i;

/** The scenario of a file: its path without the ending, and without the number of a repeat. */
const scenarioOf = (path: string): string => path.replace(ENDING, '');

/** The scenario of a file that stands alone, whatever folder it is in. */
export const scenarioOfFile = (path: string): string => scenarioOf(basename(path));

/** The files of a folder that are results or else run profiles, with their paths in it. @param names all files below @throws UserError */
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

/** All files below a folder by their paths in it, forward slashes. */
export const namesBelow = (folder: string): string[] => filesBelow(folder).map((path) => relative(folder, path).replaceAll('\\', '/'));
