// L23: equal inputs, build and seed give equal fingerprints on every machine, so nothing runs twice.
import { realpathSync } from '../base/host/files.js';
import { newSha256 } from '../base/host/hash.js';
import { join, resolve } from '../base/host/paths.js';
import { listFolder, statOf, withInput } from '../base/input-file.js';
import { findProfile, isPath, type ProfileFamily, splitRows } from '../base/profiles.js';
import { meantModel, SHAPE } from '../model/door.js';
import { CanonicalText, canonicalJson, hashOfValue } from '../result/digest.js';
import type { RunSpec, SystemSpec } from '../system/door.js';
import { buildOf } from './build.js';

const PROFILES: readonly (readonly [field: 'model' | 'hardware' | 'runtime', family: ProfileFamily])[] = [
  ['model', 'models'],
  ['hardware', 'hardware'],
  ['runtime', 'runtimes'],
];

/** Identity, with absolute paths named in the run, existing or not. */
export interface RunIdentity {
  /** SHA-256, hex, over values, file contents and build; places, file names and descriptions do not count. */
  readonly fingerprint: string;
  readonly read: readonly string[];
  readonly modules: readonly string[];
}

/** @param contents of the named files */
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
    return name === undefined || isPath(name) || name.startsWith(SHAPE)
      ? []
      : [contentOf(bundledPath(family, name)?.replace(/#[^/\\]+$/, '') ?? null)];
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

/** Fingerprint text of systems without files, shared by cells. */
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

/** Absolute paths of the user's modules in a run. */
export function ownModulesOf(run: RunSpec): string[] {
  const { folder, traceFormat } = run;
  const formats = traceFormat !== undefined && isPath(traceFormat) ? [traceFormat] : [];
  return [...new Set([...choicesOf(run), ...formats].map((path) => resolve(folder, path)))];
}

function choicesOf({ system, variants = [] }: RunSpec): string[] {
  const choices = [system.cache.policy, system.dram.policy, system.predictor.kind, system.scheduler.kind, ...variants];
  return choices.flatMap(({ path }) => path ?? []);
}

/** Bundled model of a repository's name; opening the model refuses a wrong name. */
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

/** Path of a bundled profile; null: a composed name, or no profile. */
function bundledPath(family: ProfileFamily, name: string): string | null {
  try {
    return findProfile(family, name);
  } catch {
    return null;
  }
}

/** Content instead of a path; null: the path itself. */
type ContentOf = (path: string) => string | null;

/** Canonical JSON of an `asWritten` value, with file contents instead of paths. */
const canonicalText = (value: unknown, folder: string, content: ContentOf): string =>
  canonicalJson(value, (item) => {
    if (typeof item === 'string') return contentsIn(item, folder, content);
    if (typeof item !== 'object' || item === null || Array.isArray(item) || item instanceof CanonicalText) return item;
    if ('text' in item && typeof item.text === 'string') return contentsIn(item.text, folder, content);
    return 'written' in item ? new CanonicalText(canonicalText(item.written, folder, content)) : item;
  });

/** A path, or paths after `file=` among parameters; rows after a path stay. */
function contentsIn(text: string, folder: string, content: ContentOf): string {
  const { path, rows } = splitRows(text);
  const whole = isPath(path) ? content(resolve(folder, path)) : null;
  if (whole !== null) return `${whole}${rows}`;
  return text.replace(/(?<==)[^,;=]+/g, (part) => (isPath(part) ? (content(resolve(folder, part)) ?? part) : part));
}

/** Hashes of unchanged files, by path. */
const HASHES = new Map<string, { readonly state: string; readonly hash: string }>();

/** `sha256:` and hex of a file, or of all files of a folder; null: neither exists. */
export function contentOf(path: string | null, within: readonly string[] = []): string | null {
  const stat = path === null ? null : statOf(path);
  if (path === null || stat === null) return null;
  if (stat.isDirectory()) {
    // A link to a parent folder leads in a circle.
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

/** Content of a folder from its entries, by name. */
export const contentOfFolder = (names: readonly string[], contentIn: ContentOf): string =>
  sha256(
    [...names]
      .sort()
      .map((name) => `${name} ${contentIn(name)}\n`)
      .join(''),
  );

/** Bytes per read, since recordings exceed memory; ours. */
const CHUNK = 2 ** 20;

function hashOfFile(path: string): string {
  const hash = newSha256();
  withInput(path, 'trace', (file) => {
    for (let at = 0; at < file.bytes; at += CHUNK) hash.update(file.part(at, CHUNK));
  });
  return `sha256:${hash.digest('hex')}`;
}

const sha256 = (text: string): string => `sha256:${newSha256().update(text).digest('hex')}`;
