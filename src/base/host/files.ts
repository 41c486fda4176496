// The file system, one call at a time and without waiting. Errors carry Node's codes (`ENOENT`), which the callers put into words.
import fs from 'node:fs';
import type { Socket } from 'node:net';
import { placeInView, reach, seen } from './view.js';

/** What stands at a path. */
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

/** An entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  /** The folder that it stands in. */
  readonly parentPath: string;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** Bits of modes. `O_DIRECT` is undefined if the system has none. */
export const constants: Readonly<
  Record<'O_RDONLY' | 'O_RDWR' | 'O_CREAT' | 'O_EXCL' | 'O_NONBLOCK' | 'O_DIRECT' | 'W_OK' | 'X_OK', number>
> = fs.constants;

/** Path of a file on the disk, for programs that open it by name themselves. */
export const placeOnDisk: (path: string) => string = placeInView;
/** True if something stands at a path. */
export const existsSync: (path: string) => boolean = (path) => seen(path, (place) => fs.existsSync(place)) === true;
/** What stands at a path. @throws if nothing does */
export const statSync: (path: string) => FileStat = (path) => reach(path, (place) => fs.statSync(place));
/** What stands at a path; undefined: nothing. @throws if that cannot be looked at */
export const statIfAny: (path: string) => FileStat | undefined = (path) =>
  seen(path, (place) => fs.statSync(place, { throwIfNoEntry: false }));
/** What an open file is. */
export const fstatSync: (fd: number) => FileStat = (fd) => fs.fstatSync(fd);
/** State of the file at a path. @throws if there is none */
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
/** A path without links. */
export const realpathSync: (path: string) => string = (path) => fs.realpathSync(path);

/** Opens a file; one that is made anew (`wx+`) is this process's own, whatever it sees. @returns its descriptor */
export const openSync: (path: string, flags: string | number, mode?: number) => number = (path, flags, mode) =>
  flags === 'wx+' ? fs.openSync(path, flags, mode) : reach(path, (place) => fs.openSync(place, flags, mode));
/** Closes a descriptor. */
export const closeSync: (fd: number) => void = fs.closeSync;
/** Reads up to `length` bytes at `position`, or after what was read before (null), to `into[offset ..]`. @returns how many */
export const readSync: (fd: number, into: Uint8Array, offset: number, length: number, position: number | null) => number = fs.readSync;
/** Writes bytes, as {@link readSync} reads them. @returns how many */
export const writeSync: (fd: number, from: Uint8Array, offset?: number, length?: number, position?: number | null) => number = fs.writeSync;
/** Cuts an open file. */
export const truncateSync: (fd: number, bytes: number) => void = fs.ftruncateSync;
/** Waits until what was written lies on the disk. */
export const fsyncSync: (fd: number) => void = fs.fsyncSync;

/** All of a file as text. */
export const fileText: (path: string) => string = (path) => fs.readFileSync(path, 'utf8');
/** All of a file. */
export const fileBytes: (path: string) => Uint8Array = (path) => fs.readFileSync(path);
/** {@link fileText}, in the time of others. */
export const fileTextLater: (path: string) => Promise<string> = (path) => fs.promises.readFile(path, 'utf8');

/** Names in a folder. */
export const readdirSync: (folder: string) => string[] = (folder) => reach(folder, (place) => fs.readdirSync(place));
/** Entries of a folder. */
export const entriesIn: (folder: string) => FolderEntry[] = (folder) => fs.readdirSync(folder, { withFileTypes: true });
/** Entries of a folder and of all below it. */
export const entriesBelow: (folder: string) => FolderEntry[] = (folder) => fs.readdirSync(folder, { recursive: true, withFileTypes: true });
/** {@link readdirSync}, in the time of others. */
export const namesLater: (folder: string) => Promise<string[]> = (folder) => fs.promises.readdir(folder);

/** Makes a folder and its missing parents. */
export const makeFolders: (folder: string) => void = (folder) => void fs.mkdirSync(folder, { recursive: true });
/** Moves a file or folder, over an older file. */
export const renameSync: (from: string, to: string) => void = fs.renameSync;
/** Removes a file. */
export const unlinkSync: (path: string) => void = fs.unlinkSync;
/** Removes a file, or with `recursive` a folder; `force`: if there is one. */
export const rmSync: (path: string, options: { readonly recursive?: boolean; readonly force?: boolean }) => void = fs.rmSync;
/** Sets when a file was last read and written. */
export const utimesSync: (path: string, read: Date, written: Date) => void = fs.utimesSync;

/** Another process keeps a file open until ended: freeing it takes time (4 GB: 2.4 s on two busy cores). @returns what ends it */
export function keptOpen(fd: number): () => void {
  // Not imported, since no start needs it.
  const { spawn } = process.getBuiltinModule('node:child_process');
  // A session of its own does not hear Ctrl-C. It waits for a line that never comes; its wait ends with our end of the pipe.
  const keeper = spawn('/bin/sh', ['-c', 'read line'], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore', fd] });
  // If there is no such shell, nothing is kept.
  const pipe = keeper.stdin as Socket;
  for (const part of [keeper, pipe]) {
    part.on('error', () => undefined);
    part.unref();
  }
  return () => void pipe.destroy();
}
