/** Set of numbers below a limit with a fast maximum: bits in words, and a bit per nonempty word. No branch. */
export class LateSet {
  readonly #words: Int32Array;
  readonly #used: Int32Array;
  #top = 0;

  constructor(limit: number) {
    this.#words = new Int32Array((limit >>> 5) + 1);
    this.#used = new Int32Array((limit >>> 10) + 1);
  }

  clear(): void {
    this.#words.fill(0);
    this.#used.fill(0);
    this.#top = 0;
  }

  /** @param count 1; 0: not added */
  add(value: number, count = 1): void {
    const word = value >>> 5;
    const top = word >>> 5;
    this.#words[word]! |= count << (value & 31);
    this.#used[top]! |= count << (word & 31);
    if (top * count > this.#top) this.#top = top;
  }

  delete(value: number): void {
    this.#words[value >>> 5]! &= ~(1 << (value & 31));
  }

  /** Largest number; -1: empty. */
  max(): number {
    const words = this.#words;
    const used = this.#used;
    for (let top = this.#top; top >= 0; top--) {
      this.#top = top;
      for (let bits = used[top]!; bits !== 0; bits = used[top]!) {
        const last = 31 - Math.clz32(bits);
        const word = (top << 5) + last;
        if (words[word] !== 0) return (word << 5) + 31 - Math.clz32(words[word]!);
        used[top] = bits ^ (1 << last);
      }
    }
    return -1;
  }
}
