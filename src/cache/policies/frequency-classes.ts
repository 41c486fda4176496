import { IdLists } from '../id-lists.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyContext, policy } from '../policy.js';

/** Class 0: counts of 0; class c: [2^(c-1), 2^c). A count is a 32-bit integer. */
const CLASSES = 33;

class FrequencyClasses implements CachePolicy {
  readonly #uses: Uint32Array;
  readonly #seen: Float64Array;
  readonly #lists: IdLists;
  readonly #class: number[];
  readonly #halfLife: number;
  readonly #clock: Clock;
  #now = 0;
  #halvings = 0;

  constructor({ clock, experts }: PolicyContext, halfLife: number) {
    this.#uses = new Uint32Array(experts);
    this.#seen = new Float64Array(experts);
    this.#lists = new IdLists(experts, CLASSES + 1);
    this.#class = Array.from({ length: CLASSES + 1 }, (_, list) => experts + list);
    this.#halfLife = halfLife;
    this.#clock = clock;
  }

  touch(id: number): void {
    this.streamed(id);
    this.#seen[id] = ++this.#now;
    this.#lists.moveToFront(this.#listOf(id), id);
  }

  streamed(id: number): void {
    this.#settle();
    this.#uses[id]! += 1;
  }

  insert(id: number, used: boolean): void {
    if (used) this.streamed(id);
    else this.#settle();
    this.#seen[id] = ++this.#now;
    this.#lists.pushFront(this.#listOf(id), id);
  }

  remove(id: number): void {
    this.#lists.unlink(id);
  }

  victim(_incoming: number, pins: Pins): number {
    this.#settle();
    for (let c = 0; c < CLASSES; c++) {
      const id = this.#lists.oldest(this.#class[c]!, pins);
      if (id !== NONE) return id;
    }
    return NONE;
  }

  #listOf(id: number): number {
    return this.#class[CLASSES - 1 - Math.clz32(this.#uses[id]!)]!;
  }

  #settle(): void {
    for (const due = Math.floor(this.#clock.pass / this.#halfLife); this.#halvings < due; this.#halvings++) this.#halve();
  }

  /** Halving lowers each count by one class: class 1 joins class 0, the lists above are renumbered. */
  #halve(): void {
    const lists = this.#lists;
    for (let id = 0; id < this.#uses.length; id++) this.#uses[id]! >>>= 1;
    const [zero, first] = this.#class as [number, number];
    const merged = this.#class[CLASSES]!;
    for (;;) {
      const [a, b] = [lists.newer(zero), lists.newer(first)];
      if (a === zero && b === first) break;
      const older = b === first || (a !== zero && this.#seen[a]! < this.#seen[b]!) ? a : b;
      lists.moveToFront(merged, older);
    }
    this.#class.splice(0, 2, merged);
    this.#class[CLASSES - 1] = first;
    this.#class[CLASSES] = zero;
  }
}

/**
 * Reported order of llama.cpp's expert cache (`src/llama-moe-cache.cpp`): LRU by class of frequency, counts halved
 * every 128 tokens. Differences: classes are powers of two, `halfLife` counts passes, counts outlive residency, a
 * prefetch is no use.
 */
export const frequencyClasses = policy({
  name: 'frequency-classes',
  summary: 'evicts the least recently used expert of the lowest class of decayed use counts',
  cites: 'llama.cpp, src/llama-moe-cache.cpp',
  parameters: { halfLife: { default: 128, min: 1, description: 'passes after which all counts are halved' } },
  create: (context, { halfLife }) => new FrequencyClasses(context, halfLife),
});
