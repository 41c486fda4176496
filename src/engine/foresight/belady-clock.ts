// Time under Belady on demand where all loads take equally long: the number of misses of an event decides its time, and the Belady bound (L15)
// counts these misses already, without knowing the future.
import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { WORK } from './demand-block.js';
import { onDemandNs } from './on-demand.js';

/** A clock of one GPU. */
export class BeladyClock {
  /** Without idle time between passes. */
  nowNs = 0;
  readonly #belady: BeladyBound;
  readonly #loadNs: number;
  #hits = 0;

  /**
   * @param belady exact; it receives each event before this clock does
   * @param loadNs time of any load
   */
  constructor(belady: BeladyBound, loadNs: number) {
    this.#belady = belady;
    this.#loadNs = loadNs;
  }

  /** An event of `size` experts, at least one, see {@link WORK}. */
  event(size: number, work: Float64Array): void {
    const { hits } = this.#belady;
    this.nowNs += onDemandNs(size, size - (hits - this.#hits), work[WORK.gpu]! / size, this.#loadNs);
    this.#hits = hits;
  }
}
