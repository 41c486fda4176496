import { NEWEST, newer } from './miss-cost.js';

interface Candidate {
  /** Chance of a demand at the expert's layer. */
  readonly chance: number;
  /** Layers from the next routing to the expert's, from 0. */
  readonly distance: number;
  /** Next routing, start of the transfer, and duration, ns. */
  readonly nextNs: number;
  readonly startNs: number;
  readonly transferNs: number;
  /** A miss beyond a hit, ns: a whole transfer, or less beside a CPU. */
  readonly missNs: number;
  /** Longest expected wait of a demand for the running transfer, ns: all of it or, if chunks yield, half a chunk. */
  readonly heldNs: number;
  /** Expected nearness of the victim's next use, 0..1; 0: no victim. */
  readonly victimWorth: number;
  /** The same for the expert one pass after its use; 0: unknown. */
  readonly laterWorth: number;
  /** True: the victim's layer comes no later than the fetched expert's. */
  readonly victimFirst: boolean;
}

/** Value of a prefetch by a run's means: transfer time saved, less stall of demands and evicted experts. */
export class PrefetchWorth {
  /** Share of events with demands on the link. */
  #missRate = 1;
  /** From routing to routing, and from an event's end to the next routing, ns; 0: not known yet. */
  #layerNs = 0;
  #denseNs = 0;
  /** From a pass's last event to the next pass's first routing, ns. */
  #betweenNs = 0;
  #knownNs = Number.NaN;
  #endedNs = Number.NaN;
  #demands = 0;

  /** A known routing. @param first true: a pass's first, after the end of the last pass */
  known(nowNs: number, first = false): void {
    if (first && nowNs >= this.#endedNs) this.#betweenNs = newer(this.#betweenNs, nowNs - this.#endedNs);
    if (!first && nowNs > this.#knownNs) this.#layerNs = newer(this.#layerNs, nowNs - this.#knownNs);
    if (!first && nowNs >= this.#endedNs) this.#denseNs = newer(this.#denseNs, nowNs - this.#endedNs);
    this.#knownNs = nowNs;
  }

  ended(nowNs: number): void {
    this.#endedNs = nowNs;
  }

  /** Updates the miss rate by the link's demands so far. */
  placed(demands: number): void {
    this.#missRate += NEWEST * ((demands > this.#demands ? 1 : 0) - this.#missRate);
    this.#demands = demands;
  }

  /** Expected next routing after an event's end at `nowNs`, ns. @param last true: the pass's last event */
  nextNs(nowNs: number, last = false): number {
    return nowNs + (last ? this.#betweenNs : this.#denseNs);
  }

  /** Expected stall saved less expected stall caused, ns. */
  of({ chance, distance, heldNs, laterWorth, missNs, nextNs, startNs, transferNs, victimFirst, victimWorth }: Candidate): number {
    const hiddenNs = Math.min(transferNs, Math.max(0, nextNs - startNs) + distance * this.#layerNs);
    // A late arrival makes its event wait for the rest, and saves the miss.
    const savedNs = missNs - (transferNs - hiddenNs);
    const residualNs = Math.min(heldNs, missNs, Math.max(0, startNs + transferNs - nextNs));
    // A prefetch demanded at the next layer is the link's demand itself.
    const others = distance === 0 ? 1 - chance : 1;
    // On demand it would push out the same victim, unless used by then or worth more: then it would run from staging.
    const lost = victimFirst ? victimWorth : victimWorth - chance * Math.min(victimWorth, laterWorth);
    return chance * savedNs - others * this.#missRate * residualNs - lost * missNs;
  }
}
