// Places of profiles: names of bundled profiles, paths of user files.
import { UserError } from './errors.js';
import { entriesIn, existsSync, fileText, readdirSync } from './host/files.js';
import { PACKAGE_FOLDER } from './host/modules.js';
import { isAbsolute, type PathRules, relative, resolve, sep } from './host/paths.js';
import { cwd } from './host/process.js';
import { remembered } from './objects.js';
import { didYouMean, nearest } from './text.js';

/** Family of profiles: a folder of `profiles/`. */
export type ProfileFamily = 'models' | 'hardware' | 'runtimes' | 'systems' | 'runs' | 'traces' | 'measurements' | 'reproductions';

const BUNDLED = resolve(PACKAGE_FOLDER, 'profiles');

const SINGULAR: Readonly<Record<ProfileFamily, string>> = {
  models: 'model',
  hardware: 'hardware profile',
  runtimes: 'runtime',
  systems: 'system',
  runs: 'run profile',
  traces: 'bundled trace',
  measurements: 'bundled file of measurements',
  reproductions: 'bundled paper',
};

const ENDINGS: Readonly<Partial<Record<ProfileFamily, string>>> = { traces: '', measurements: '.jsonl' };

const FILE = /\.(ya?ml|json|jsonl|csv|gguf|safetensors|npy|npz|pt|bin|parquet|gz|zst|[mc]?[jt]s)$/i;

/** Absolute path of a bundled file outside families, by name in `profiles/`. */
export const bundledFile = (name: string): string => resolve(BUNDLED, name);

/** Text of a {@link bundledFile}. */
export const bundledText = (name: string): string => fileText(bundledFile(name));

/** Names of a family's bundled profiles, sorted. */
export const listProfiles = (family: ProfileFamily): string[] => [...bundled(family).keys()].sort();

/** Splits a trace's name, `path#FROM:TO`. @returns rows: as written, with the `#`; empty: all */
export function splitRows(named: string): { readonly path: string; readonly rows: string } {
  const path = named.replace(/(?<=.)#\d*:\d*$/, '');
  return { path, rows: named.slice(path.length) };
}

/** True for a trace from standard input, readable only once. */
export const isStdin = (named: string): boolean => splitRows(named).path === '-';

/** A separator or a file ending, instead of a bundled name. */
export function isPath(nameOrPath: string): boolean {
  const { path } = splitRows(nameOrPath);
  return /[/\\]/.test(path) || FILE.test(path) || path === '.' || path === '..';
}

const PARTS =
  'name its parts, e.g. rtx-3060+32GB, apple-m4-max+64GB, or ryzen-9-7950x+64GB where there is no card; all are in moeprof profiles list gpu, cpu, hardware';

const EXPERTS =
  'models are of experts (MoE), e.g. gpt-oss-20b; all bundled ones are in moeprof profiles list model, others are hf:owner/repo or a GGUF file';

const MEMORY = /^(?:.*[\s,])?\d+\s*[GT]i?B(?:\s.*)?$/i;

const FLAGS: Readonly<Partial<Record<ProfileFamily, string>>> = { models: '-m', hardware: '-w', systems: '-s', traces: '-t' };

/** Absolute, perhaps nonexistent. @param others further names @throws UserError if unknown */
export function findProfile(
  family: ProfileFamily,
  nameOrPath: string,
  relativeTo: string = cwd(),
  others: () => readonly string[] = () => [],
): string {
  if (isPath(nameOrPath)) return resolve(relativeTo, nameOrPath);
  if (family === 'traces') {
    const { path, rows } = splitRows(nameOrPath);
    if (rows !== '') return `${path === '-' ? path : findProfile(family, path, relativeTo, others)}${rows}`;
  }
  if (family === 'traces' && /^\d+$/.test(nameOrPath)) throw new UserError(`-t ${nameOrPath}: -t names a trace; leave threads out`);
  const files = bundled(family);
  const found = files.get(nameOrPath);
  if (found !== undefined) return found;
  // Bundled names are suggested only if near.
  const near = nameOrPath === '' ? [] : nearest(nameOrPath, [...files.keys(), ...others()]);
  const hint = didYouMean(nameOrPath, near.length > 0 ? near : files.keys());
  const list = ` (a file needs its path, e.g. ./${nameOrPath || 'my'}${ENDINGS[family] ?? '.yaml'})`;
  if (MEMORY.test(nameOrPath))
    throw new UserError(`unknown ${SINGULAR[family]} "${nameOrPath}": parts of a machine are joined by +: -w rtx-3060+32GB`);
  if (nameOrPath !== '' && existsSync(resolve(relativeTo, nameOrPath)))
    throw new UserError(
      `unknown ${SINGULAR[family]} "${nameOrPath}": ${near.length > 0 ? `${hint}; ` : ''}what is in the folder needs its path: ./${nameOrPath}`,
    );
  if (family === 'hardware' && near.length === 0) throw new UserError(`unknown hardware profile "${nameOrPath}": ${PARTS}${list}`);
  const flag = Object.entries(FLAGS).find(([other]) => other !== family && bundled(other as ProfileFamily).has(nameOrPath))?.[1];
  if (flag !== undefined) throw new UserError(`unknown ${SINGULAR[family]} "${nameOrPath}": it is named with ${flag} ${nameOrPath}`);
  if (family === 'models' && near.length === 0) throw new UserError(`unknown model "${nameOrPath}": ${EXPERTS}${list}`);
  const all = hint.endsWith(' more') ? `, all in moeprof profiles list ${family.replace(/s$/, '')}` : '';
  throw new UserError(`unknown ${SINGULAR[family]} "${nameOrPath}": ${hint}${all}${list}`);
}

/** Files of a catalogue of parts, sorted. */
export function catalogueFiles(kind: 'gpus' | 'cpus'): string[] {
  const folder = resolve(BUNDLED, 'hardware', kind);
  return readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => resolve(folder, name));
}

