// Files that are complete or absent: written under a temporary name beside the target, then renamed to it, so that nobody ever sees half of
// a file. If a process is killed, the next one that writes to the folder removes its temporary file.
import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { EXIT, messageOf, UserError } from './errors.js';

/**
 * A file under construction. It is made before the work that fills it, so that a bad path fails at once, but stands on disk only from
 * the first write to {@link commit}: while a command reads and computes, there is nothing to be cleaned, and signals end it as they end
 * any process.
 */
export class AtomicFile {
  readonly path: string;
  readonly #target: string;
  readonly #temporary: string;
  #fd: number | null = null;
  #open = true;

  /**
   * @param path where the finished file will stand; a link keeps pointing where it does
   * @throws UserError where the folder does not exist or may not be written, or `path` is a folder itself
   */
  constructor(path: string) {
    this.path = path;
    const stat = whatStands(path);
    if (stat?.isDirectory()) throw cannotWrite(path, { code: 'EISDIR' });
    this.#target = stat === undefined ? path : realpathSync(path);
    this.#temporary = temporaryPath(dirname(this.#target));
    // Only asked: a file that is made to see whether it can be made would be left by a signal that comes just then.
    attempt(path, () => accessSync(`${dirname(this.#target)}/.`, constants.W_OK | constants.X_OK));
  }

  /** Writes all of `data`, at byte `position` or, without one, after what was written before. */
  write(data: Uint8Array | string, position: number | null = null): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const fd = this.#begin();
    attempt(this.path, () => {
      for (let done = 0; done < bytes.length; ) {
        done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
      }
    });
  }

  /** Puts the finished file in its place, over an older one. */
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

  /** Drops the unfinished file; does nothing after {@link commit}. */
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

/** Files that stand on disk under their temporary names. */
const unfinished = new Set<AtomicFile>();

/** Exit codes of a process that a signal has ended. */
const SIGNALS = { SIGHUP: 129, SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

const exits = Object.entries(SIGNALS).map(([signal, code]) => [signal, () => process.exit(code)] as const);
let guarded = false;

function dropUnfinished(): void {
  for (const file of unfinished) file.abort();
}

/** Sees to it that a file is dropped however the process ends (kill -9 apart), as long as it is unfinished. */
function guard(file: AtomicFile): void {
  unfinished.add(file);
  if (guarded) return;
  guarded = true;
  for (const [signal, exit] of exits) process.on(signal, exit);
  process.on('exit', dropUnfinished);
}

function release(file: AtomicFile): void {
  unfinished.delete(file);
  // A signal that has come already is heard in the next turn.
  setImmediate(() => {
    if (unfinished.size > 0 || !guarded) return;
    guarded = false;
    for (const [signal, exit] of exits) process.off(signal, exit);
    process.off('exit', dropUnfinished);
  });
}

/**
 * The file or folder where something is to be written; undefined: nothing yet.
 * @throws UserError where the path cannot be looked at
 */
export function whatStands(path: string): Stats | undefined {
  return attempt(path, () => statSync(path, { throwIfNoEntry: false }));
}

/**
 * Writes a text file as a whole.
 * @throws UserError where the path cannot be written
 */
export function writeFileAtomic(path: string, text: string | Uint8Array): void {
  const file = new AtomicFile(path);
  try {
    file.write(text);
    file.commit();
  } finally {
    file.abort();
  }
}

/**
 * Makes a folder and those above it, as far as they are not there.
 * @throws UserError where that is not permitted, or a file stands in the way
 */
export function makeFolder(path: string): void {
  // From the root: Node 20 tries a relative path for ever where the working directory is gone.
  attempt(path, () => mkdirSync(resolve(path), { recursive: true }));
}

/**
 * Writes, or makes what is to be written.
 * @throws UserError where that fails: it is the user's to mend
 */
export function attempt<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist; create it first',
  EACCES: 'no permission to write there; choose another path',
  EPERM: 'no permission to write there; choose another path',
  EROFS: 'no permission to write there; choose another path',
  ENOSPC: 'the disk is full; free some space or choose another path',
  EISDIR: 'it is a folder; name a file in it',
  EEXIST: 'a file stands where a folder is needed; choose another path',
  ENOTDIR: 'a file stands where a folder is needed; choose another path',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
};

function cannotWrite(path: string, error: unknown): UserError {
  const { code = '' } = error as NodeJS.ErrnoException;
  return new UserError(`${path}: cannot be written: ${REMEDIES[code] ?? messageOf(error)}`);
}

/**
 * Opens a nameless temporary file for reading and writing. Its name is unlinked at once, so the system frees it when the descriptor
 * is closed or the process ends, however it ends.
 */
export function temporaryFile(): number {
  const path = temporaryPath(tmpdir());
  return attempt(path, () => {
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return fd;
  });
}

/** Of this host, in the names of temporary files: 8 digits. Folders may be shared, and a process id says nothing elsewhere. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const TEMPORARY = /^\.moeprof-(\d+)-([0-9a-f]{8})[0-9a-f]{12}\.tmp$/;

/** A new name in a folder that is swept first. Not named after a target: a name that is just short enough would get too long. */
function temporaryPath(folder: string): string {
  sweep(folder);
  return join(folder, `.moeprof-${process.pid}-${HOST}${randomBytes(6).toString('hex')}.tmp`);
}

/** Removes the temporary files that killed processes of this host have left. What cannot be listed or removed is not ours to clean. */
function sweep(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const [, pid, host] = TEMPORARY.exec(name) ?? [];
      if (host === HOST && !isRunning(Number(pid))) unlinkSync(join(folder, name));
    }
  } catch {
    // The file that is opened here next says what is wrong with the folder, if anything is.
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
