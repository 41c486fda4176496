// Optima at several capacities in one pass. Slots of `optimum.ts` are nested by capacity (Mattson's stack
// of MIN): a slot's level is the smallest capacity with that slot.

/** Bits of a word of marks. */
const WORD = 32;
/** Places on the line per expert; more mean fewer compactions. Ours: 2, 4 and 8 are equally fast, 2 is smallest. */
const SPREAD = 2;

/** Most hits of caches of equal experts, local ids. */
export class Optima {
  /** By level: uses that hit from this level up. */
  readonly hits: Float64Array;
  readonly #levels: number;
  readonly #length: number;
  readonly #words: number;
  /** `[place][level]` slots returned. */
  readonly #free: Int32Array;
  /** By place: a bit per level with slots. */
  readonly #held: Int32Array;
  /** `[level][word]` a bit per place with slots of this level or lower. */
  readonly #marks: Int32Array;
  readonly #first: Int32Array;
  /** Slots taken by the running event; last entry: misses. */
  readonly #found: Int32Array;
  readonly #place: Int32Array;
  #now = 0;

  /** @param slots of each cache, ascending, at most 31 @param preloaded true: residents before the first event */
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
    this.#found = new Int32Array(slots.length + 1);
    for (const [level, count] of slots.entries()) this.#found[level] = count - (slots[level - 1] ?? 0);
    if (slots.length > 0) this.#give(0, this.#found, (1 << slots.length) - 1);
    if (preloaded) this.#now = 1;
  }

  /** Counts an event (L2). @param ids distinct members, the first `count` entries, by id less `base` */
  event(ids: Int32Array, count: number, base: number): void {
    const places = this.#place;
    const free = this.#free;
    const found = this.#found;
    const now = this.#now;
    const levels = this.#levels;
    let which = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      const place = places[id]!;
      places[id] = now;
      if (place < 0) continue;
      const at = place * levels;
      if (free[at]! > 1) {
        free[at]! -= 1;
        found[0]! += 1;
        which |= 1;
      } else {
        const level = this.#take(place);
        found[level]! += 1;
        which |= 1 << level;
      }
    }
    found[levels] = 0;
    which &= (1 << levels) - 1;
    for (let rest = which; rest !== 0; rest &= rest - 1) {
      const level = 31 - Math.clz32(rest & -rest);
      this.hits[level]! += found[level]!;
    }
    if (which !== 0) this.#give(now, found, which);
    this.#now = now + 1;
    if (this.#now === this.#length) this.#compact();
  }

  /** From every cache a slot returned at or before `place`. @returns smallest level with a slot, or their number */
  #take(place: number): number {
    const free = this.#free;
    const heldAt = this.#held;
    const first = this.#first;
    const levels = this.#levels;
    let above = levels;
    while (above > 0 && first[above - 1]! <= place) {
      let held = heldAt[place]!;
      if ((held & ((1 << above) - 1)) === 0) {
        place = this.#lastMark(above - 1, place);
        held = heldAt[place]!;
      }
      // The lowest slot of this place rises to the level last taken; the first slot taken leaves.
      const level = 31 - Math.clz32(held & -held);
      const at = place * levels;
      const left = free[at + level]! - 1;
      free[at + level] = left;
      if (above < levels) {
        free[at + above]! += 1;
        held |= 1 << above;
      }
      if (left === 0) {
        held &= held - 1;
        const lowest = held === 0 ? levels : 31 - Math.clz32(held & -held);
        for (let at = level; at < lowest; at++) this.#unmark(at, place);
      }
      heldAt[place] = held;
      above = level;
    }
    return above;
  }

  /** Last place at or before `place` with a slot of `level` or lower; must exist. */
  #lastMark(level: number, place: number): number {
    const marks = this.#marks;
    let word = level * this.#words + (place >>> 5);
    let bits = marks[word]! & (-1 >>> (31 - (place & 31)));
    while (bits === 0) bits = marks[--word]!;
    return (word - level * this.#words) * WORD + 31 - Math.clz32(bits);
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

  /** Returns slots at `place`. @param slots by level, 0 afterwards @param which a bit per level with slots */
  #give(place: number, slots: Int32Array, which: number): void {
    const free = this.#free;
    const marks = this.#marks;
    const first = this.#first;
    const levels = this.#levels;
    const bit = 1 << (place & 31);
    const at = place * levels;
    for (let rest = which; rest !== 0; rest &= rest - 1) {
      const level = 31 - Math.clz32(rest & -rest);
      free[at + level]! += slots[level]!;
      slots[level] = 0;
    }
    const lowest = 31 - Math.clz32(which & -which);
    let word = lowest * this.#words + (place >>> 5);
    for (let level = lowest; level < levels; level++) {
      marks[word]! |= bit;
      if (place < first[level]!) first[level] = place;
      word += this.#words;
    }
    this.#held[place]! |= which;
  }

  /** Other slots move to the next kept place. */
  #compact(): void {
    const levels = this.#levels;
    const moved = new Int32Array(this.#length);
    for (const place of this.#place) if (place >= 0) moved[place] = 1;
    const held = this.#held.slice();
    const given = this.#free.slice();
    this.#free.fill(0);
    this.#held.fill(0);
    this.#marks.fill(0);
    this.#first.fill(this.#length);
    const slots = this.#found;
    let end = 0;
    let which = 0;
    for (let place = 0; place < this.#length; place++) {
      which |= held[place]!;
      for (let rest = held[place]!; rest !== 0; rest &= rest - 1) {
        const level = 31 - Math.clz32(rest & -rest);
        slots[level]! += given[place * levels + level]!;
      }
      if (moved[place] === 0) continue;
      moved[place] = end;
      if (which !== 0) this.#give(end, slots, which);
      which = 0;
      end++;
    }
    if (which !== 0) this.#give(end, slots, which);
    for (let id = 0; id < this.#place.length; id++) if (this.#place[id]! >= 0) this.#place[id] = moved[this.#place[id]!]!;
    this.#now = end;
  }
}
