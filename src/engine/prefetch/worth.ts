import { NEWEST, newer } from './miss-cost.js';

interface Candidate {
  readonly chance: number;
  /** Layers from the next routing to the expert's layer, from 0. */
  readonly distance: number;
  /** Time of the next routing, start and duration of the transfer, ns. */
  readonly nextNs: number;
  readonly startNs: number;
  readonly transferNs: number;
  /** Extra time of a miss over a hit, ns: a whole transfer, or less with a computing CPU. */
  readonly missNs: number;
  /** Longest expected wait of a demand for the running transfer, ns: the transfer, or half a chunk if interruptible. */
  readonly heldNs: number;
  /** Expected nearness of the victim's next use, 0..1; 0: no victim. */
  readonly victimWorth: number;
  /** Nearness of the fetched expert's next use after one pass; 0: unknown. */
  readonly laterWorth: number;
  /** True: the victim's layer comes no later than the fetched expert's. */
  readonly victimFirst: boolean;
}

/** Running means: transfer time saved, less stall of demands and of evicted experts. */
export class PrefetchWorth {
  /** Share of events with demands on the link. */
  #missRate = 1;
  /** Time between routings, and from an event's end to the next routing, ns; 0: unknown. */
  #layerNs = 0;
  #denseNs = 0;
  /** Mean time from a pass's last event to the next pass's first routing, ns. */
  #betweenNs = 0;
  #knownNs = Number.NaN;
  #endedNs = Number.NaN;
  #demands = 0;

  /** @param first true: first routing of a pass, after the end of a pass */
  known(nowNs: number, first = false): void {
    if (first && nowNs >= this.#endedNs) this.#betweenNs = newer(this.#betweenNs, nowNs - this.#endedNs);
    if (!first && nowNs > this.#knownNs) this.#layerNs = newer(this.#layerNs, nowNs - this.#knownNs);
    if (!first && nowNs >= this.#endedNs) this.#denseNs = newer(this.#denseNs, nowNs - this.#endedNs);
    this.#knownNs = nowNs;
  }

  ended(nowNs: number): void {
    this.#endedNs = nowNs;
  }

  /** @param demands of the link so far */
  placed(demands: number): void {
    this.#missRate += NEWEST * ((demands > this.#demands ? 1 : 0) - this.#missRate);
    this.#demands = demands;
  }

  /** Expected next routing after an event's end at `nowNs`, ns. @param last true: last event of the pass */
  nextNs(nowNs: number, last = false): number {
    return nowNs + (last ? this.#betweenNs : this.#denseNs);
  }

  /** Expected stall saved less expected stall caused, ns. */
  of({ chance, distance, heldNs, laterWorth, missNs, nextNs, startNs, transferNs, victimFirst, victimWorth }: Candidate): number {
    const hiddenNs = Math.min(transferNs, Math.max(0, nextNs - startNs) + distance * this.#layerNs);
    // A late arrival makes its event wait for the rest, and saves the miss.
    const savedNs = missNs - (transferNs - hiddenNs);
    const residualNs = Math.min(heldNs, missNs, Math.max(0, startNs + transferNs - nextNs));
    // A demanded prefetch for the next layer is itself the demand on the link.
    const others = distance === 0 ? 1 - chance : 1;
    // A demand would evict the same victim, unless the victim is used first or worth more (the expert runs from
    // staging).
    const lost = victimFirst ? victimWorth : victimWorth - chance * Math.min(victimWorth, laterWorth);
    return chance * savedNs - others * this.#missRate * residualNs - lost * missNs;
  }
}
