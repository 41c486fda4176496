import type { ModelSpec } from '../../model/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { PageStore } from '../pages.js';
import { NEVER } from '../policy.js';

/** Choices per page, about: whole rows. */
const PAGE_CHOICES = 1 << 16;
/** Pages in memory: 2 MiB of choices, 4 MiB of next uses. */
const MEMORY_PAGES = 16;

/** Log of `[layers, topK]` expert rows with next uses, backwards, then forwards. A file holds rows beyond memory. */
export class RowLog {
  readonly #offsets: Int32Array;
  readonly #experts: number;
  readonly #layers: number;
  readonly #topK: number;
  readonly #sequential: boolean;
  readonly #pageRows: number;
  readonly #rows: PageStore;
  readonly #next: PageStore;
  readonly #page: Uint16Array;
  readonly #pageNext: Int32Array;
  #tokens = 0;
  #events = 0;

  /** @param sequential each choice is an event (L7) */
  constructor(model: ModelSpec, topK: number, sequential: boolean) {
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#experts = model.experts;
    this.#layers = model.layers.length;
    this.#topK = topK;
    this.#sequential = sequential;
    const row = this.#layers * topK;
    this.#pageRows = Math.max(1, Math.floor(PAGE_CHOICES / row));
    this.#page = new Uint16Array(this.#pageRows * row);
    this.#pageNext = new Int32Array(this.#pageRows * row);
    this.#rows = new PageStore(this.#page.byteLength, MEMORY_PAGES);
    this.#next = new PageStore(this.#pageNext.byteLength, MEMORY_PAGES);
  }

  append(experts: Uint16Array, tokens: number): void {
    const row = this.#layers * this.#topK;
    for (let from = 0; from < tokens; ) {
      const at = this.#tokens % this.#pageRows;
      const count = Math.min(tokens - from, this.#pageRows - at);
      this.#page.set(experts.subarray(from * row, (from + count) * row), at * row);
      this.#countEvents(at, at + count);
      from += count;
      this.#tokens += count;
      if (at + count === this.#pageRows) this.#rows.write(this.#pages - 1, bytesOf(this.#page));
    }
  }

  /** Computes all next uses; ends appending. */
  lookBack(): void {
    if (this.#tokens % this.#pageRows !== 0) this.#rows.write(Math.floor(this.#tokens / this.#pageRows), bytesOf(this.#page));
    const first = new Int32Array(this.#experts).fill(NEVER);
    const [experts, next] = [this.#page, this.#pageNext];
    const [layers, topK, atomic] = [this.#layers, this.#topK, !this.#sequential];
    let event = this.#events;
    for (let page = this.#pages - 1; page >= 0; page--) {
      this.#rows.read(page, bytesOf(experts));
      for (let start = (this.#rowsOf(page) * layers - 1) * topK, layer = layers - 1; start >= 0; start -= topK) {
        const offset = this.#offsets[layer]!;
        layer = layer === 0 ? layers - 1 : layer - 1;
        let counted = false;
        for (let at = start + topK - 1; at >= start; at--) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          if (!counted) event--;
          counted = atomic;
          next[at] = first[offset + expert]!;
          first[offset + expert] = event;
        }
      }
      this.#next.write(page, bytesOf(this.#pageNext));
    }
  }

  /** `visit` gets arrays overwritten by the next call. */
  walk(visit: (experts: Uint16Array, next: Int32Array, rows: number) => void): void {
    for (let page = 0; page < this.#pages; page++) {
      this.#rows.read(page, bytesOf(this.#page));
      this.#next.read(page, bytesOf(this.#pageNext));
      visit(this.#page, this.#pageNext, this.#rowsOf(page));
    }
  }

  close(): void {
    this.#rows.close();
    this.#next.close();
  }

  get #pages(): number {
    return Math.ceil(this.#tokens / this.#pageRows);
  }

  #rowsOf(page: number): number {
    return Math.min(this.#pageRows, this.#tokens - page * this.#pageRows);
  }

  #countEvents(from: number, to: number): void {
    const [experts, topK] = [this.#page, this.#topK];
    let events = 0;
    for (let start = from * this.#layers * topK; start < to * this.#layers * topK; start += topK) {
      let choices = 0;
      for (let at = start; at < start + topK; at++) choices += Math.min(1, NULL_EXPERT - experts[at]!);
      events += this.#sequential ? choices : Math.min(1, choices);
    }
    this.#events += events;
  }
}

const bytesOf = (array: Uint16Array | Int32Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
