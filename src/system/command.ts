import { isAbsolute, sep } from '../base/host/paths.js';
import { cwd } from '../base/host/process.js';
import { byName } from '../base/objects.js';
import { POSIX } from '../base/shell.js';
import { flagValue, type Override } from '../base/yaml.js';
import type { Result } from '../result/result.js';
import type { RunInput } from './run.js';

/** Flags of `moeprof run` that replace `--set`, by path of the value. */
const FLAGS = byName<string>({
  model: '-m',
  quantization: '--quantization',
  trace: '-t',
  hardware: '-w',
  runtime: '--runtime',
  system: '-s',
  'memory.expertCache': '--cache',
  'system.cache.policy': '--policy',
  'system.cache.scope': '--scope',
  'workload.batch': '--batch',
  'workload.tokens': '--tokens',
  seed: '--seed',
});
/** Without a profile and without these values, `moeprof run` is the quick start. */
const NAMES = ['model', 'hardware', 'system', 'trace'];
/** The profile of a bare `moeprof run`. */
export const QUICK_START = 'quickstart';
/** Schema defaults for unset values. */
const DEFAULT_MACHINE = ['-w', 'rtx-4090'];
const DEFAULT_SYSTEM = ['-s', 'on-demand-lru'];

/** Inputs of a run on a command line. */
export interface RunCommand {
  readonly profile?: string;
  readonly overrides: readonly Override[];
  /** True: files may name modules. */
  readonly allowCode?: boolean;
  /** Timings that taught the machine, as given. */
  readonly timings?: readonly string[];
}

/** The command line that repeats a run, from the settings. */
export function repeatCommand({ allowCode = false, overrides, profile, timings = [] }: RunCommand): string {
  const last = lastOf(overrides);
  const flags: string[] = [];
  const sets: string[] = [];
  const named = new Set<string>();
  for (const [path, { amend, value }] of last) {
    const words = flagOf(path, value, amend !== undefined);
    if (words === null) sets.push('--set', `${path}=${yamlOf(value)}`);
    else {
      flags.push(...words);
      named.add(path);
    }
  }
  const unnamed = profile === undefined && overrides.length > 0 && !NAMES.some((name) => named.has(name));
  // A flag wins over --set, so avoid flags for values in --set.
  const names = !unnamed ? [] : last.has('hardware') ? DEFAULT_SYSTEM : DEFAULT_MACHINE;
  const code = allowCode ? ['--allow-code'] : [];
  return [
    'moeprof',
    'run',
    ...(profile === undefined || (profile === QUICK_START && overrides.length === 0) ? [] : [fromHere(profile)]),
    ...names,
    ...flags,
    ...sets,
    ...code,
    ...timings.flatMap((timing) => ['--timing', timing]),
  ]
    .map(POSIX.quoted)
    .join(' ');
}

/** Last override of each path: a part set before the whole would be lost. */
function lastOf(overrides: readonly Override[]): Map<string, Override> {
  const last = new Map<string, Override>();
  for (const override of overrides) {
    const path = override.path.join('.');
    last.delete(path);
    last.set(path, override);
  }
  return last;
}

function fromHere(word: string): string {
  const here = `${cwd()}${sep}`;
  return isAbsolute(word) && word.startsWith(here) ? `.${sep}${word.slice(here.length)}` : word;
}

/** @param more overrides of the input */
export function commandOfInput(input: RunInput, more: readonly Override[] = []): RunCommand {
  const given = Object.entries(input).flatMap(([key, value]): Override[] => {
    const whole: readonly (readonly [path: string[], value: unknown])[] =
      key === 'memory' || key === 'workload'
        ? Object.entries(value as object).map(([inner, item]) => [[key, inner], item])
        : [[[key], value]];
    return whole.flatMap(([path, item]) => (item === undefined ? [] : [{ path, value: item, label: key }]));
  });
  const overrides = [...given, ...more];
  return {
    profile: undefined,
    overrides: overrides.length > 0 ? overrides : [{ path: ['hardware'], value: 'rtx-4090', label: 'hardware' }],
  };
}

/** Adds the repeating command to a result. */
export function repeatable(result: Result, given: RunCommand): Result {
  return { ...result, environment: { ...result.environment, command: repeatCommand(given) } };
}

/** Null: use `--set`. @param amends true: amends the old value, as in `--predictor` */
function flagOf(path: string, value: unknown, amends: boolean): string[] | null {
  if (path === 'system.predictor' && amends && isWord(value)) return ['--predictor', fromHere(String(value))];
  const flag = FLAGS[path];
  if (flag === undefined) return null;
  const values = path === 'trace' && Array.isArray(value) ? value : [value];
  return values.every(isWord) ? values.flatMap((word) => [flag, fromHere(String(word))]) : null;
}

/** True if a flag takes the value unchanged; commas would mean several runs. */
const isWord = (value: unknown): value is string | number =>
  typeof value === 'number' ? value >= 0 : typeof value === 'string' && value !== '' && !/^-.|,/.test(value);

function yamlOf(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  try {
    return flagValue(value) === value && value.trim() === value ? value : JSON.stringify(value);
  } catch {
    return JSON.stringify(value);
  }
}
