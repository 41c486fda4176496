import type { LinkSpec } from '../../hardware/door.js';
import { Link } from '../transfer/link.js';

/** Start and end of an offered transfer, ns. */
interface Offer {
  readonly startNs: number;
  readonly endNs: number;
}

/** Lanes by free time. Demands are known and interrupt no transfer. */
export class Lanes {
  /** First free lane, ns. */
  freeNs = 0;
  readonly #link: Link;
  readonly #freeNs: Float64Array;
  #lane = 0;
  readonly #offer = { startNs: 0, endNs: 0 };

  constructor(spec: LinkSpec) {
    this.#link = new Link(spec, new Float64Array(0));
    this.#freeNs = new Float64Array(spec.lanes);
  }

  durationNs(bytes: number): number {
    return this.#link.laneNs(0, bytes);
  }

  /** Earliest arrival of `bytes` requested at `atNs`, sent by {@link take}. @returns a reused object */
  offer(bytes: number, atNs: number): Offer {
    const offer = this.#offer;
    offer.endNs = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < this.#freeNs.length; lane++) {
      const startNs = Math.max(atNs, this.#freeNs[lane]!);
      const endNs = startNs + this.#link.laneNs(lane, bytes);
      if (endNs >= offer.endNs) continue;
      offer.startNs = startNs;
      offer.endNs = endNs;
      this.#lane = lane;
    }
    return offer;
  }

  take(): Offer {
    this.#occupy(this.#lane, this.#offer.endNs);
    return this.#offer;
  }

  /** Sends `bytes` from `startNs` on over the first free lane. @returns end, ns */
  start(bytes: number, startNs: number): number {
    const lane = this.#first();
    const endNs = startNs + this.#link.laneNs(lane, bytes);
    this.#occupy(lane, endNs);
    return endNs;
  }

  #occupy(lane: number, untilNs: number): void {
    const freeNs = this.#freeNs;
    freeNs[lane] = untilNs;
    this.freeNs = freeNs.length === 1 ? untilNs : freeNs[this.#first()]!;
  }

  #first(): number {
    let lane = 0;
    for (let other = 1; other < this.#freeNs.length; other++) if (this.#freeNs[other]! < this.#freeNs[lane]!) lane = other;
    return lane;
  }
}
