// The optimum of one cache at several capacities, in one pass. The slots that `optimum.ts` keeps for one capacity are nested: where a
// cache of n slots has them, given back at such times, every larger cache has these and others. Mattson's stack of MIN, in levels.
//
// So a slot has a level, the smallest capacity that it belongs to. A use takes from each capacity the slot given back last before the
// interval began. Seen from the largest capacity down that is one walk back over the line: the first slot found is taken from all that
// have it, and the smaller ones go on; where they find another, that one is left to those in between.

/** Marks per word of the line. */
const WORD = 32;
/** Places on the line per expert, as in `optimum.ts`. */
const SPREAD = 4;

/** The most hits that caches of equal experts can have, ids local. */
export class Optima {
  /** By level: uses that hit with its slots and do not with those below. */
  readonly hits: Float64Array;
  readonly #levels: number;
  readonly #length: number;
  readonly #words: number;
  /** `[place][level]` slots given back. */
  readonly #free: Int32Array;
  /** By place: a bit per level of the slots there. */
  readonly #held: Int32Array;
  /** `[level][word]` a bit per place: whether slots of this level or a lower one lie there. */
  readonly #marks: Int32Array;
  /** By level: the first such place; the length of the line: there is none. */
  readonly #first: Int32Array;
  /** Place on the line of each expert's last use; -1: not used yet. */
  readonly #place: Int32Array;
  /** Place of the running event. */
  #now = 0;

  /**
   * @param experts ids are [0, experts)
   * @param slots experts that each cache holds, ascending; at most 31 caches
   * @param preloaded true: experts may lie in the caches before their first use, as if all had been used once before the run
   */
  constructor(experts: number, slots: readonly number[], preloaded: boolean) {
    this.#levels = slots.length;
    this.hits = new Float64Array(slots.length);
    this.#words = Math.ceil((SPREAD * experts + 1) / WORD);
    this.#length = this.#words * WORD;
    this.#free = new Int32Array(this.#length * slots.length);
    this.#held = new Int32Array(this.#length);
    this.#marks = new Int32Array(this.#words * slots.length);
    this.#first = new Int32Array(slots.length).fill(this.#length);
    this.#place = new Int32Array(experts).fill(preloaded ? 0 : -1);
    for (const [level, count] of slots.entries()) this.#give(0, level, count - (slots[level - 1] ?? 0));
    if (preloaded) this.#now = 1;
  }

  /**
   * One event, whose members are used at one time (L2).
   * @param ids distinct members, the first `count` entries, by id less `base`
   */
  event(ids: Int32Array, count: number, base: number): void {
    const places = this.#place;
    const { hits } = this;
    const free = this.#free;
    const now = this.#now;
    const levels = this.#levels;
    const row = now * levels;
    let held = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      const place = places[id]!;
      places[id] = now;
      if (place < this.#first[levels - 1]!) continue;
      let level = 0;
      const at = place * levels;
      // Most slots are found where they were given back, beside others.
      if (free[at]! > 1) free[at]! -= 1;
      else level = this.#take(place);
      hits[level]! += 1;
      free[row + level]! += 1;
      held |= 1 << level;
    }
    if (held !== 0) this.#mark(now, held);
    this.#now = now + 1;
    if (this.#now === this.#length) this.#compact();
  }

  /** Takes a slot given back at or before `place` from every cache that has one. @returns the level of the smallest */
  #take(place: number): number {
    const levels = this.#levels;
    let above = levels;
    for (let level = levels - 1; level >= 0 && this.#first[level]! <= place; level = above - 1) {
      place = this.#lastMark(level, place);
      const lowest = 31 - Math.clz32(this.#held[place]! & -this.#held[place]!);
      this.#move(place, lowest, above);
      above = lowest;
      place--;
    }
    return above;
  }

  /** The last place at or before `place` with a slot of `level` or below; there is one. */
  #lastMark(level: number, place: number): number {
    const marks = this.#marks;
    let word = level * this.#words + (place >>> 5);
    let bits = marks[word]! & (-1 >>> (31 - (place & 31)));
    while (bits === 0) bits = marks[--word]!;
    return (word - level * this.#words) * WORD + 31 - Math.clz32(bits);
  }

  /** A slot at `place`, of the lowest level there, goes to level `to`; the number of levels: it goes. */
  #move(place: number, from: number, to: number): void {
    const at = place * this.#levels;
    const left = this.#free[at + from]! - 1;
    this.#free[at + from] = left;
    let held = this.#held[place]!;
    if (to < this.#levels) {
      this.#free[at + to]! += 1;
      held |= 1 << to;
    }
    if (left === 0) {
      held ^= 1 << from;
      const lowest = held === 0 ? this.#levels : 31 - Math.clz32(held & -held);
      for (let level = from; level < lowest; level++) this.#unmark(level, place);
    }
    this.#held[place] = held;
  }

  #unmark(level: number, place: number): void {
    const marks = this.#marks;
    const start = level * this.#words;
    let word = start + (place >>> 5);
    marks[word]! ^= 1 << (place & 31);
    if (place !== this.#first[level]) return;
    const end = start + this.#words;
    while (word < end && marks[word] === 0) word++;
    this.#first[level] = word === end ? this.#length : (word - start) * WORD + 31 - Math.clz32(marks[word]! & -marks[word]!);
  }

  /** Slots of the levels in `held` lie at `place`, where some may lie already. */
  #mark(place: number, held: number): void {
    this.#held[place] = this.#held[place]! | held;
    const marks = this.#marks;
    const first = this.#first;
    const bit = 1 << (place & 31);
    let word = (31 - Math.clz32(held & -held)) * this.#words + (place >>> 5);
    for (let level = 31 - Math.clz32(held & -held); level < this.#levels; level++) {
      marks[word] = marks[word]! | bit;
      word += this.#words;
      if (place < first[level]!) first[level] = place;
    }
  }

  #give(place: number, level: number, slots: number): void {
    if (slots === 0) return;
    this.#free[place * this.#levels + level]! += slots;
    this.#mark(place, 1 << level);
  }

  /** Keeps the places of last uses. Slots of other places move to the next that is kept: no use lies between, so none can tell. */
  #compact(): void {
    const levels = this.#levels;
    const moved = new Int32Array(this.#length);
    for (const place of this.#place) if (place >= 0) moved[place] = 1;
    const given = this.#free.slice();
    this.#free.fill(0);
    this.#held.fill(0);
    this.#marks.fill(0);
    this.#first.fill(this.#length);
    const slots = new Int32Array(levels);
    let end = 0;
    const give = (): void => {
      for (let level = 0; level < levels; level++) this.#give(end, level, slots[level]!);
      slots.fill(0);
    };
    for (let place = 0; place < this.#length; place++) {
      for (let level = 0; level < levels; level++) slots[level]! += given[place * levels + level]!;
      if (moved[place] === 0) continue;
      moved[place] = end;
      give();
      end++;
    }
    // Given back after the last use of any expert: for events to come.
    give();
    for (let id = 0; id < this.#place.length; id++) if (this.#place[id]! >= 0) this.#place[id] = moved[this.#place[id]!]!;
    this.#now = end;
  }
}
