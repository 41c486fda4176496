// Stops prefetching if it does not pay (L11): each distance weighs stall avoided against stall caused, pauses at a loss, then tries again.

/** Distances that have an account of their own: 1 to 7 layers ahead, and more. */
const DISTANCES = 8;
/** Number of prefetches with a known end before an account is judged. */
const TRIAL = 16;
/** Prefetches after which an account is halved, so that old ones fade. */
const FULL = 1024;
/** Layers that the first pause lasts; each further one is twice as long, up to the longest. */
const PAUSE = 4096;
const LONGEST_PAUSE = 131072;

class Account {
  /** Stall avoided less stall caused, ns. */
  #balanceNs = 0;
  #ends = 0;
  /** Number of known layers until which it pauses, and the length of the next pause. */
  #until = 0;
  #pause = PAUSE;

  /** True if prefetches may start, given the number of known layers. */
  allows(layers: number): boolean {
    return layers >= this.#until;
  }

  add(ns: number): void {
    this.#balanceNs += ns;
  }

  /** Counts the known fate of a prefetch. */
  ended(layers: number): void {
    this.#ends++;
    if (layers < this.#until || this.#ends < TRIAL) return;
    if (this.#balanceNs < 0) {
      this.#until = layers + this.#pause;
      this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
      this.#balanceNs = this.#ends = 0;
    } else if (this.#ends >= FULL) {
      this.#pause = PAUSE;
      this.#balanceNs /= 2;
      this.#ends /= 2;
    }
  }
}

/** The accounts of one GPU. Experts are given by dense id. */
export class PrefetchBudget {
  /** Prefetches that were left out. */
  paused = 0;
  /** Layers that have been known. */
  #layers = 0;
  readonly #accounts = Array.from({ length: DISTANCES }, () => new Account());
  /** By expert: account of its last prefetch, and the expert whose prefetch evicted it last; -1: none. */
  readonly #accountOf: Int8Array;
  readonly #pushedBy: Int32Array;

  constructor(experts: number) {
    this.#accountOf = new Int8Array(experts).fill(-1);
    this.#pushedBy = new Int32Array(experts).fill(-1);
  }

  /** True if an expert may be prefetched for the layer `distance` layers (from 1) after the known one. */
  allows(id: number, distance: number): boolean {
    const at = Math.min(distance, DISTANCES) - 1;
    if (!this.#accounts[at]!.allows(this.#layers)) {
      this.paused++;
      return false;
    }
    this.#accountOf[id] = at;
    return true;
  }

  known(): void {
    this.#layers++;
  }

  /** Credits the first demand of a prefetched expert with the stall that it avoids, ns; less than 0: a miss would have cost less. */
  used(id: number, avoidedNs: number): void {
    this.#account(id)?.add(avoidedNs);
    this.wasted(id);
  }

  /** Records a prefetched expert that leaves without a demand. */
  wasted(id: number): void {
    this.#account(id)?.ended(this.#layers);
    this.#accountOf[id] = -1;
  }

  /** Charges the prefetch of `id`, which is under way, with `ns` that demands for other experts wait for it. */
  delayed(id: number, ns: number): void {
    this.#account(id)?.add(-ns);
  }

  /** Records that the prefetch of `by` has evicted an expert. */
  pushedOut(id: number, by: number): void {
    this.#pushedBy[id] = by;
  }

  /** Charges a miss of `ns` to the unused prefetch that evicted the expert. @param unused by expert: 1 while brought and not demanded */
  missed(id: number, ns: number, unused: Uint8Array): void {
    const by = this.#pushedBy[id]!;
    this.#pushedBy[id] = -1;
    if (by >= 0 && unused[by] === 1) this.#account(by)?.add(-ns);
  }

  /** The account of a planned expert; background promotions have none. */
  #account(id: number): Account | undefined {
    return this.#accounts[this.#accountOf[id]!];
  }
}
