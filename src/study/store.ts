import { messageOf, orUserError, UserError } from '../base/errors.js';
import { AtomicFile, attempt, makeFolder, whatStands, writeFileAtomic } from '../base/files.js';
import { bytesOf } from '../base/host/bytes.js';
import { existsSync, type FileStat, unlinkSync } from '../base/host/files.js';
import { newSha256 } from '../base/host/hash.js';
import { dirname, join } from '../base/host/paths.js';
import { isFolder, listFolder, readText, statOf } from '../base/input-file.js';
import { isObject } from '../base/objects.js';
import { pasted } from '../base/shell.js';
import { shortened, visible } from '../base/text.js';
import type { Outcome } from '../figure/door.js';
import { parseJson } from '../model/door.js';
import { CORE_METRICS } from '../result/catalogue.js';
import { canonicalJson, hashOfValue, inText, SHA256_HEX } from '../result/digest.js';
import { checkedResult } from '../result/read.js';
import type { Result } from '../result/result.js';
import { buildOf } from './build.js';

const ENTRY_SCHEMA = 'moeprof.stored/1';

/** Fingerprint digits in a folder's name: 256 short folders. Ours. */
const FOLDER_DIGITS = 2;

interface Damage {
  readonly fingerprint: string;
  readonly path: string;
  readonly reason: string;
}

/** Results in a shared folder. Entries are renamed into place, so nobody reads a partial entry. */
export class Store {
  readonly folder: string;
  readonly #made = new Set<string>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws UserError if the folder is not writable, or holds foreign files */
  static open(folder: string): Store {
    const strange = whatStands(folder)?.isDirectory() === true ? listFolder(folder).find((name) => !isOurs(name)) : undefined;
    if (strange !== undefined)
      throw new UserError(`${folder}: is no store of results: it holds ${strange}; name an empty folder, or a new one`);
    makeFolder(folder);
    return new Store(folder);
  }

  /** @throws UserError if the store is missing or empty */
  static existing(folder: string): Store {
    const advice = `moeprof sweep study.yaml --store ${pasted(folder)} puts some there`;
    const stat = whatStands(folder);
    if (stat === null || !stat.isDirectory()) throw new UserError(`${folder}: is no store of results; ${advice}`);
    const store = Store.open(folder);
    if (store.fingerprints().next().done === true) throw new UserError(`${folder}: holds no results; ${advice}`);
    return store;
  }

