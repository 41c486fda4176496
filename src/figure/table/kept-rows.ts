import { closeTemporary, readAll, temporaryFile, writeTemporary } from '../../base/files.js';
import { grown } from '../../base/grown.js';
import { bytesOf, textOf } from '../../base/host/bytes.js';
import type { RunRow } from './run-row.js';

/** Bytes held in memory. */
const BLOCK = 2 ** 20;

type Head = readonly [row: Omit<RunRow, 'metrics'>, names: number];

/** Rows of a study as bytes, about 1 KiB each instead of four; beyond 1 MiB in a temporary file. Set in any order. */
export class KeptRows implements Iterable<RunRow> {
  length = 0;
  /** By row: record start, from 1 (0: unset), and head bytes. */
  #places = new Float64Array(128);
  readonly #names: (readonly string[])[] = [];
  readonly #setOf = new Map<string, number>();
  #fd: number | null = null;
  #written = 0;
  #block = new Uint8Array(BLOCK);
  #used = 0;

  /** @throws UserError on a full disk */
  set(index: number, { metrics, ...row }: RunRow): void {
    const names = Object.keys(metrics);
    const all = names.join('\n');
    if (!this.#setOf.has(all)) this.#setOf.set(all, this.#names.push(names) - 1);
    const head = bytesOf(JSON.stringify([row, this.#setOf.get(all)!] satisfies Head));
    if (2 * index + 2 > this.#places.length) this.#places = grown(this.#places, 2 * index + 2);
    const at = this.#append(head, new Uint8Array(Float64Array.from(Object.values(metrics)).buffer));
    this.#places.set([at + 1, head.length], 2 * index);
    this.length++;
  }

  /** Rows by ascending number. */
  *[Symbol.iterator](): Generator<RunRow> {
    for (let at = 0; at < this.#places.length; at += 2) {
      const start = this.#places[at]! - 1;
      if (start < 0) continue;
      const headBytes = this.#places[at + 1]!;
      const [row, set] = JSON.parse(textOf(this.#read(start, headBytes))) as Head;
      const names = this.#names[set]!;
      const figures = new Float64Array(this.#read(start + headBytes, 8 * names.length).buffer);
      yield { ...row, metrics: Object.fromEntries(names.map((name, index) => [name, figures[index]!])) };
    }
  }

  close(): void {
    if (this.#fd !== null) closeTemporary(this.#fd);
    this.#fd = null;
  }

  #append(head: Uint8Array, figures: Uint8Array): number {
    const bytes = head.length + figures.length;
    if (this.#used + bytes > this.#block.length) {
      writeTemporary((this.#fd ??= temporaryFile()), this.#block.subarray(0, this.#used));
      this.#written += this.#used;
      this.#used = 0;
      if (bytes > BLOCK) this.#block = new Uint8Array(bytes);
    }
    const at = this.#used;
    this.#block.set(head, at);
    this.#block.set(figures, at + head.length);
    this.#used += bytes;
    return this.#written + at;
  }

  #read(start: number, length: number): Uint8Array<ArrayBuffer> {
    if (start >= this.#written) return this.#block.slice(start - this.#written, start - this.#written + length);
    const bytes = new Uint8Array(length);
    readAll(this.#fd!, bytes, start);
    return bytes;
  }
}
