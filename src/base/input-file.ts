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
import { INPUT_KINDS, type InputKind, type InputLimits } from './input-kinds.js';
import { byName } from './objects.js';
import { formatBytes, GIB, KIB } from './units.js';

/** Tick of the coarsest file system clock in use, ms: FAT's. */
const CLOCK_MS = 2000;

/** For reads at any offset; pipes are spooled. Refuses folders, devices, pipes without a writer, oversized files. */
export class InputFile {
  /** As given by the user; `-` is standard input. */
  readonly path: string;
  readonly bytes: number;
  readonly #fd: number;
  readonly #opened: FileState;
  #open = true;

  /** @param fd of a regular file, closed with this object */
  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#opened = openFileState(fd);
    this.bytes = Number(this.#opened.size);
  }

  /** Opens a file, a pipe, or `-`. @throws UserError if unreadable or too large */
  static open(path: string, kind: InputKind): InputFile {
    const file = new InputFile(path, openRegular(path, INPUT_KINDS[kind]));
    if (file.bytes <= INPUT_KINDS[kind].limit) return file;
    file.close();
    throw tooLarge(path, file.bytes, INPUT_KINDS[kind]);
  }

  /** Fills `into` from byte `position`. @throws UserError if the file ends early */
  read(position: number, into: Uint8Array): void {
    const done = this.#fill(position, into);
    if (done === into.length) return;
    throw new UserError(`${this.path}: the file ends at byte ${position + done}; it was cut short, record or copy it again`);
  }

  /** Up to `length` bytes from `position`; fewer at the end of the file. */
  part(position: number, length: number): Uint8Array {
    const bytes = unfilled(Math.max(0, Math.min(length, this.bytes - position)));
    return bytes.subarray(0, this.#fill(position, bytes));
  }

  /** File as text, without a byte order mark. */
  text(): string {
    return textOf(this.part(0, this.bytes)).replace(/^\uFEFF/, '');
  }

  /** Identity and state of the file; changes at a write. */
  get state(): string {
    return stateOf(this.#opened);
  }

  /** True: any later write changes {@link state}: file system clocks are coarse. */
  get settled(): boolean {
    return Date.now() - Number(this.#opened.ctimeMs) > CLOCK_MS;
  }

  /** @throws UserError if the file was written to since opening */
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

/** For the duration of `use`. @throws UserError */
export function withInput<T>(path: string, kind: InputKind, use: (file: InputFile) => T): T {
  const file = InputFile.open(path, kind);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** File as text. @throws UserError */
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

/** Texts of short unchanged profiles: cells of a study share files. */
const TEXTS = new Map<string, { readonly state: string; readonly text: string }>();
/** Most kept texts. */
const MOST_TEXTS = 64;
/** Longest kept text, bytes. */
const LONGEST_TEXT = 16 * KIB;

function stateAt(path: string): string | null {
  try {
    return stateOf(fileState(path));
  } catch {
    return null;
  }
}

const stateOf = ({ ctimeNs, dev, ino, mtimeNs, size }: FileState): string => `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;

/** Undefined: nothing exists. @throws UserError if unknown */
export const statOf = (path: string): FileStat | null => attemptRead(path, () => statIfAny(path));

/** True for a folder. @throws UserError if unknown */
export const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true;

/** @throws UserError if unreadable */
export const listFolder = (path: string): string[] => attemptRead(path, () => readdirSync(path));

/** Paths of regular files below a folder, sorted. @throws UserError if unreadable */
export function filesBelow(folder: string): string[] {
  const entries = attemptRead(folder, () => entriesBelow(folder));
  return entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : [])).sort();
}

/** Opened without waiting for a pipe's writer. */
function openRegular(path: string, kind: InputLimits): number {
  const fd = path === '-' ? 0 : attemptRead(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const stat = attemptRead(path, () => fstatSync(fd));
  if (stat.isFile() && fd !== 0) return fd;
  try {
    // Standard input may be a file, a socket, a terminal, or nothing (/dev/null).
    if (fd === 0 ? !stat.isCharacterDevice() || isatty(0) : stat.isFIFO() && kind.pipe) return spooled(fd, path, kind);
    const what = stat.isDirectory() ? 'a folder' : stat.isFIFO() ? 'a pipe' : 'a device';
    if (fd !== 0) throw new UserError(`${path}: is ${what}, not a file; ${kind.instead}`);
    throw new UserError(
      `${path}: nothing comes from standard input; pipe it in, or ${kind.instead.replace(/, or - for standard input$/, '')}`,
    );
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

/** Limit of streams of unlimited kinds, bytes. Ours. */
const STREAM_LIMIT = 4 * GIB;

/** Most bytes of a stream. @param limit of its kind @param free bytes in the temporary folder, half usable */
export const streamLimit = (limit: number, free: number): number => Math.min(limit, STREAM_LIMIT, Math.floor(free / 2));

function spooled(fd: number, path: string, kind: InputLimits): number {
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

/** Interval of polling a pipe, ms. Ours. */
const PATIENCE = 5;

function readSome(fd: number, path: string, into: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, into, 0, into.length, null);
    } catch (error) {
      const code = codeOf(error);
      // Error after the other end of a terminal or a Windows pipe closes.
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw cannotRead(path, error);
      pauseThread(PATIENCE);
    }
  }
}

const tooLarge = (path: string, bytes: number, { limit, remedy, what }: InputLimits): UserError =>
  new UserError(`${path}: has ${formatBytes(bytes)}, more than ${what} may have (${formatBytes(limit)}); ${remedy}`);

function attemptRead<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw cannotRead(path, error);
  }
}

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
