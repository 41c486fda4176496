import { codeOf, messageOf, UserError } from './errors.js';
import { attempt, closeTemporary, readAll, temporaryFile, writeTemporary } from './files.js';
import { textOf, unfilled } from './host/bytes.js';
import { pauseThread } from './host/clock.js';
import type { FileStat, FileState } from './host/files.js';
import {
  closeSync,
  constants,
  entriesBelow,
  fileState,
  freeBytes,
  fstatSync,
  openFileState,
  openSync,
  readdirSync,
  readSync,
  statIfAny,
} from './host/files.js';
import { isatty, tmpdir } from './host/machine.js';
import { join } from './host/paths.js';
import { byName, definedFields } from './objects.js';
import { bundledRows } from './profiles.js';
import { BYTES, formatBytes, parseQuantity } from './units.js';

interface Limits {
  readonly what: string;
  /** Largest size in bytes. */
  readonly limit: number;
  /** Advice for a file that is too large. */
  readonly remedy: string;
  /** Advice for a folder or a device; absent: that for a file that is too large. */
  readonly instead?: string;
  /** True if it may come through a pipe, which can be read only once. */
  readonly pipe?: true;
}

/** Ticks of the coarsest clock that a file system of today has: FAT's. */
const CLOCK_MS = 2000;

const KIB = 2 ** 10;
const GIB = 2 ** 30;

/** Name of a kind of file. */
export type InputKind =
  | ('profile' | 'result' | 'trace' | 'model' | 'config' | 'index' | 'hub' | 'workload' | 'prompts' | 'predictor')
  | ('module' | 'entry' | 'key' | 'measurements' | 'log' | 'mapping');

/** Kinds of files, from their table in `profiles/inputs.txt`. */
export const KINDS = Object.fromEntries(
  bundledRows('inputs.txt').map((row): [string, Limits] => {
    const [name = '', limit = '', pipe, what = '', remedy = '', instead] = row.split(/ {2,}/);
    const most = limit === '-' ? Number.POSITIVE_INFINITY : parseQuantity(BYTES, limit, `profiles/inputs.txt: ${name}`);
    return [name, { what, limit: most, remedy, ...definedFields({ instead }), ...(pipe === 'pipe' && { pipe: true as const }) }];
  }),
) as Readonly<Record<InputKind, Limits>>;

/** A user's file, open at any offset; pipes are spooled. Folders, devices, pipes without a writer and sizes above a kind's limit are refused. */
export class InputFile {
  /** As the user named it; `-` is standard input. */
  readonly path: string;
  readonly bytes: number;
  readonly #fd: number;
  readonly #opened: FileState;
  #open = true;

  /** @param fd of a regular file, which is closed with this */
  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#opened = openFileState(fd);
    this.bytes = Number(this.#opened.size);
  }

  /** Opens a file or pipe, or `-`. @param kind sets its largest size @throws UserError if it is none that can be read, or is too large */
  static open(path: string, kind: InputKind): InputFile {
    const file = new InputFile(path, openRegular(path, KINDS[kind]));
    if (file.bytes <= KINDS[kind].limit) return file;
    file.close();
    throw tooLarge(path, file.bytes, KINDS[kind]);
  }

  /** Fills `into` from byte `position`. @throws UserError if the file ends before */
  read(position: number, into: Uint8Array): void {
    const done = this.#fill(position, into);
    if (done === into.length) return;
    throw new UserError(`${this.path}: the file ends at byte ${position + done}; it was cut short, record or copy it again`);
  }

