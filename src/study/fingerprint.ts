// The fingerprint of a run (L23): the same inputs, build and seed have the same one on every machine, so that nothing is run twice.
import { realpathSync } from '../base/host/files.js';
import { newSha256 } from '../base/host/hash.js';
import { join, resolve } from '../base/host/paths.js';
import { listFolder, statOf, withInput } from '../base/input-file.js';
import { findProfile, isPath, type ProfileFamily, splitRows } from '../base/profiles.js';
import { meantModel, SHAPE } from '../model/door.js';
import { CanonicalText, canonicalJson, hashOfValue } from '../result/digest.js';
import type { RunSpec, SystemSpec } from '../system/door.js';
import { buildOf } from './build.js';

/** Profiles that a run names, and the family of each. Its system is part of it already. */
const PROFILES: readonly (readonly [field: 'model' | 'hardware' | 'runtime', family: ProfileFamily])[] = [
  ['model', 'models'],
  ['hardware', 'hardware'],
  ['runtime', 'runtimes'],
];

/** The identity of a run, and the absolute paths that it names, whether they exist or not. */
export interface RunIdentity {
  /** SHA-256, in hex, over the values of a run, the contents of its files, and the build; places, file names and descriptions do not count. */
  readonly fingerprint: string;
  readonly read: readonly string[];
  readonly modules: readonly string[];
}

/** The identity of a run. @param contents of the files that it names */
export function runIdentity(run: RunSpec, contents: ContentOf = contentOf): RunIdentity {
  const { folder } = run;
  const read = new Set<string>();
  const content: ContentOf = (path) => {
    read.add(path);
    return contents(path);
  };
  const text = new CanonicalText(canonicalText({ ...fieldsOfRun(run), system: systemText(run, content) }, folder, content));
  const named = PROFILES.flatMap(([field, family]) => {
    const given = run[field];
    const name = given !== undefined && field === 'model' ? modelName(given, folder) : given;
    return name === undefined || isPath(name) || name.startsWith(SHAPE) ? [] : [contentOf(bundledPath(family, name))];
  });
  const code = choicesOf(run);
  const fingerprint = hashOfValue({
    build: buildOf(),
    run: text,
    profiles: named,
    ...(code.length === 0 ? {} : { modules: code.map((path) => contents(path)) }),
  });
  const modules = ownModulesOf(run);
  for (const module of modules) read.delete(module);
  return { fingerprint, read: [...read], modules };
}

/** {@link RunIdentity.fingerprint} alone. */
export const fingerprintOf = (run: RunSpec): string => runIdentity(run).fingerprint;

function fieldsOfRun(run: RunSpec): object {
  const { folder: _folder, label: _label, note: _note, places: _places, system: _system, ...values } = run;
  return { ...values, budgets: [], overrides: overridesOf(run) };
}

/** Systems that name no files, in the form that fingerprints use: cells of a study share them. */
const SYSTEMS = new WeakMap<SystemSpec, CanonicalText>();

function systemText({ folder, system: whole }: RunSpec, content: ContentOf): CanonicalText {
  const known = SYSTEMS.get(whole);
  if (known !== undefined) return known;
  const { cites: _cites, simplifies: _simplifies, ...system } = whole;
  let names = 0;
  const counted: ContentOf = (path) => {
    names++;
    return content(path);
  };
  const text = new CanonicalText(canonicalText(system, folder, counted));
  if (names === 0) SYSTEMS.set(whole, text);
  return text;
}

/** Absolute paths of the modules of the user's own that a run names. */
export function ownModulesOf(run: RunSpec): string[] {
  const { folder, traceFormat } = run;
  const formats = traceFormat !== undefined && isPath(traceFormat) ? [traceFormat] : [];
  return [...new Set([...choicesOf(run), ...formats].map((path) => resolve(folder, path)))];
}

/** Modules of its choices, from the root; that of a trace format stands in it as a path already. */
function choicesOf({ system, variants = [] }: RunSpec): string[] {
  const choices = [system.cache.policy, system.dram.policy, system.predictor.kind, system.scheduler.kind, ...variants];
  return choices.flatMap(({ path }) => path ?? []);
}

/** The bundled model of a repository's name; a wrong name is refused when it is opened. */
function modelName(given: string, folder: string): string {
  try {
    return meantModel(given, folder).name;
  } catch {
    return given;
  }
}

const overridesOf = ({ overrides }: RunSpec): unknown =>
  Object.fromEntries(
    Object.entries(overrides).map(([root, list]) => [root, list.map(({ path, value }) => ({ path: path.join('.'), value }))]),
  );

/** Path of a bundled profile; null: the name is composed of parts, or names no profile. */
function bundledPath(family: ProfileFamily, name: string): string | null {
  try {
    return findProfile(family, name);
  } catch {
    return null;
  }
}

/** The content in the place of a path; null: the path itself. */
type ContentOf = (path: string) => string | null;

/** Canonical JSON of a value that `asWritten` gave, with the content of a file instead of each path. */
const canonicalText = (value: unknown, folder: string, content: ContentOf): string =>
  canonicalJson(value, (item) => {
    if (typeof item === 'string') return contentsIn(item, folder, content);
    if (typeof item !== 'object' || item === null || Array.isArray(item) || item instanceof CanonicalText) return item;
    if ('text' in item && typeof item.text === 'string') return contentsIn(item.text, folder, content);
    return 'written' in item ? new CanonicalText(canonicalText(item.written, folder, content)) : item;
  });

/** The contents that a text names: of a path, perhaps with rows after it, or of one after `file=` among its parameters. */
function contentsIn(text: string, folder: string, content: ContentOf): string {
  const { path, rows } = splitRows(text);
  const whole = isPath(path) ? content(resolve(folder, path)) : null;
  if (whole !== null) return `${whole}${rows}`;
  return text.replace(/(?<==)[^,;=]+/g, (part) => (isPath(part) ? (content(resolve(folder, part)) ?? part) : part));
}

/** Hashes of files by path, valid while a file does not change. */
const HASHES = new Map<string, { readonly state: string; readonly hash: string }>();

/** `sha256:` and hex, of a file, or of all files of a folder; null: there is neither. */
export function contentOf(path: string | null, within: readonly string[] = []): string | null {
  const stat = path === null ? undefined : statOf(path);
  if (path === null || stat === undefined) return null;
  if (stat.isDirectory()) {
    // A link to a folder around it leads in a circle.
    const real = realpathSync(path);
    if (within.includes(real)) return null;
    return contentOfFolder(listFolder(path), (name) => contentOf(join(path, name), [...within, real]));
  }
  if (!stat.isFile()) return null;
  const state = `${stat.size} ${stat.mtimeMs} ${stat.ino}`;
  const known = HASHES.get(path);
  if (known?.state === state) return known.hash;
  const hash = hashOfFile(path);
  HASHES.set(path, { state, hash });
  return hash;
}

/** The content of a folder from those of what is in it, by name. */
export const contentOfFolder = (names: readonly string[], contentIn: ContentOf): string =>
  sha256(
    [...names]
      .sort()
      .map((name) => `${name} ${contentIn(name)}\n`)
      .join(''),
  );

/** Bytes that are read at a time: recordings are larger than memory is meant to be. */
const CHUNK = 2 ** 20;

function hashOfFile(path: string): string {
  const hash = newSha256();
  withInput(path, 'trace', (file) => {
    for (let at = 0; at < file.bytes; at += CHUNK) hash.update(file.part(at, CHUNK));
  });
  return `sha256:${hash.digest('hex')}`;
}

const sha256 = (text: string): string => `sha256:${newSha256().update(text).digest('hex')}`;
