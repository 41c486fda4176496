import { codeOf, EXIT, messageOf, UserError } from './errors.js';
import { bytesOf } from './host/bytes.js';
import { whenQuiet } from './host/clock.js';
import {
  accessSync,
  closeSync,
  constants,
  type FileStat,
  keptOpen,
  makeFolders,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  statIfAny,
  unlinkSync,
  writeSync,
} from './host/files.js';
import { newSha256, randomHex } from './host/hash.js';
import { hostname, tmpdir } from './host/machine.js';
import { dirname, join, resolve } from './host/paths.js';
import { exit, isRunning, listen, pid } from './host/process.js';
import { byName } from './objects.js';

/** File under construction: opened before the work, so that a bad path fails at once. */
export class AtomicFile {
  readonly path: string;
  readonly #target: string;
  readonly #temporary: string;
  #fd: number | null = null;
  #open = true;

  /** @param path of the finished file; a link keeps its target @throws UserError if not writable, or a folder */
  constructor(path: string) {
    this.path = path;
    const stat = whatStands(path);
    if (stat?.isDirectory()) throw cannotWrite(path, { code: 'EISDIR' });
    // A rename would replace the device by a file.
    if (stat?.isFile() === false) throw new UserError(`${path}: is a device or a pipe, which no file may replace; name a file`);
    this.#target = stat === null ? path : realpathSync(path);
    this.#temporary = temporaryPath(dirname(this.#target));
    // Checked without a file, which a signal could leave in place.
    attempt(path, () => accessSync(`${dirname(this.#target)}/.`, constants.W_OK | constants.X_OK));
  }

  /** Writes at byte `position`, or after earlier writes. */
  write(data: Uint8Array | string, position: number | null = null): void {
    const bytes = typeof data === 'string' ? bytesOf(data) : data;
    const fd = this.#begin();
    attempt(this.path, () => writeAll(fd, bytes, position));
  }

  /** Moves the finished file into place, over an older file. */
  commit(): void {
    if (!this.#open) return;
    const fd = this.#begin();
    this.#open = false;
    closeSync(fd);
    try {
      renameSync(this.#temporary, this.#target);
    } catch (error) {
      unlinkSync(this.#temporary);
      throw cannotWrite(this.path, error);
    } finally {
      release(this);
    }
  }

  /** Drops the unfinished file. */
  abort(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#fd === null) return;
    closeSync(this.#fd);
    unlinkSync(this.#temporary);
    release(this);
  }

  #begin(): number {
    if (this.#fd !== null) return this.#fd;
    guard(this);
    return (this.#fd = attempt(this.path, () => openSync(this.#temporary, 'wx+')));
  }
}

const unfinished = new Set<AtomicFile>();

/** Exit codes by signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

let guards: (() => void)[] = [];
let isEnding = false;

/** Removes the file at any end of the process (except by kill -9). */
function guard(file: AtomicFile): void {
  unfinished.add(file);
  if (guards.length > 0) return;
  const signals = Object.entries(SIGNALS) as [keyof typeof SIGNALS, number][];
  const drop = listen('exit', () => unfinished.forEach((file) => void file.abort()));
  guards = [...signals.map(([signal, code]) => listen(signal, () => exit(code))), drop];
}

function release(file: AtomicFile): void {
  unfinished.delete(file);
  if (unfinished.size > 0 || isEnding) return;
  isEnding = true;
  whenQuiet(() => {
    isEnding = false;
    if (unfinished.size === 0) for (const end of guards.splice(0)) end();
  });
}

/** Status of a path to write; undefined: nothing exists. @throws UserError if unknown */
export const whatStands = (path: string): FileStat | null => attempt(path, () => statIfAny(path));

/** As a whole. @throws UserError if not writable */
export function writeFileAtomic(path: string, text: string | Uint8Array): void {
  const file = new AtomicFile(path);
  try {
    file.write(text);
    file.commit();
  } finally {
    file.abort();
  }
}

/** With missing parents. @throws UserError */
export function makeFolder(path: string): void {
  // Absolute: Node 20 retries a relative path for ever in a deleted working directory.
  attempt(path, () => makeFolders(resolve(path)));
}

/** Runs a write operation. @throws UserError for faults that users can correct */
export function attempt<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

const REMEDIES = byName<string>({
  ENOENT: 'its folder does not exist; create it first',
  EACCES: 'no permission to write there; choose another path',
  EPERM: 'no permission to write there; choose another path',
  EROFS: 'no permission to write there; choose another path',
  ENOSPC: 'the disk is full; free some space or choose another path',
  EISDIR: 'it is a folder; name a file in it',
  EEXIST: 'a file stands where a folder is needed; choose another path',
  ENOTDIR: 'a file stands where a folder is needed; choose another path',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
});

function cannotWrite(path: string, error: unknown): UserError {
  const code = codeOf(error) ?? '';
  return new UserError(`${path}: cannot be written: ${REMEDIES[code] ?? messageOf(error)}`);
}

/** @throws UserError if the path exists */
export const newFile = (path: string): number => attempt(path, () => openSync(path, 'wx+'));

/** Unlinked at once, so that any end of the process frees the space. */
export function temporaryFile(): number {
  const path = temporaryPath(tmpdir());
  return attempt(path, () => {
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  });
}

/** Bytes from which a second process keeps the file open: freeing 256 MiB takes a tenth of a second. */
const LARGE = 256 * 2 ** 20;

/** By descriptor of a temporary file. */
const temporary = new Map<number, { bytes: number; end?: () => void }>();

/** As {@link writeAll}, to a {@link temporaryFile}. @throws UserError if the disk is full */
export function writeTemporary(fd: number, bytes: Uint8Array, position: number | null = null): void {
  attempt(tmpdir(), () => writeAll(fd, bytes, position));
  const file = temporary.get(fd) ?? { bytes: 0 };
  file.bytes += bytes.length;
  if (file.bytes >= LARGE) file.end ??= keptOpen(fd);
  temporary.set(fd, file);
}

/** Closes any file; a large {@link temporaryFile} is freed in the background. */
export function closeTemporary(fd: number): void {
  closeSync(fd);
  temporary.get(fd)?.end?.();
  temporary.delete(fd);
}

/** Writes at byte `position`; null: after earlier writes. */
export function writeAll(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
}

/** Fills `into` from byte `position`. @returns bytes read, fewer only at the end of the file */
export function readAll(fd: number, into: Uint8Array, position: number): number {
  let done = 0;
  for (let got = -1; got !== 0 && done < into.length; done += got) got = readSync(fd, into, done, into.length - done, position + done);
  return done;
}

/** 8 digits: hosts may share folders, and process ids are local. */
const HOST = newSha256().update(hostname()).digest('hex').slice(0, 8);
const TEMPORARY = /^\.moeprof-(\d+)-([0-9a-f]{8})[0-9a-f]{12}\.tmp$/;

/** Folders already swept by this process. */
const swept = new Set<string>();

/** New temporary name, short for any target's name. */
function temporaryPath(folder: string): string {
  if (!swept.has(folder)) sweep(folder);
  swept.add(folder);
  return join(folder, `.moeprof-${pid}-${HOST}${randomHex(6)}.tmp`);
}

/** Removes temporary files of killed processes of this host. */
function sweep(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const [, pid, host] = TEMPORARY.exec(name) ?? [];
      if (host === HOST && !isRunning(Number(pid))) unlinkSync(join(folder, name));
    }
  } catch {
    // Opening the next file reports the error.
  }
}
