// Exact LRU at many capacities in one pass: n slots hold the n most recent experts (Mattson et al., IBM
// Systems Journal 9(2), 1970). A few caches (bounds) keep their start; counting marks finds the caches between.
import { bitCount } from '../../base/bits.js';

/** Bits of a word of marks. */
const WORD = 32;
/** Places on the line per expert; more mean fewer compactions. Ours: 4 and 16 were slower in capacity curves. */
const SPREAD = 8;
/** Most bounds. Ours: above some twenty capacities, moving starts costs more than counting marks. */
const BOUNDS = 16;

/** LRU caches of the same experts in several sizes, local ids. */
export class LruStack {
  distinct = 0;
  readonly #slots: readonly number[];
  /** By bound: slots, level, place of its start on the line. */
  readonly #bounds: Int32Array;
  readonly #levels: Int32Array;
  readonly #starts: Int32Array;
  /** By bound: members of the running event held; last entry: not held. */
  readonly #found: Int32Array;
  /** By slots, `[experts + 1]`: smallest cache with more. */
  readonly #levelAt: Uint16Array;
  readonly #marks: Int32Array;
  readonly #place: Int32Array;
  readonly #length: number;
  #end = 0;

  /** @param slots experts per cache, ascending, each at least 1 */
  constructor(experts: number, slots: readonly number[]) {
    const step = Math.ceil(slots.length / BOUNDS);
    this.#slots = slots;
    this.#levels = Int32Array.from(slots.keys()).filter((level) => (level + 1) % step === 0);
    this.#bounds = this.#levels.map((level) => slots[level]!);
    this.#starts = new Int32Array(this.#levels.length);
    this.#found = new Int32Array(this.#levels.length + 1);
    this.#levelAt = new Uint16Array(experts + 1);
    for (let level = 0, distance = 0; distance <= experts; distance++) {
      while (level < slots.length && slots[level]! <= distance) level++;
      this.#levelAt[distance] = level;
    }
    this.#length = Math.ceil((SPREAD * experts) / WORD) * WORD;
    this.#marks = new Int32Array(this.#length / WORD);
    this.#place = new Int32Array(experts).fill(-1);
  }

  /** L2. @param ids members in L3 order, less `base` @param uses by the smallest level with the member */
  event(ids: Int32Array, count: number, base: number, uses: Float64Array): void {
    if (this.#end + count > this.#length) this.#compact();
    const places = this.#place;
    const marks = this.#marks;
    const starts = this.#starts;
    const found = this.#found;
    const exact = starts.length === this.#slots.length;
    for (let i = 0; i < count; i++) {
      const place = places[ids[i]! - base]!;
      let bound = 0;
      while (bound < starts.length && place < starts[bound]!) bound++;
      found[bound]! += 1;
      if (!exact) uses[this.#level(place, bound)]! += 1;
    }
    let first = 0;
    let end = this.#end;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      const place = places[id]!;
      if (place < 0) first++;
      else marks[place >>> 5]! ^= 1 << (place & 31);
      marks[end >>> 5]! ^= 1 << (end & 31);
      places[id] = end++;
    }
    this.#end = end;
    this.#leave(count, exact ? uses : null);
    this.distinct += first;
  }

  /** Experts held at a level, least recently used first. */
  held(level: number): number[] {
    const places = this.#place;
    const used = Array.from(places.keys()).filter((id) => places[id]! >= 0);
    return used.sort((a, b) => places[a]! - places[b]!).slice(Math.max(0, used.length - this.#slots[level]!));
  }

  /** Smallest cache with an expert of `place`, from `bound` down. */
  #level(place: number, bound: number): number {
    if (place < 0) return this.#slots.length;
    const marks = this.#marks;
    const to = bound === 0 ? this.#end : this.#starts[bound - 1]!;
    const last = to >>> 5;
    let word = place >>> 5;
    let bits = marks[word]! & (-2 << (place & 31));
    let distance = bound === 0 ? 0 : this.#bounds[bound - 1]!;
    for (; word < last; bits = marks[++word]!) distance += bitCount(bits);
    if (word < marks.length) distance += bitCount(bits & ~(-1 << (to & 31)));
    return this.#levelAt[distance]!;
  }

  /** Per bound, evicts the least recent for each missed member. @param uses counted by bound; null: already counted */
  #leave(count: number, uses: Float64Array | null): void {
    const marks = this.#marks;
    const found = this.#found;
    const starts = this.#starts;
    let misses = count;
    for (let bound = 0; misses > 0; bound++) {
      misses -= found[bound]!;
      if (uses !== null) uses[bound]! += found[bound]!;
      found[bound] = 0;
      if (bound === starts.length) return;
      let left = misses - Math.max(0, this.#bounds[bound]! - this.distinct);
      if (left <= 0) continue;
      let start = starts[bound]!;
      let word = start >>> 5;
      let bits = marks[word]! & (-1 << (start & 31));
      for (; left > 0; left--) {
        while (bits === 0) bits = marks[++word]!;
        start = word * WORD + 32 - Math.clz32(bits & -bits);
        bits &= bits - 1;
      }
      starts[bound] = start;
    }
  }

  #compact(): void {
    const marks = this.#marks.slice();
    const before = new Int32Array(marks.length + 1);
    for (let word = 0; word < marks.length; word++) before[word + 1] = before[word]! + bitCount(marks[word]!);
    const moved = (place: number): number => before[place >>> 5]! + bitCount(marks[place >>> 5]! & ~(-1 << (place & 31)));
    for (let id = 0; id < this.#place.length; id++) if (this.#place[id]! >= 0) this.#place[id] = moved(this.#place[id]!);
    for (let bound = 0; bound < this.#starts.length; bound++) this.#starts[bound] = moved(this.#starts[bound]!);
    this.#end = this.distinct;
    this.#marks.fill(0);
    for (let place = 0; place < this.#end; place++) this.#marks[place >>> 5]! |= 1 << (place & 31);
  }
}

/** Sum of counts up to a level. */
export function upTo(counts: Float64Array, level: number): number {
  let sum = 0;
  for (let at = 0; at <= level; at++) sum += counts[at]!;
  return sum;
}
