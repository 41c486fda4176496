// A file of any size, read in parts: headers of models lie in front of gigabytes that nobody needs to read.
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { messageOf, UserError } from '../base/errors.js';
import { formatBytes } from '../base/units.js';

/** An open file. */
export class ModelFile {
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  readonly #fd: number;

  /** @throws UserError where there is no such file, or it may not be read */
  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, 'r');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : `cannot be read: ${messageOf(error)}`;
      throw new UserError(`${path}: ${why}`);
    }
    this.size = fstatSync(this.#fd).size;
  }

  /** Up to `length` bytes from `offset` on; fewer where the file ends. */
  read(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - offset)));
    let done = 0;
    while (done < buffer.length) {
      const count = this.#attempt(() => readSync(this.#fd, buffer, done, buffer.length - done, offset + done));
      if (count === 0) break;
      done += count;
    }
    return buffer.subarray(0, done);
  }

  /** The whole file as text. @throws UserError where it has more than `limit` bytes */
  text(limit: number): string {
    if (this.size > limit)
      throw new UserError(`${this.path}: has ${formatBytes(this.size)}, but no such file has more than ${formatBytes(limit)}`);
    return this.read(0, this.size)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  }

  close(): void {
    closeSync(this.#fd);
  }

  #attempt<T>(operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      throw new UserError(`${this.path}: cannot be read: ${messageOf(error)}`);
    }
  }
}

/** Opens a file for as long as `use` takes. */
export function withFile<T>(path: string, use: (file: ModelFile) => T): T {
  const file = new ModelFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** Names in a folder. @throws UserError where it may not be read */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw new UserError(`${path}: cannot be read: ${messageOf(error)}`);
  }
}
