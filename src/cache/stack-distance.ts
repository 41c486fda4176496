// Exact LRU at several capacities in one pass: a cache of n slots always holds the n most recently used experts, so the larger ones
// hold what the smaller ones hold (Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970).
//
// Uses are marked on a time line of bits, one live mark per expert, and of each cache only the place is kept where it starts: it holds
// the experts whose marks lie there or later. A use moves the start of every cache that misses behind one more mark.

/** Marks per word of the line. */
const WORD = 32;
/** Places on the line per expert: the more, the rarer the line is compacted. Ours: 2 and 8 were no faster in capacity curves. */
const SPREAD = 4;

/** LRU caches of the same experts in several sizes, ids local. */
export class LruStack {
  /** Experts used so far. */
  distinct = 0;
  readonly #slots: Int32Array;
  readonly #marks: Int32Array;
  /** By cache: the place on the line where it starts. */
  readonly #starts: Int32Array;
  /** Place on the line of each expert's last use; -1: not used yet. */
  readonly #place: Int32Array;
  readonly #length: number;
  #end = 0;

  /**
   * @param experts ids are [0, experts)
   * @param slots experts that each cache holds, ascending, each at least 1
   */
  constructor(experts: number, slots: readonly number[]) {
    this.#slots = Int32Array.from(slots);
    this.#length = Math.ceil((SPREAD * experts + 1) / WORD) * WORD;
    this.#marks = new Int32Array(this.#length / WORD);
    this.#starts = new Int32Array(slots.length);
    this.#place = new Int32Array(experts).fill(-1);
  }

  /**
   * The smallest cache that holds `id`, as an index of the slots; their number: none does. Moves nothing, because all members of an
   * event are judged before it changes anything (L2).
   */
  level(id: number): number {
    const starts = this.#starts;
    const place = this.#place[id]!;
    if (place < 0) return starts.length;
    let level = 0;
    while (level < starts.length && place < starts[level]!) level++;
    return level;
  }

  /** Makes `id` the most recently used. */
  touch(id: number): void {
    if (this.#end === this.#length) this.#compact();
    const marks = this.#marks;
    const starts = this.#starts;
    const place = this.#place[id]!;
    const end = this.#end++;
    if (place >= 0) marks[place >>> 5]! ^= 1 << (place & 31);
    else this.distinct++;
    marks[end >>> 5]! ^= 1 << (end & 31);
    this.#place[id] = end;
    for (let level = 0; level < starts.length && place < starts[level]!; level++) {
      // Larger caches have room left, too.
      if (this.distinct <= this.#slots[level]!) break;
      starts[level] = this.#markFrom(starts[level]!) + 1;
    }
  }

  /** Experts that a cache holds, the least recently used first. */
  held(level: number): number[] {
    const places = this.#place;
    const ids = Array.from(places.keys()).filter((id) => places[id]! >= 0 && places[id]! >= this.#starts[level]!);
    return ids.sort((a, b) => places[a]! - places[b]!);
  }

  /** The first mark at or after `place`; there is one. */
  #markFrom(place: number): number {
    const marks = this.#marks;
    let word = place >>> 5;
    let bits = marks[word]! & (-1 << (place & 31));
    while (bits === 0) bits = marks[++word]!;
    return word * WORD + 31 - Math.clz32(bits & -bits);
  }

  /** Moves the marks to the start of the line, in their order. */
  #compact(): void {
    const moved = new Int32Array(this.#length + 1);
    for (const place of this.#place) if (place >= 0) moved[place + 1] = 1;
    for (let place = 0; place < this.#length; place++) moved[place + 1]! += moved[place]!;
    this.#end = this.distinct;
    this.#marks.fill(0);
    for (let place = 0; place < this.#end; place++) this.#marks[place >>> 5]! |= 1 << (place & 31);
    for (let id = 0; id < this.#place.length; id++) if (this.#place[id]! >= 0) this.#place[id] = moved[this.#place[id]!]!;
    for (let level = 0; level < this.#starts.length; level++) this.#starts[level] = moved[this.#starts[level]!]!;
  }
}
