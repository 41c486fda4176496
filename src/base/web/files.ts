// Files of a page: a table in memory. Folders are prefixes of file paths.
import type { FileStat, FileState, FolderEntry } from '../host/files.js';
import { bytesOf, textOf } from './bytes.js';
import { PACKED } from './packed.js';
import { dirname, join, resolve } from './paths.js';

interface Content {
  bytes: Uint8Array;
  size: number;
  readonly ino: number;
  writtenMs: number;
}

interface Opened {
  readonly content: Content;
  position: number;
}

const FILES = new Map<string, Content>();
const FOLDERS = new Set<string>(['/', '/files', '/tmp', '/home']);
const OPEN = new Map<number, Opened>();
let numbered = 0;

/** Adds a file; a relative path begins in the page's working directory. */
export function putFile(path: string, bytes: Uint8Array): void {
  const place = resolve(path);
  makeFolders(dirname(place));
  FILES.set(place, { bytes, size: bytes.length, ino: ++numbered, writtenMs: 0 });
}

for (const [path, text] of Object.entries(PACKED)) {
  const place = join('/moeprof', path);
  if (path.endsWith('/')) makeFolders(place);
  else putFile(place, bytesOf(text));
}

export const constants = { O_RDONLY: 0, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_NONBLOCK: 2048, O_DIRECT: 16384, W_OK: 2, X_OK: 1 } as const;

const failed = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });

const statOf = (content: Content | null): FileStat => ({
  size: content?.size ?? 0,
  mtimeMs: content?.writtenMs ?? 0,
  ino: content?.ino ?? 0,
  isFile: () => content !== null,
  isDirectory: () => content === null,
  isFIFO: () => false,
  isCharacterDevice: () => false,
});

function stateOf({ ino, size, writtenMs }: Content): FileState {
  const [ctimeMs, ctimeNs] = [BigInt(Math.floor(writtenMs)), BigInt(Math.floor(writtenMs * 1e6))];
  return { dev: 0n, ino: BigInt(ino), size: BigInt(size), mtimeNs: ctimeNs, ctimeNs, ctimeMs };
}

function contentAt(path: string): Content {
  const place = resolve(path);
  const content = FILES.get(place);
  if (content !== undefined) return content;
  throw failed(FOLDERS.has(place) ? 'EISDIR' : 'ENOENT', path);
}

function opened(fd: number): Opened {
  const file = OPEN.get(fd);
  if (file === undefined) throw failed('EBADF', String(fd));
  return file;
}

export const placeOnDisk = (path: string): string => path;
export const existsSync = (path: string): boolean => statIfAny(path) !== null;
export function statSync(path: string): FileStat {
  const stat = statIfAny(path);
  if (stat === null) throw failed('ENOENT', path);
  return stat;
}
export function statIfAny(path: string): FileStat | null {
  const place = resolve(path);
  const content = FILES.get(place);
  return content !== undefined ? statOf(content) : FOLDERS.has(place) ? statOf(null) : null;
}
export const fstatSync = (fd: number): FileStat => statOf(opened(fd).content);
export const fileState = (path: string): FileState => stateOf(contentAt(path));
export const openFileState = (fd: number): FileState => stateOf(opened(fd).content);
export const freeBytes = (_folder: string): number => 2 ** 32;
export const accessSync = (path: string, _mode: number): void => void statSync(path);
export function realpathSync(path: string): string {
  statSync(path);
  return resolve(path);
}