/** Path in messages: relative below the working directory; `profiles/...` if bundled. */
export function shownPath(
  path: string,
  from = cwd(),
  rules: Pick<PathRules, 'relative' | 'isAbsolute'> = { relative, isAbsolute },
): string {
  if (path.startsWith(BUNDLED + sep)) return `profiles${path.slice(BUNDLED.length).replaceAll(sep, '/')}`;
  const inside = rules.relative(from, path);
  return inside === '' || inside.startsWith('..') || rules.isAbsolute(inside) ? path : inside;
}

/** A trace, or part of a trace (`80 % of PATH`, `PATH#0:99`), in reports: by name if bundled. */
export function shownTrace(path: string): string {
  for (const [name, file] of bundled('traces')) if (path.includes(file)) return path.replace(file, () => name);
  return path;
}

const LISTED = new Map<ProfileFamily, ReadonlyMap<string, string>>();

const bundled = (family: ProfileFamily): ReadonlyMap<string, string> =>
  remembered(LISTED, family, () => {
    const folder = resolve(BUNDLED, family);
    const ending = family === 'traces' || family === 'measurements' ? FILE : /\.ya?ml$/;
    const files = entriesIn(folder).filter((entry) => entry.isFile() && ending.test(entry.name));
    const found = files.map((entry): [string, string] => [entry.name.replace(ending, ''), resolve(folder, entry.name)]);
    return new Map([...found, ...[...rowsOf(family).keys()].map((name): [string, string] => [name, `${resolve(folder, TABLE)}#${name}`])]);
  });

/** Table of a family: a row a profile, its name first. */
const TABLE = 'table.txt';

const ROWS = new Map<ProfileFamily, ReadonlyMap<string, string>>();

const rowsOf = (family: ProfileFamily): ReadonlyMap<string, string> =>
  remembered(ROWS, family, () => {
    const path = resolve(BUNDLED, family, TABLE);
    const lines = existsSync(path) ? fileText(path).split('\n') : [];
    return new Map(lines.filter((line) => /^\w/.test(line)).map((line) => [/^\S+/.exec(line)![0], line]));
  });

/** A row of a family's table, by the place that {@link findProfile} gives it; null: a file. */
export function tableRow(path: string): { readonly name: string; readonly text: string } | null {
  const [, family, name] = /([a-z]+)[/\\]table\.txt#([^/\\]+)$/.exec(path) ?? [];
  const text = path.startsWith(BUNDLED + sep) && name !== undefined ? rowsOf(family as ProfileFamily).get(name) : undefined;
  return text === undefined ? null : { name: name!, text };
}
