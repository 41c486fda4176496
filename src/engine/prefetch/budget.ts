// Stops prefetching where it does not pay (L11). Each distance has an account: stall that prefetches avoided, against stall that they caused, by
// delaying demands or by evicting experts in vain. A distance with a loss pauses and is tried again later.

/** Distances that have an account of their own: 1 to 7 layers ahead, and more. */
const DISTANCES = 8;
/** Prefetches whose end is known before an account is judged. */
const TRIAL = 64;
/** Prefetches after which an account is halved, so that old ones fade. */
const FULL = 1024;
/** Layers that the first pause lasts; each further one is twice as long, up to the longest. */
const PAUSE = 1024;
const LONGEST_PAUSE = 16384;

/** One distance. */
class Account {
  /** Stall avoided less stall caused, ns. */
  #balanceNs = 0;
  #ends = 0;
  /** Layer, of all that have been known, until which it pauses, and how long the next pause is. */
  #until = 0;
  #pause = PAUSE;

  /** Whether prefetches may start, given how many layers have become known. */
  allows(layers: number): boolean {
    return layers >= this.#until;
  }

  add(ns: number): void {
    this.#balanceNs += ns;
  }

  /** The end of a prefetch is known. */
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

  /** Whether an expert may be brought for the layer that comes `distance` layers after the one that is known, from 1. */
  allows(id: number, distance: number): boolean {
    const at = Math.min(distance, DISTANCES) - 1;
    if (!this.#accounts[at]!.allows(this.#layers)) {
      this.paused++;
      return false;
    }
    this.#accountOf[id] = at;
    return true;
  }

  /** The routing of one more layer is known. */
  known(): void {
    this.#layers++;
  }

  /** A prefetched expert is demanded for the first time, which avoids so much stall, ns; less than 0: a miss would have cost less. */
  used(id: number, avoidedNs: number): void {
    this.#account(id)?.add(avoidedNs);
    this.wasted(id);
  }

  /** A prefetched expert leaves undemanded. */
  wasted(id: number): void {
    this.#account(id)?.ended(this.#layers);
    this.#accountOf[id] = -1;
  }

  /** Demands wait `ns` for the prefetch of `id`, which is under way and not among them. */
  delayed(id: number, ns: number): void {
    this.#account(id)?.add(-ns);
  }

  /** The prefetch of `by` has pushed an expert out. */
  pushedOut(id: number, by: number): void {
    this.#pushedBy[id] = by;
  }

  /**
   * An expert is missed, which costs `ns`: if a prefetch that was not used evicted it, that prefetch is charged.
   * @param unused by expert: 1 while it was brought and has not been demanded
   */
  missed(id: number, ns: number, unused: Uint8Array): void {
    const by = this.#pushedBy[id]!;
    this.#pushedBy[id] = -1;
    if (by >= 0 && unused[by] === 1) this.#account(by)?.add(-ns);
  }

  /** Of an expert that was planned; what is promoted in the background has none. */
  #account(id: number): Account | undefined {
    return this.#accounts[this.#accountOf[id]!];
  }
}
