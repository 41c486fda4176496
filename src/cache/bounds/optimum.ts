// Hits of Belady's MIN with bypass, without foresight and without a cache. A use hits if a slot is kept for the
// interval since the previous use. Accepting intervals as they end fits most of them, each on the slot returned last
// among those free at its begin (Faigle and Nawijn, Discrete Applied Mathematics 58(1), 1995; Hawkeye's OPTgen, ISCA
// 2016, uses occupancies).

/** Bits of a word of marks. */
const WORD = 32;
/** Places on the line per expert; more mean fewer moves and longer searches; ours. */
const SPREAD = 4;

/** Most hits of one cache of equal experts, local ids. */
export class Optimum {
  hits = 0;
  #slots = 0;
  readonly #free: Int32Array;
  readonly #marks: Int32Array;
  #first: number;
  readonly #place: Int32Array;
  readonly #length: number;
  readonly #moved: Int32Array;
  readonly #given: Int32Array;
  #now = 0;

  /** @param preloaded true: residents before the first event */
  constructor(experts: number, slots: number, preloaded = false) {
    this.#length = Math.ceil((SPREAD * experts + 1) / WORD) * WORD;
    this.#free = new Int32Array(this.#length);
    this.#moved = new Int32Array(this.#length);
    this.#given = new Int32Array(this.#length);
    this.#marks = new Int32Array(this.#length / WORD);
    this.#first = this.#length;
    this.#place = new Int32Array(experts).fill(preloaded ? 0 : -1);
    this.resize(slots);
    if (preloaded) this.#now = 1;
  }

  /** Counts an event (L2). @param ids distinct members, the first `count` entries, by id less `base` */
  event(ids: Int32Array, count: number, base: number): void {
    const places = this.#place;
    const free = this.#free;
    const now = this.#now;
    let hits = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      const place = places[id]!;
      places[id] = now;
      if (place < this.#first) continue;
      hits++;
      // Fast path: most slots come from the place of their return.
      const left = free[place]! - 1;
      if (left > 0) free[place] = left;
      else this.#take(place);
    }
    if (hits > 0) {
      this.hits += hits;
      this.#give(now, hits);
    }
    this.#now = now + 1;
    if (this.#now === this.#length) this.#compact();
  }

  /** Between events. Slots returned last leave, since experts used latest leave. */
  resize(slots: number): void {
    if (slots > this.#slots) this.#give(this.#now, slots - this.#slots);
    for (let gone = this.#slots - slots; gone > 0; gone--) this.#take(this.#now);
    this.#slots = slots;
  }

  /** Takes the slot returned last at or before `place`; must exist. */
  #take(place: number): void {
    const marks = this.#marks;
    let word = place >>> 5;
    let bits = marks[word]! & (-1 >>> (31 - (place & 31)));
    while (bits === 0) bits = marks[--word]!;
    const bit = 31 - Math.clz32(bits);
    const found = word * WORD + bit;
    const left = this.#free[found]! - 1;
    this.#free[found] = left;
    if (left > 0) return;
    marks[word]! ^= 1 << bit;
    if (found === this.#first) this.#first = this.#markFrom(word);
  }

  #give(place: number, slots: number): void {
    this.#free[place]! += slots;
    this.#marks[place >>> 5]! |= 1 << (place & 31);
    if (place < this.#first) this.#first = place;
  }

  #markFrom(word: number): number {
    const marks = this.#marks;
    while (word < marks.length && marks[word] === 0) word++;
    if (word === marks.length) return this.#length;
    return word * WORD + 31 - Math.clz32(marks[word]! & -marks[word]!);
  }

  /** Other slots move to the next kept place. */
  #compact(): void {
    const moved = this.#moved.fill(0);
    const given = this.#given;
    for (const place of this.#place) if (place >= 0) moved[place] = 1;
    given.set(this.#free);
    this.#free.fill(0);
    this.#marks.fill(0);
    this.#first = this.#length;
    let end = 0;
    let slots = 0;
    for (let place = 0; place < this.#length; place++) {
      slots += given[place]!;
      if (moved[place] === 0) continue;
      moved[place] = end;
      if (slots > 0) this.#give(end, slots);
      slots = 0;
      end++;
    }
    if (slots > 0) this.#give(end, slots);
    for (let id = 0; id < this.#place.length; id++) if (this.#place[id]! >= 0) this.#place[id] = moved[this.#place[id]!]!;
    this.#now = end;
  }
}
