// Pages of equal size, the first ones in memory and the rest in one nameless temporary file: a recording of a run may be larger than memory,
// and its length must not change how much memory the run takes.

import { attempt, temporaryFile } from '../base/files.js';
import { closeSync, readSync, writeSync } from '../base/host/files.js';
import { tmpdir } from '../base/host/machine.js';

/** A store of pages by number. */
export class PageStore {
  readonly pageBytes: number;
  readonly #memoryPages: number;
  readonly #memory: Uint8Array[] = [];
  #fd: number | null = null;

  /**
   * @param pageBytes size of a page
   * @param memoryPages pages below this number stay in memory
   */
  constructor(pageBytes: number, memoryPages: number) {
    this.pageBytes = pageBytes;
    this.#memoryPages = memoryPages;
  }

  /**
   * Writes page `page`; `bytes` is copied.
   * @throws UserError where there is no room for the file
   */
  write(page: number, bytes: Uint8Array): void {
    if (page < this.#memoryPages) {
      this.#memory[page] = bytes.slice();
      return;
    }
    const fd = (this.#fd ??= temporaryFile());
    const position = (page - this.#memoryPages) * this.pageBytes;
    attempt(tmpdir(), () => {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
    });
  }

  /** Reads page `page`, which was written, into `into`. */
  read(page: number, into: Uint8Array): void {
    if (page < this.#memoryPages) {
      into.set(this.#memory[page]!);
      return;
    }
    const position = (page - this.#memoryPages) * this.pageBytes;
    for (let done = 0; done < into.length; ) {
      const count = readSync(this.#fd!, into, done, into.length - done, position + done);
      if (count === 0) throw new Error(`page ${page} was never written`);
      done += count;
    }
  }

  /** Drops all pages and the file. */
  close(): void {
    this.#memory.length = 0;
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
  }
}
