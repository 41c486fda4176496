import { closeTemporary, readAll, temporaryFile, writeTemporary } from '../base/files.js';

/** Random-access pages of equal size, in memory up to a limit, then in a file. */
export class Pages {
  readonly #pageBytes: number;
  readonly #limit: number;
  readonly #initial: Uint8Array;
  readonly #buffers: ArrayBuffer[] = [];
  readonly #pageOf: number[] = [];
  readonly #dirty: boolean[] = [];
  readonly #used: boolean[] = [];
  /** Slot by page; -1: only in the file, -2: never written. */
  readonly #slotOf: number[] = [];
  #hand = 0;
  #fd: number | null = null;

  /** @param initial content of a new page @param memoryBytes limit, at least two pages */
  constructor(initial: Uint8Array, memoryBytes: number) {
    this.#initial = initial;
    this.#pageBytes = initial.length;
    this.#limit = Math.max(2, Math.floor(memoryBytes / initial.length));
  }

  /** True once a temporary file is in use. */
  get spilled(): boolean {
    return this.#fd !== null;
  }

  /** A page, valid until the next call. @param write true before changes */
  page(index: number, write: boolean): ArrayBuffer {
    while (this.#slotOf.length <= index) this.#slotOf.push(-2);
    let slot = this.#slotOf[index]!;
    if (slot < 0) {
      const isNew = slot === -2;
      slot = this.#free();
      const buffer = this.#buffers[slot]!;
      if (isNew) new Uint8Array(buffer).set(this.#initial);
      else this.#load(index, buffer);
      this.#slotOf[index] = slot;
      this.#pageOf[slot] = index;
      this.#dirty[slot] = isNew;
    }
    if (write) this.#dirty[slot] = true;
    this.#used[slot] = true;
    return this.#buffers[slot]!;
  }

  close(): void {
    if (this.#fd !== null) closeTemporary(this.#fd);
    this.#fd = null;
    this.#buffers.length = 0;
    this.#slotOf.length = 0;
  }

  /** Free slot, or the slot of a page not used recently (CLOCK). */
  #free(): number {
    if (this.#buffers.length < this.#limit) return this.#buffers.push(new ArrayBuffer(this.#pageBytes)) - 1;
    while (this.#used[this.#hand]) {
      this.#used[this.#hand] = false;
      this.#hand = (this.#hand + 1) % this.#limit;
    }
    const slot = this.#hand;
    this.#hand = (slot + 1) % this.#limit;
    const page = this.#pageOf[slot]!;
    if (this.#dirty[slot]) this.#save(page, this.#buffers[slot]!);
    this.#slotOf[page] = -1;
    return slot;
  }

  #save(page: number, buffer: ArrayBuffer): void {
    writeTemporary((this.#fd ??= temporaryFile()), new Uint8Array(buffer), page * this.#pageBytes);
  }

  #load(page: number, buffer: ArrayBuffer): void {
    const got = readAll(this.#fd!, new Uint8Array(buffer), page * this.#pageBytes);
    if (got < this.#pageBytes) throw new Error('a page of the temporary file is missing');
  }
}
