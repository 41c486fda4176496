// L11: stops prefetching at a loss. Each distance weighs stall avoided against stall caused, pauses at a loss, then
// retries.

/** Distances with an own account: 1 to 7 layers ahead, and more. */
const DISTANCES = 8;
/** Prefetches with a known end before judgement. Ours. */
const TRIAL = 16;
/** Prefetches before an account is halved, so that old ones fade. Ours. */
const FULL = 1024;
/** Layers of the first pause; each further one doubles, up to the longest. Ours. */
const PAUSE = 4096;
const LONGEST_PAUSE = 131072;

class Account {
  /** Stall avoided less stall caused, ns. */
  #balanceNs = 0;
  #ends = 0;
  /** Known layers until the pause ends, and length of the next pause. */
  #until = 0;
  #pause = PAUSE;

  /** True if prefetches may start after so many known layers. */
  allows(layers: number): boolean {
    return layers >= this.#until;
  }

  add(ns: number): void {
    this.#balanceNs += ns;
  }

  /** A prefetch's fate is known. */
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

/** Accounts of one GPU, by dense id. */
export class PrefetchBudget {
  /** Prefetches left out. */
  paused = 0;
  /** Known layers. */
  #layers = 0;
  readonly #accounts = Array.from({ length: DISTANCES }, () => new Account());
  /** By expert: account of the last prefetch, and the expert whose prefetch evicted it last; -1: none. */
  readonly #accountOf: Int8Array;
  readonly #pushedBy: Int32Array;

  constructor(experts: number) {
    this.#accountOf = new Int8Array(experts).fill(-1);
    this.#pushedBy = new Int32Array(experts).fill(-1);
  }

  /** @param distance layers after the known one, from 1 */
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

  /** Credits a first demand with the avoided stall, ns; below 0: a miss would have cost less. */
  used(id: number, avoidedNs: number): void {
    this.#account(id)?.add(avoidedNs);
    this.wasted(id);
  }

  /** A prefetched expert leaves unused. */
  wasted(id: number): void {
    this.#account(id)?.ended(this.#layers);
    this.#accountOf[id] = -1;
  }

  /** Charges the running prefetch of `id` with waits of other demands, ns. */
  delayed(id: number, ns: number): void {
    this.#account(id)?.add(-ns);
  }

  /** The prefetch of `by` has evicted an expert. */
  pushedOut(id: number, by: number): void {
    this.#pushedBy[id] = by;
  }

  /**
   * Charges a miss of `ns` to the unused prefetch behind the eviction. @param unused by expert: 1 from arrival to
   * demand
   */
  missed(id: number, ns: number, unused: Uint8Array): void {
    const by = this.#pushedBy[id]!;
    this.#pushedBy[id] = -1;
    if (by >= 0 && unused[by] === 1) this.#account(by)?.add(-ns);
  }

  /** Account of a planned expert; background promotions have none. */
  #account(id: number): Account | undefined {
    return this.#accounts[this.#accountOf[id]!];
  }
}