  /** Up to `length` bytes from `position` on; fewer if the file ends. */
  part(position: number, length: number): Uint8Array {
    const bytes = unfilled(Math.max(0, Math.min(length, this.bytes - position)));
    return bytes.subarray(0, this.#fill(position, bytes));
  }

  /** All of it as text, without a byte order mark. */
  text(): string {
    return textOf(this.part(0, this.bytes)).replace(/^\uFEFF/, '');
  }

  /** Identity and state of the file: changes when the file is written to. */
  get state(): string {
    return stateOf(this.#opened);
  }

  /** True if any later write changes its {@link state}: clocks of file systems are coarse. */
  get settled(): boolean {
    return Date.now() - Number(this.#opened.ctimeMs) > CLOCK_MS;
  }

  /** Refuses a file that was written to since it was opened, since the read parts may not belong together. @throws UserError */
  checkUnchanged(): void {
    const { size, mtimeNs } = openFileState(this.#fd);
    if (size === this.#opened.size && mtimeNs === this.#opened.mtimeNs) return;
    throw new UserError(`${this.path}: was changed while it was read; wait until it is written, then try again`);
  }

  close(): void {
    if (this.#open) closeTemporary(this.#fd);
    this.#open = false;
  }

  #fill(position: number, into: Uint8Array): number {
    return attemptRead(this.path, () => readAll(this.#fd, into, position));
  }
}

/** Opens a file for as long as `use` takes. @throws UserError as {@link InputFile.open} */
export function withInput<T>(path: string, kind: InputKind, use: (file: InputFile) => T): T {
  const file = InputFile.open(path, kind);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** All of a file as text. @throws UserError as {@link InputFile.open} */
export function readText(path: string, kind: InputKind = 'profile'): string {
  if (kind !== 'profile') return withInput(path, kind, (file) => file.text());
  const known = TEXTS.get(path);
  if (known !== undefined && known.state === stateAt(path)) return known.text;
  return withInput(path, kind, (file) => {
    const text = file.text();
    if (file.bytes <= LONGEST_TEXT && file.settled) {
      if (TEXTS.size >= MOST_TEXTS) TEXTS.clear();
      TEXTS.set(path, { state: file.state, text });
    }
    return text;
  });
}

/** Texts of short profiles, valid while their files do not change: cells of a study read the same few again and again. */
const TEXTS = new Map<string, { readonly state: string; readonly text: string }>();
const MOST_TEXTS = 64;
const LONGEST_TEXT = 16 * KIB;

/** {@link InputFile.state} of the file at a path; null: there is none, or its state is unknown. */
function stateAt(path: string): string | null {
  try {
    return stateOf(fileState(path));
  } catch {
    return null;
  }
}

/** A text that changes when the file or its permissions do. */
const stateOf = ({ ctimeNs, dev, ino, mtimeNs, size }: FileState): string => `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;

/** What stands at a path that is to be read; undefined: nothing. @throws UserError if that is unknown */
export const statOf = (path: string): FileStat | undefined => attemptRead(path, () => statIfAny(path));

/** True if a path is a folder, false if nothing or something else stands there. @throws UserError if that is unknown */
export const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true;

/** Names in a folder. @throws UserError if it may not be read */
export const listFolder = (path: string): string[] => attemptRead(path, () => readdirSync(path));

/** Paths of the regular files below a folder, sorted; links and pipes are none. @throws UserError if a folder may not be read */
export function filesBelow(folder: string): string[] {
  const entries = attemptRead(folder, () => entriesBelow(folder));
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : [])).sort();
}

/** Descriptor of a regular file with the content of `path`. Opening does not block, since a pipe may have no writer. */
function openRegular(path: string, kind: Limits): number {
  const fd = path === '-' ? 0 : attemptRead(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const stat = attemptRead(path, () => fstatSync(fd));
  if (stat.isFile() && fd !== 0) return fd;
  try {
    // Standard input may be a file, a socket (of another Node process), a terminal, or nothing (/dev/null).
    if (fd === 0 ? !stat.isCharacterDevice() || isatty(0) : stat.isFIFO() && kind.pipe === true) return spooled(fd, path, kind);
    const what = stat.isDirectory() ? 'a folder' : stat.isFIFO() ? 'a pipe' : 'a device';
    const instead = kind.instead ?? kind.remedy;
    if (fd !== 0) throw new UserError(`${path}: is ${what}, not a file; ${instead}`);
    throw new UserError(`${path}: nothing comes from standard input; pipe it in, or ${instead.replace(/, or - for standard input$/, '')}`);
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Limit of a stream of a kind without one: an endless writer would fill the disk. */
const STREAM_LIMIT = 4 * GIB;

/** Bytes that a stream may bring. @param limit of its kind @param free bytes in the folder of temporary files, of which it may take half */
export const streamLimit = (limit: number, free: number): number => Math.min(limit, STREAM_LIMIT, Math.floor(free / 2));

function spooled(fd: number, path: string, kind: Limits): number {
  const copy = temporaryFile();
  const block = new Uint8Array(64 * KIB);
  try {
    const free = attempt(tmpdir(), () => freeBytes(tmpdir()));
    const limit = streamLimit(kind.limit, free);
    for (let bytes = 0; ; ) {
      const got = readSome(fd, path, block);
      if (got === 0) return copy;
      bytes += got;
      if (bytes > kind.limit) throw tooLarge(path, bytes, kind);
      if (bytes > limit)
        throw new UserError(`${path}: brings more than the ${formatBytes(limit)} that a stream may; write it into a file and name that`);
      writeTemporary(copy, block.subarray(0, got));
    }
  } catch (error) {
    closeTemporary(copy);
    throw error;
  }
}

/** Milliseconds between two looks at a pipe whose writer is busy. */
const PATIENCE = 5;

function readSome(fd: number, path: string, into: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, into, 0, into.length, null);
    } catch (error) {
      const code = codeOf(error);
      // The error when the other end of a terminal or a Windows pipe goes.
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw cannotRead(path, error);
      pauseThread(PATIENCE);
    }
  }
}

const tooLarge = (path: string, bytes: number, { limit, remedy, what }: Limits): UserError =>
  new UserError(`${path}: has ${formatBytes(bytes)}, more than ${what} may have (${formatBytes(limit)}); ${remedy}`);

function attemptRead<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** What is wrong with a path, by the code of the error. */
const FAULTS = byName<string>({
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'may not be read (permission denied)',
  EPERM: 'may not be read (permission denied)',
  EISDIR: 'is a folder, not a file',
  ELOOP: 'cannot be read: its symbolic links lead in a circle',
  ENAMETOOLONG: 'cannot be read: the name is too long',
  EMFILE: 'cannot be read: too many files are open; allow more with ulimit -n',
  ENFILE: 'cannot be read: too many files are open; allow more with ulimit -n',
});

const cannotRead = (path: string, error: unknown): UserError => {
  const [, windows, drive, below] = /\/(([a-z]):[\\](.*))$/i.exec(path) ?? [];
  const wsl = windows === undefined ? '' : `; in WSL it is /mnt/${drive!.toLowerCase()}/${below!.replaceAll('\\', '/')}`;
  return new UserError(`${windows ?? path}: ${FAULTS[codeOf(error) ?? ''] ?? `cannot be read: ${messageOf(error)}`}${wsl}`);
};
