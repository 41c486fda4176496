// Synchronous file system. Errors carry Node's codes (`ENOENT`).
import fs from 'node:fs';
import type { Socket } from 'node:net';
import { placeInView, reach, seen } from './view.js';

/** Status of a path. */
export interface FileStat {
  readonly size: number;
  /** Time of the last write, ms since 1970. */
  readonly mtimeMs: number;
  readonly ino: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isFIFO(): boolean;
  isCharacterDevice(): boolean;
}

/** Identity and state of a file, to the nanosecond. */
export interface FileState {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ctimeMs: bigint;
}

/** Entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly parentPath: string;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** Bits of modes. `O_DIRECT` is undefined on systems without direct I/O. */
export const constants: Readonly<
  Record<'O_RDONLY' | 'O_RDWR' | 'O_CREAT' | 'O_EXCL' | 'O_NONBLOCK' | 'O_DIRECT' | 'W_OK' | 'X_OK', number>
> = fs.constants;

/** Disk path of a file, for programs that open by name. */
export const placeOnDisk: (path: string) => string = placeInView;
/** True if the path exists. */
export const existsSync: (path: string) => boolean = (path) => seen(path, (place) => fs.existsSync(place)) === true;
/** @throws if nothing exists */
export const statSync: (path: string) => FileStat = (path) => reach(path, (place) => fs.statSync(place));
/** Null: nothing exists. @throws if unknown */
export const statIfAny: (path: string) => FileStat | null = (path) =>
  seen(path, (place) => fs.statSync(place, { throwIfNoEntry: false }) ?? null);
/** Status of an open file. */
export const fstatSync: (fd: number) => FileStat = (fd) => fs.fstatSync(fd);
/** @throws without a file */
export const fileState: (path: string) => FileState = (path) => reach(path, (place) => fs.statSync(place, { bigint: true }));
/** State of an open file. */
export const openFileState: (fd: number) => FileState = (fd) => fs.fstatSync(fd, { bigint: true });
/** Free bytes of a folder's file system, for this user. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = fs.statfsSync(folder);
  return bavail * bsize;
}
/** @throws if a path lacks a permission */
export const accessSync: (path: string, mode: number) => void = fs.accessSync;
/** Path without links. */
export const realpathSync: (path: string) => string = (path) => fs.realpathSync(path);

/** Opens a file; a created file (`wx+`) lies outside any view. @returns descriptor */
export const openSync: (path: string, flags: string | number, mode?: number) => number = (path, flags, mode) =>
  flags === 'wx+' ? fs.openSync(path, flags, mode) : reach(path, (place) => fs.openSync(place, flags, mode));
/** Closes a descriptor. */
export const closeSync: (fd: number) => void = fs.closeSync;
/** Reads up to `length` bytes at `position` (null: after earlier reads) to `into[offset ..]`. @returns bytes read */
export const readSync: (fd: number, into: Uint8Array, offset: number, length: number, position: number | null) => number = fs.readSync;
/** Writes bytes, with the arguments of {@link readSync}. @returns bytes written */
export const writeSync: (fd: number, from: Uint8Array, offset: number, length: number, position: number | null) => number = fs.writeSync;
/** Truncates an open file. */
export const truncateSync: (fd: number, bytes: number) => void = fs.ftruncateSync;
/** Waits until writes are on the disk. */
export const fsyncSync: (fd: number) => void = fs.fsyncSync;

/** File as text. */
export const fileText: (path: string) => string = (path) => fs.readFileSync(path, 'utf8');
/** File as bytes. */
export const fileBytes: (path: string) => Uint8Array = (path) => fs.readFileSync(path);
/** Asynchronous {@link fileText}. */
export const fileTextLater: (path: string) => Promise<string> = (path) => fs.promises.readFile(path, 'utf8');

/** Names in a folder. */
export const readdirSync: (folder: string) => string[] = (folder) => reach(folder, (place) => fs.readdirSync(place));
/** Entries of a folder. */
export const entriesIn: (folder: string) => FolderEntry[] = (folder) => fs.readdirSync(folder, { withFileTypes: true });
/** Entries below a folder, recursive. */
export const entriesBelow: (folder: string) => FolderEntry[] = (folder) => fs.readdirSync(folder, { recursive: true, withFileTypes: true });
/** Asynchronous {@link readdirSync}. */
export const namesLater: (folder: string) => Promise<string[]> = (folder) => fs.promises.readdir(folder);

/** Makes a folder and its missing parents. */
export const makeFolders: (folder: string) => void = (folder) => void fs.mkdirSync(folder, { recursive: true });
/** Moves a file or folder, over an older file. */
export const renameSync: (from: string, to: string) => void = fs.renameSync;
/** Removes a file. */
export const unlinkSync: (path: string) => void = fs.unlinkSync;
/** Removes a file, or with `recursive` a folder; `force` allows absence. */
export const rmSync: (path: string, options: { readonly recursive?: boolean; readonly force?: boolean }) => void = fs.rmSync;
/** Sets times of last read and write. */
export const utimesSync: (path: string, read: Date, written: Date) => void = fs.utimesSync;

/** In a separate process, since freeing takes time (4 GB: 2.4 s on two busy cores). @returns function that ends it */
export function keptOpen(fd: number): () => void {
  // Imported on use.
  const { spawn } = process.getBuiltinModule('node:child_process');
  // A separate session does not receive Ctrl-C. The shell waits until our end of the pipe closes.
  const keeper = spawn('/bin/sh', ['-c', 'read line'], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore', fd] });
  // Runs without such a shell too.
  const pipe = keeper.stdin as Socket;
  for (const part of [keeper, pipe]) {
    part.on('error', () => undefined);
    part.unref();
  }
  return () => void pipe.destroy();
}