/** Flags of Node: `r`, `w` and `a` with `x` and `+`; numbers read only. */
export function openSync(path: string, flags: string | number, _mode?: number): number {
  const place = resolve(path);
  const how = String(flags);
  if (/[wa]/.test(how)) {
    if (!FOLDERS.has(dirname(place))) throw failed('ENOENT', path);
    if (FOLDERS.has(place)) throw failed('EISDIR', path);
    if (how.includes('x') && FILES.has(place)) throw failed('EEXIST', path);
    if (how.startsWith('w') || !FILES.has(place)) putFile(place, new Uint8Array(0));
  }
  const content = contentAt(path);
  OPEN.set(++numbered, { content, position: how.startsWith('a') ? content.size : 0 });
  return numbered;
}
export function closeSync(fd: number): void {
  opened(fd);
  OPEN.delete(fd);
}
export function readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number | null): number {
  const file = opened(fd);
  const { bytes, size } = file.content;
  const at = position ?? file.position;
  const part = bytes.subarray(at, Math.min(size, at + length));
  into.set(part, offset);
  if (position === null) file.position += part.length;
  return part.length;
}
export function writeSync(fd: number, from: Uint8Array, offset: number, length: number, position: number | null): number {
  const file = opened(fd);
  const { content } = file;
  const at = position ?? file.position;
  const end = at + length;
  if (end > content.bytes.length) {
    const larger = new Uint8Array(Math.max(end, 2 * content.bytes.length));
    larger.set(content.bytes.subarray(0, content.size));
    content.bytes = larger;
  }
  content.bytes.set(from.subarray(offset, offset + length), at);
  content.size = Math.max(content.size, end);
  content.writtenMs = Date.now();
  if (position === null) file.position = end;
  return length;
}
export function truncateSync(fd: number, bytes: number): void {
  const { content } = opened(fd);
  content.size = Math.min(content.size, bytes);
}
export const fsyncSync = (fd: number): void => void opened(fd);

export function fileBytes(path: string): Uint8Array {
  const { bytes, size } = contentAt(path);
  return bytes.slice(0, size);
}
export const fileText = (path: string): string => textOf(fileBytes(path));
export const fileTextLater = async (path: string): Promise<string> => fileText(path);

export const readdirSync = (folder: string): string[] => entriesIn(folder).map(({ name }) => name);
export function entriesIn(folder: string): FolderEntry[] {
  const place = resolve(folder);
  if (!FOLDERS.has(place)) throw failed(FILES.has(place) ? 'ENOTDIR' : 'ENOENT', folder);
  return entriesWhere((parent) => parent === place);
}
export function entriesBelow(folder: string): FolderEntry[] {
  entriesIn(folder);
  const place = resolve(folder);
  return entriesWhere((parent) => parent === place || parent.startsWith(place === '/' ? place : `${place}/`));
}
export const namesLater = async (folder: string): Promise<string[]> => readdirSync(folder);

function entriesWhere(wanted: (parent: string) => boolean): FolderEntry[] {
  const entry = (path: string, file: boolean): FolderEntry[] => {
    const parentPath = dirname(path);
    if (path === '/' || !wanted(parentPath)) return [];
    return [{ name: path.slice(path.lastIndexOf('/') + 1), parentPath, isFile: () => file, isDirectory: () => !file }];
  };
  return [...[...FOLDERS].flatMap((path) => entry(path, false)), ...[...FILES.keys()].flatMap((path) => entry(path, true))];
}

export function makeFolders(folder: string): void {
  for (let place = resolve(folder); !FOLDERS.has(place); place = dirname(place)) {
    if (FILES.has(place)) throw failed('EEXIST', folder);
    FOLDERS.add(place);
  }
}
export function renameSync(from: string, to: string): void {
  const content = contentAt(from);
  FILES.delete(resolve(from));
  FILES.set(resolve(to), content);
}
export function unlinkSync(path: string): void {
  contentAt(path);
  FILES.delete(resolve(path));
}
export function rmSync(
  path: string,
  { force = false, recursive = false }: { readonly recursive?: boolean; readonly force?: boolean },
): void {
  const place = resolve(path);
  if (FOLDERS.has(place) && recursive) {
    for (const { name, parentPath } of entriesBelow(place)) {
      FILES.delete(join(parentPath, name));
      FOLDERS.delete(join(parentPath, name));
    }
    FOLDERS.delete(place);
  } else if (!force || existsSync(path)) unlinkSync(path);
}
export function utimesSync(path: string, _read: Date, written: Date): void {
  contentAt(path).writtenMs = written.getTime();
}
export const keptOpen =
  (_fd: number): (() => void) =>
  () =>
    undefined;
