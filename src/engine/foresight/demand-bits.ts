/** Bit per demand of a block, set for a miss: clocks skip hits. */
export class DemandBits {
  readonly #words: Int32Array;

  constructor(limit: number) {
    this.#words = new Int32Array((limit >>> 5) + 1);
  }

  clear(): void {
    this.#words.fill(0);
  }

  add(demand: number): void {
    this.#words[demand >>> 5]! |= 1 << (demand & 31);
  }

  delete(demand: number): void {
    this.#words[demand >>> 5]! &= ~(1 << (demand & 31));
  }

  has(demand: number): boolean {
    return ((this.#words[demand >>> 5]! >>> (demand & 31)) & 1) === 1;
  }

  /** First member from `from` on; `limit` if absent. */
  nextFrom(from: number, limit: number): number {
    if (from >= limit) return limit;
    const words = this.#words;
    const last = (limit - 1) >>> 5;
    let word = from >>> 5;
    let bits = words[word]! & (-1 << (from & 31));
    while (bits === 0) {
      if (word === last) return limit;
      bits = words[++word]!;
    }
    return Math.min(limit, (word << 5) + 31 - Math.clz32(bits & -bits));
  }

  /** Adds next demands of experts with members in [from, to). @returns number of members */
  addNext(from: number, to: number, next: Int32Array): number {
    let members = 0;
    for (let demand = this.nextFrom(from, to); demand < to; demand = this.nextFrom(demand + 1, to)) {
      this.add(next[demand]!);
      members++;
    }
    return members;
  }
}
