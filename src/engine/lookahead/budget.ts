/** Distances with separate accounts: 1 to 7 layers ahead, and more. Ours. */
const DISTANCES = 8;
/** Finished prefetches before an account is judged. Ours. */
const TRIAL = 16;
/** Prefetches before an account is halved, so old prefetches fade. Ours. */
const FULL = 1024;
/** Layers of the first pause, doubled at each further pause. Ours. */
const PAUSE = 4096;
/** Layers of the longest pause. Ours. */
const LONGEST_PAUSE = 131072;

class Account {
  /** Stall avoided less stall caused, ns. */
  #balanceNs = 0;
  #ends = 0;
  /** Known layers at the pause's end, and the next pause, layers. */
  #until = 0;
  #pause = PAUSE;

  allows(layers: number): boolean {
    return layers >= this.#until;
  }

  add(ns: number): void {
    this.#balanceNs += ns;
  }

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

/**
 * L11: stops unprofitable prefetching on a GPU. Each distance weighs stall avoided against stall caused, pauses at a
 * loss, then retries. Experts are dense ids.
 */
export class PrefetchBudget {
  paused = 0;
  #layers = 0;
  readonly #accounts = Array.from({ length: DISTANCES }, () => new Account());
  /** By expert: account of its last prefetch, and last expert prefetched in its place; -1: none. */
  readonly #accountOf: Int8Array;
  readonly #pushedBy: Int32Array;

  constructor(experts: number) {
    this.#accountOf = new Int8Array(experts).fill(-1);
    this.#pushedBy = new Int32Array(experts).fill(-1);
  }

  /** @param distance layers after the known layer, from 1 */
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

  /** Credits a first demand with avoided stall, ns; negative: a miss would have cost less. */
  used(id: number, avoidedNs: number): void {
    this.#account(id)?.add(avoidedNs);
    this.wasted(id);
  }

  wasted(id: number): void {
    this.#account(id)?.ended(this.#layers);
    this.#accountOf[id] = -1;
  }

  /** Charges a running prefetch with `ns` of wait by demands for different experts. */
  delayed(id: number, ns: number): void {
    this.#account(id)?.add(-ns);
  }

  pushedOut(id: number, by: number): void {
    this.#pushedBy[id] = by;
  }

  /** Charges a miss of `ns` to the unused prefetch that evicted. @param unused by expert: 1 while not demanded */
  missed(id: number, ns: number, unused: Uint8Array): void {
    const by = this.#pushedBy[id]!;
    this.#pushedBy[id] = -1;
    if (by >= 0 && unused[by] === 1) this.#account(by)?.add(-ns);
  }

  /** Absent for background promotions. */
  #account(id: number): Account | undefined {
    return this.#accounts[this.#accountOf[id]!];
  }
}
