import { NEWEST, newer } from './miss-cost.js';

interface Candidate {
  /** Chance that the expert is demanded at its layer. */
  readonly chance: number;
  /** Layers from the next routing to that layer, from 0. */
  readonly distance: number;
  /** Time of the next routing, start of the transfer, and its duration, ns. */
  readonly nextNs: number;
  readonly startNs: number;
  readonly transferNs: number;
  /** What a miss adds to its event beyond a hit, ns: a whole transfer, or less if the CPU computes it. */
  readonly missNs: number;
  /** Most that a demand is expected to wait for the running transfer, ns: all of it or, if that yields between chunks, half a chunk. */
  readonly heldNs: number;
  /** Expected nearness of the victim's next use, 0..1; 0: there is no victim. */
  readonly victimWorth: number;
  /** The same for the expert itself one pass after its use; 0: unknown. */
  readonly laterWorth: number;
  /** True: the layer of that expert comes no later than that of the one to be fetched. */
  readonly victimFirst: boolean;
}

/** The value of a prefetch by means of the run: the transfer time that it is expected to save, less the stall of demands and of evicted experts. */
export class PrefetchWorth {
  /** Share of events with demands on the link. */
  #missRate = 1;
  /** Time from the routing of one layer to that of the next, and from the end of an event to there, ns; 0: not known yet. */
  #layerNs = 0;
  #denseNs = 0;
  /** The same from the last event of a pass to the first routing of the next, ns. */
  #betweenNs = 0;
  #knownNs = Number.NaN;
  #endedNs = Number.NaN;
  #demands = 0;

  /** The routing of a layer has become known. @param first it is the first of a pass, with the end of the one before in between */
  known(nowNs: number, first = false): void {
    if (first && nowNs >= this.#endedNs) this.#betweenNs = newer(this.#betweenNs, nowNs - this.#endedNs);
    if (!first && nowNs > this.#knownNs) this.#layerNs = newer(this.#layerNs, nowNs - this.#knownNs);
    if (!first && nowNs >= this.#endedNs) this.#denseNs = newer(this.#denseNs, nowNs - this.#endedNs);
    this.#knownNs = nowNs;
  }

  ended(nowNs: number): void {
    this.#endedNs = nowNs;
  }

  /** Updates the miss rate with the link's number of demands so far. */
  placed(demands: number): void {
    this.#missRate += NEWEST * ((demands > this.#demands ? 1 : 0) - this.#missRate);
    this.#demands = demands;
  }

  /** Expected time of the next routing, if an event ends at `nowNs`, ns. @param last it is the last of its pass */
  nextNs(nowNs: number, last = false): number {
    return nowNs + (last ? this.#betweenNs : this.#denseNs);
  }

  /** Expected stall saved less expected stall caused, ns. */
  of({ chance, distance, heldNs, laterWorth, missNs, nextNs, startNs, transferNs, victimFirst, victimWorth }: Candidate): number {
    const hiddenNs = Math.min(transferNs, Math.max(0, nextNs - startNs) + distance * this.#layerNs);
    // What arrives too late makes its event wait for the rest, and saves the miss.
    const savedNs = missNs - (transferNs - hiddenNs);
    const residualNs = Math.min(heldNs, missNs, Math.max(0, startNs + transferNs - nextNs));
    // A prefetch for the next layer that is demanded there is itself the demand on the link.
    const others = distance === 0 ? 1 - chance : 1;
    // If wanted, it would push out its victim on demand as well, unless that is used by then or worth more: it would run from staging.
    const lost = victimFirst ? victimWorth : victimWorth - chance * Math.min(victimWorth, laterWorth);
    return chance * savedNs - others * this.#missRate * residualNs - lost * missNs;
  }
}
