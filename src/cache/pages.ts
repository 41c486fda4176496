import { closeTemporary, readAll, temporaryFile, writeTemporary } from '../base/files.js';

/** Pages of equal size, first in memory, then in a nameless file, so memory stays bounded. */
export class PageStore {
  readonly pageBytes: number;
  readonly #memoryPages: number;
  readonly #memory: Uint8Array[] = [];
  #fd: number | null = null;

  /** @param memoryPages pages below this number stay in memory */
  constructor(pageBytes: number, memoryPages: number) {
    this.pageBytes = pageBytes;
    this.#memoryPages = memoryPages;
  }

  /** Writes a copy of `bytes`. @throws UserError if the file has no room */
  write(page: number, bytes: Uint8Array): void {
    if (page < this.#memoryPages) {
      this.#memory[page] = bytes.slice();
      return;
    }
    writeTemporary((this.#fd ??= temporaryFile()), bytes, (page - this.#memoryPages) * this.pageBytes);
  }

  read(page: number, into: Uint8Array): void {
    if (page < this.#memoryPages) {
      into.set(this.#memory[page]!);
      return;
    }
    const got = readAll(this.#fd!, into, (page - this.#memoryPages) * this.pageBytes);
    if (got < into.length) throw new Error(`page ${page} was never written`);
  }

  close(): void {
    this.#memory.length = 0;
    if (this.#fd === null) return;
    closeTemporary(this.#fd);
    this.#fd = null;
  }
}
