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
  /** Members of the running event by level, as its uses. */
  readonly #missed: Int32Array;
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
    this.#missed = new Int32Array(slots.length + 1);
    this.#place = new Int32Array(experts).fill(-1);
  }

  /**
   * One event. All members are judged before it changes anything (L2).
   * @param ids distinct members in L3 order, the first `count` entries, by id less `base`
   * @param uses by level, the smallest cache that holds a member; the last entry: none does
   */
  event(ids: Int32Array, count: number, base: number, uses: Float64Array): void {
    if (this.#end + count > this.#length) this.#compact();
    const levels = this.#slots.length;
    const places = this.#place;
    const marks = this.#marks;
    const starts = this.#starts;
    const missed = this.#missed;
    let end = this.#end;
    let first = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      const place = places[id]!;
      let level = 0;
      while (level < levels && place < starts[level]!) level++;
      uses[level]! += 1;
      missed[level]! += 1;
      if (place < 0) first++;
      else marks[place >>> 5]! ^= 1 << (place & 31);
      marks[end >>> 5]! ^= 1 << (end & 31);
      places[id] = end++;
    }
    this.#end = end;
    this.#leave(first);
  }

  /** Each cache lets the least recent leave for what it has missed, as far as it is full. @param first members that were new */
  #leave(first: number): void {
    const slots = this.#slots;
    const marks = this.#marks;
    const missed = this.#missed;
    const starts = this.#starts;
    const before = this.distinct;
    this.distinct += first;
    let misses = missed[slots.length]!;
    missed[slots.length] = 0;
    for (let level = slots.length - 1; level >= 0; level--) {
      let start = starts[level]!;
      let word = start >>> 5;
      let bits = marks[word]! & (-1 << (start & 31));
      for (let left = misses - Math.max(0, slots[level]! - before); left > 0; left--) {
        while (bits === 0) bits = marks[++word]!;
        start = word * WORD + 32 - Math.clz32(bits & -bits);
        bits &= bits - 1;
      }
      starts[level] = start;
      misses += missed[level]!;
      missed[level] = 0;
    }
  }

  /** Experts that a cache holds, the least recently used first. */
  held(level: number): number[] {
    const places = this.#place;
    const ids = Array.from(places.keys()).filter((id) => places[id]! >= 0 && places[id]! >= this.#starts[level]!);
    return ids.sort((a, b) => places[a]! - places[b]!);
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
