import { type ModelSpec, mostExperts } from '../model/door.js';
import { PageStore } from './pages.js';

/** 256 KiB. Events never cross pages: the largest has 65,534 experts after two words. */
export const PAGE_WORDS = 1 << 17;
/** Pages kept in memory: 8 MiB. */
const MEMORY_PAGES = 32;

/** Recorded events in order, each a layer and its members in L3 order. */
export interface DemandCursor {
  /** Moves to the next event; false at the end. */
  next(): boolean;
  readonly layer: number;
  /** Members by dense id in L3 order, the first `count` entries. */
  readonly ids: Int32Array;
  readonly count: number;
}

/** Append-only record of events, bounded by disk instead of memory. */
export class DemandLog {
  readonly model: ModelSpec;
  /** False: an event is a set (L2). True: each activation is judged alone (L7). */
  readonly sequential: boolean;
  events = 0;
  members = 0;

  readonly #store = new PageStore(PAGE_WORDS * 2, MEMORY_PAGES);
  /** Per event: layer, count, then `count` experts within the layer. */
  readonly #page = new Uint16Array(PAGE_WORDS);
  #used = 0;
  readonly #fullWords: number[] = [];

  constructor(model: ModelSpec, sequential = false) {
    this.model = model;
    this.sequential = sequential;
  }

  get pages(): number {
    return this.#fullWords.length + (this.#used > 0 ? 1 : 0);
  }

  /** Appends an event. @param ids members by dense id in L3 order, the first `count` entries */
  append(layer: number, ids: Int32Array, count: number): void {
    if (this.#used + 2 + count > PAGE_WORDS) this.#turn();
    const page = this.#page;
    let at = this.#used;
    page[at++] = layer;
    page[at++] = count;
    const { offset } = this.model.layers[layer]!;
    for (let i = 0; i < count; i++) page[at++] = ids[i]! - offset;
    this.#used = at;
    this.events++;
    this.members += count;
  }

  /** Reads a page into `into` ({@link PAGE_WORDS} words). @returns words used */
  read(page: number, into: Uint16Array): number {
    if (page === this.#fullWords.length) {
      into.set(this.#page);
      return this.#used;
    }
    this.#store.read(page, new Uint8Array(into.buffer, into.byteOffset, into.byteLength));
    return this.#fullWords[page]!;
  }

  close(): void {
    this.#store.close();
    this.#fullWords.length = this.#used = this.events = this.members = 0;
  }

  #turn(): void {
    this.#store.write(this.#fullWords.length, new Uint8Array(this.#page.buffer));
    this.#fullWords.push(this.#used);
    this.#used = 0;
  }
}

/** Cursor from the start of a log. */
export class LogCursor implements DemandCursor {
  layer = 0;
  count = 0;
  readonly ids: Int32Array;
  /** Page of the event, and its first member's index in the page. */
  page = -1;
  start = 0;

  readonly #log: DemandLog;
  readonly #offsets: Int32Array;
  readonly #words = new Uint16Array(PAGE_WORDS);
  #used = 0;
  #at = 0;

  constructor(log: DemandLog) {
    this.#log = log;
    this.#offsets = Int32Array.from(log.model.layers, (layer) => layer.offset);
    this.ids = new Int32Array(log.sequential ? PAGE_WORDS : mostExperts(log.model));
  }

  next(): boolean {
    if (this.#at >= this.#used) {
      if (this.page + 1 >= this.#log.pages) return false;
      this.#used = this.#log.read(++this.page, this.#words);
      this.#at = 0;
    }
    const words = this.#words;
    const { ids } = this;
    this.layer = words[this.#at]!;
    const count = words[this.#at + 1]!;
    const offset = this.#offsets[this.layer]!;
    const start = this.#at + 2;
    for (let i = 0; i < count; i++) ids[i] = offset + words[start + i]!;
    this.count = count;
    this.start = start;
    this.#at = start + count;
    return true;
  }
}
