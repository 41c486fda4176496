// A set of numbers with fast access to the largest: bits in words, and above them a level of bits for the words that are not empty.

/** Numbers from 0 to below a limit. */
export class LateSet {
  /** Words of bits; every level has one bit for each word of the one below. */
  readonly #levels: readonly Int32Array[];
  readonly #lowest: Int32Array;

  constructor(limit: number) {
    const levels: Int32Array[] = [];
    for (let words = limit; levels.length === 0 || words > 1; ) {
      words = Math.ceil(words / 32) || 1;
      levels.push(new Int32Array(words));
    }
    this.#levels = levels;
    this.#lowest = levels[0]!;
  }

  clear(): void {
    for (const words of this.#levels) words.fill(0);
  }

  add(value: number): void {
    const lowest = this.#lowest;
    const first = lowest[value >>> 5]!;
    lowest[value >>> 5] = first | (1 << (value & 31));
    if (first !== 0) return;
    const levels = this.#levels;
    for (let level = 1, at = value >>> 5; level < levels.length; level++) {
      const words = levels[level]!;
      const word = at >>> 5;
      const before = words[word]!;
      words[word] = before | (1 << (at & 31));
      if (before !== 0) return;
      at = word;
    }
  }

  delete(value: number): void {
    const levels = this.#levels;
    for (let level = 0, at = value; level < levels.length; level++) {
      const words = levels[level]!;
      const word = at >>> 5;
      const left = words[word]! & ~(1 << (at & 31));
      words[word] = left;
      if (left !== 0) return;
      at = word;
    }
  }

  /** The largest number; -1 where the set is empty. */
  max(): number {
    const levels = this.#levels;
    let word = 0;
    for (let level = levels.length - 1; level >= 0; level--) {
      const bits = levels[level]![word]!;
      if (bits === 0) return -1;
      word = (word << 5) + 31 - Math.clz32(bits);
    }
    return word;
  }
}