  has(fingerprint: string): boolean {
    return existsSync(this.#pathOf(fingerprint));
  }

  /** Outcome of a run; null: absent, damaged, or (without `failed`) failed. */
  get(fingerprint: string, failed = false): Outcome | null {
    const path = this.#pathOf(fingerprint);
    if (!existsSync(path)) return null;
    const outcome = orUserError(() => read(path, fingerprint));
    return outcome instanceof UserError || (outcome.status === 'failed' && !failed) ? null : outcome;
  }

  /** @throws UserError */
  put(fingerprint: string, outcome: Outcome): void {
    this.#write(fingerprint, entryText(fingerprint, outcome));
  }

  /**
   * Stores a foreign entry, or returns the fault. @param text from {@link entryText} @param fault of a result, or null
   * @throws UserError
   */
  putEntry(fingerprint: string, text: string, fault: (result: Result) => string | null): Outcome | UserError {
    const outcome = orUserError(() => outcomeIn(text, fingerprint, { path: 'its result', remedy: '' }));
    if (outcome instanceof UserError) return outcome;
    const found = outcome.status === 'done' ? fault(outcome.result) : null;
    if (found !== null) return new UserError(`its result: ${found}`);
    this.#write(fingerprint, text);
    return outcome;
  }

  /** Checks before any run. @throws UserError if the folder is not writable */
  requireWritable(): void {
    // Checks the location only; the file is never begun.
    new AtomicFile(join(this.folder, 'entry'));
  }

  #write(fingerprint: string, text: string): void {
    const path = this.#pathOf(fingerprint);
    const folder = dirname(path);
    if (!this.#made.has(folder)) makeFolder(folder);
    this.#made.add(folder);
    const stat = whatStands(path);
    if (stat !== null && !stat.isFile() && !stat.isDirectory()) attempt(path, () => unlinkSync(path));
    writeFileAtomic(path, text);
  }

  /** @throws UserError if the folder is not writable */
  remove(fingerprint: string): void {
    const path = this.#pathOf(fingerprint);
    if (existsSync(path)) attempt(path, () => unlinkSync(path));
  }

  *fingerprints(): Generator<string> {
    for (const first of listFolder(this.folder).filter(isOurs).sort()) {
      const folder = join(this.folder, first);
      if (!isFolder(folder)) continue;
      const names = listFolder(folder).map((name) => name.replace(/\.json$/, ''));
      yield* names.filter((name) => SHA256_HEX.test(name)).sort();
    }
  }

  /** Size and write time; zeros for a vanished entry. */
  fileOf(fingerprint: string): Pick<FileStat, 'size' | 'mtimeMs'> {
    return statOf(this.#pathOf(fingerprint)) ?? { size: 0, mtimeMs: 0 };
  }

  /** True for an entry of the current build; foreign entries are never used. */
  isOfThisBuild(fingerprint: string): boolean {
    const path = this.#pathOf(fingerprint);
    const entry = orUserError(() => entryIn(readText(path, 'entry'), { path, remedy: REMEDY }));
    return !(entry instanceof UserError) && entry.build === buildOf();
  }

  /** Unreadable or changed entries. */
  *damaged(): Generator<Damage> {
    for (const fingerprint of this.fingerprints()) {
      const path = this.#pathOf(fingerprint);
      try {
        read(path, fingerprint);
      } catch (error) {
        yield { fingerprint, path, reason: messageOf(error) };
      }
    }
  }

  #pathOf(fingerprint: string): string {
    return join(this.folder, fingerprint.slice(0, FOLDER_DIGITS), `${fingerprint}.json`);
  }
}

const isOurs = (name: string): boolean => name.startsWith('.') || (name.length === FOLDER_DIGITS && /^[0-9a-f]+$/.test(name));

/** Text of an entry, without machine-specific values: all machines write equal bytes. */
export function entryText(fingerprint: string, outcome: Outcome): string {
  const kept = outcome.status === 'done' ? { status: 'done', result: inText({ ...outcome.result, environment: {} }) } : outcome;
  const text = canonicalJson(kept);
  const head = { build: buildOf(), digest: newSha256().update(text).digest('hex'), fingerprint };
  return `${canonicalJson(head).slice(0, -1)},"outcome":${text},"schema":${JSON.stringify(ENTRY_SCHEMA)}}\n`;
}

const read = (path: string, fingerprint: string): Outcome => outcomeIn(readText(path, 'entry'), fingerprint, { path, remedy: REMEDY });

/** Digest of the outcome's text in place, a tenth of the cost of rewriting; empty for a different layout. */
function digestInPlace(text: string): string {
  const [before, after] = [',"outcome":', `,"schema":${JSON.stringify(ENTRY_SCHEMA)}}\n`];
  const at = text.indexOf(before);
  if (at < 0 || !text.endsWith(after)) return '';
  return newSha256()
    .update(text.slice(at + before.length, -after.length))
    .digest('hex');
}

interface Messages {
  readonly path: string;
  readonly remedy: string;
}

const REMEDY = '; delete it, and the run is repeated';

/** `digest`: SHA-256 of the outcome as canonical JSON. @throws UserError if malformed */
function entryIn(text: string, { path, remedy }: Messages): Record<string, unknown> {
  const entry = parseJson(bytesOf(text), path, `is no JSON${remedy}`);
  if (isObject(entry) && entry.schema === ENTRY_SCHEMA && entry.outcome !== undefined) return entry;
  throw new UserError(`${path}: is no ${ENTRY_SCHEMA}${remedy}`);
}

/** @throws UserError for a wrong digest */
function outcomeIn(text: string, fingerprint: string, messages: Messages): Outcome {
  const { digest, fingerprint: named, outcome } = entryIn(text, messages);
  const { path, remedy } = messages;
  if (named !== fingerprint) throw new UserError(`${path}: is of another run${remedy}`);
  if (digest !== digestInPlace(text) && digest !== hashOfValue(outcome)) throw new UserError(`${path}: is not what was written${remedy}`);
  return checkedOutcome(outcome, messages);
}

/** @throws UserError if malformed */
function checkedOutcome(value: unknown, { path, remedy }: Messages): Outcome {
  const { reason, result, status } = isObject(value) ? value : {};
  if (status === 'done') {
    const checked = checkedResult(result, path, true);
    const gone = CORE_METRICS.find((name) => checked.metrics[name] === undefined);
    if (gone !== undefined) throw new UserError(`${path}: lacks ${gone}, which every run has${remedy}`);
    return { status, result: checked };
  }
  if ((status === 'refused' || status === 'failed') && typeof reason === 'string') return { status, reason: shortened(visible(reason)) };
  throw new UserError(`${path}: holds no outcome of a run${remedy}`);
}
