// A bound on the hits of one cache whose experts differ in size; the optimum itself is NP-hard there. From one use of an expert to the
// next the cache must keep its bytes for a hit: bytes x events. All hits together have capacity x events. Held to that sum alone, and not
// to the capacity at every event, the most hits are the cheapest ones. (PFOO-U in Berger, Beckmann and Harchol-Balter, "Practical bounds
// on optimal caching with variable object sizes", SIGMETRICS 2018.)

/** Bins by cost per doubling: costs within one differ by less than half a percent. */
const BINS = 256;
/** Doublings that costs may span: from a byte to 2^63 of them. */
const DOUBLINGS = 64;
/** No use yet. */
const NEVER = -2;

/** Adds up the costs of hits, in memory that does not grow with the run. */
export class Relaxation {
  readonly #sizes: Float64Array;
  /** Event of each expert's last use; NEVER: none. */
  readonly #last: Float64Array;
  /** Possible hits by cost, and the least cost among those of a bin. */
  readonly #count = new Float64Array(BINS * DOUBLINGS);
  readonly #least = new Float64Array(BINS * DOUBLINGS).fill(Number.POSITIVE_INFINITY);
  /** Events so far, what the cache could keep from each to the next, and its capacity before the running one. */
  #event = 0;
  #room = 0;
  #capacityBytes: number;
  readonly #preloaded: boolean;

  /**
   * @param sizes bytes by expert, at least one each
   * @param preloaded true: experts may lie in the cache before their first use
   */
  constructor(sizes: Float64Array, capacityBytes: number, preloaded: boolean) {
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
    this.#preloaded = preloaded;
    this.#last = new Float64Array(sizes.length).fill(preloaded ? -1 : NEVER);
  }

  /**
   * One event, whose members are used at one time (L2).
   * @param ids distinct members, the first `count` entries
   */
  event(ids: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#use(ids[i]!);
    // Nothing needs to be kept until the first event, unless it lay there before.
    if (this.#event > 0 || this.#preloaded) this.#room += this.#capacityBytes;
    this.#event++;
  }

  /** Changes the capacity between two events. */
  resize(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  /** Hits that no choice of residents exceeds. */
  get hits(): number {
    let left = this.#room;
    let hits = 0;
    for (let bin = 0; bin < this.#count.length; bin++) {
      const possible = this.#count[bin]!;
      if (possible === 0) continue;
      const least = this.#least[bin]!;
      const taken = Math.min(possible, Math.floor(left / least));
      hits += taken;
      if (taken < possible) break;
      left -= taken * least;
    }
    return hits;
  }

  #use(id: number): void {
    const last = this.#last[id]!;
    this.#last[id] = this.#event;
    const bytes = this.#sizes[id]!;
    if (last === NEVER || bytes > this.#capacityBytes) return;
    const cost = bytes * (this.#event - last);
    const bin = Math.floor(Math.log2(cost) * BINS);
    this.#count[bin]! += 1;
    if (cost < this.#least[bin]!) this.#least[bin] = cost;
  }
}
