interface PassOutcome {
  /** Time from first to last routing, ns, and layers in between. */
  readonly durationNs: number;
  readonly layers: number;
  /** Bytes transferred for the pass, on demand or ahead. */
  readonly bytes: number;
  /** Demanded prefetches: in time, and late. */
  readonly useful: number;
  readonly late: number;
  readonly wasted: number;
}

/** Weight of the newest pass in running means. */
const NEWEST = 0.1;
/** Late share of demanded prefetches that lengthens the horizon. */
const TOO_LATE = 0.1;
/** Wasted share of decided prefetches that shortens the horizon. */
const TOO_MANY_WASTED = 0.3;

/** S = experts x bytes / (bandwidth x layer time), adapted: +1 for stalls, -1 for over-fetch (arXiv 2510.26730). */
export class AdaptiveHorizon {
  /** Layers ahead, at least 1. */
  layers = 1;
  readonly #most: number;
  readonly #nsPerByte: number;
  #bytesPerLayer = 0;
  #layerNs = 0;
  #correction = 0;

  /** @param most layers of the model @param nsPerByte of the whole link */
  constructor(most: number, nsPerByte: number) {
    this.#most = most;
    this.#nsPerByte = nsPerByte;
  }

  ended({ durationNs, layers, bytes, useful, late, wasted }: PassOutcome): void {
    const weight = this.#layerNs === 0 ? 1 : NEWEST;
    this.#bytesPerLayer += weight * (bytes / layers - this.#bytesPerLayer);
    this.#layerNs += weight * (durationNs / layers - this.#layerNs);
    // On a full link a larger horizon starts no transfer earlier: waste takes precedence.
    if (wasted > TOO_MANY_WASTED * (useful + late + wasted)) this.#correction--;
    else if (late > TOO_LATE * (useful + late)) this.#correction++;
    const needed = Math.ceil((this.#bytesPerLayer * this.#nsPerByte) / this.#layerNs);
    // Beyond `most`, prefetches are late because the link is full.
    const most = Math.min(this.#most, 2 * needed + 2);
    const bounded = Math.max(1, Math.min(most, needed + this.#correction));
    this.#correction = bounded - needed;
    this.layers = bounded;
  }
}
