import { type DemandLog, LogCursor, PAGE_WORDS } from './demand.js';
import { PageStore } from './pages.js';
import { NEVER } from './policy.js';

/** Pages kept in memory: 16 MiB. */
const MEMORY_PAGES = 32;

/** Next uses of a recorded run, found by one backward pass and walked in step with the replay. */
export class Future {
  /** By dense id; NEVER = not used. */
  readonly first: Int32Array;
  /** True: each event is a single activation; false: a set of experts. */
  readonly sequential: boolean;

  /** At the member's place in the log's page. */
  readonly #store = new PageStore(PAGE_WORDS * 4, MEMORY_PAGES);
  readonly #page = new Int32Array(PAGE_WORDS);
  #pageNumber = -1;
  readonly #cursor: LogCursor;
  #given = 0;
  #started = false;

  /** A complete log, open while the future is used. */
  constructor(log: DemandLog) {
    this.sequential = log.sequential;
    this.first = new Int32Array(log.model.experts).fill(NEVER);
    const { first } = this;
    const offsets = Int32Array.from(log.model.layers, (layer) => layer.offset);
    const words = new Uint16Array(PAGE_WORDS);
    const next = new Int32Array(PAGE_WORDS);
    const starts = new Int32Array(PAGE_WORDS >> 1);
    let event = log.sequential ? log.members : log.events;
    for (let page = log.pages - 1; page >= 0; page--) {
      const used = log.read(page, words);
      let count = 0;
      for (let at = 0; at < used; at += 2 + words[at + 1]!) starts[count++] = at;
      while (count-- > 0) {
        const at = starts[count]!;
        const offset = offsets[words[at]!]!;
        const start = at + 2;
        if (!log.sequential) event--;
        for (let i = start + words[at + 1]! - 1; i >= start; i--) {
          const id = offset + words[i]!;
          if (log.sequential) event--;
          next[i] = first[id]!;
          first[id] = event;
        }
      }
      this.#store.write(page, new Uint8Array(next.buffer));
    }
    this.#cursor = new LogCursor(log);
  }

  /** To the next event, whose members' next uses go to `nextUse`, by dense id; the first call writes first uses. */
  advance(nextUse: Int32Array): void {
    if (!this.#started) {
      this.#started = true;
      nextUse.set(this.first);
    }
    const cursor = this.#cursor;
    if (this.#given === 0) {
      if (!cursor.next()) throw new Error('the future is shorter than the run: the log is not of this run');
      if (cursor.page !== this.#pageNumber) {
        this.#pageNumber = cursor.page;
        this.#store.read(cursor.page, new Uint8Array(this.#page.buffer));
      }
    }
    const page = this.#page;
    const { ids, start, count } = cursor;
    if (this.sequential) {
      nextUse[ids[this.#given]!] = page[start + this.#given]!;
      this.#given = (this.#given + 1) % count;
    } else {
      for (let i = 0; i < count; i++) nextUse[ids[i]!] = page[start + i]!;
    }
  }

  /** Drops the next uses; the log stays open. */
  close(): void {
    this.#store.close();
  }
}
