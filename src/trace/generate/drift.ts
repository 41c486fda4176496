import type { Random } from '../../base/random.js';
import { normalQuantile } from './popularity-shape.js';

/**
 * Share of the variance of log loads common to all texts of a domain. Ours: drawn LFU is within 4 points of
 * recorded LFU (Qwen3-30B-A3B, code, 2,000 tokens), with 1 it is up to 8 above.
 */
export const KEPT = 0.5;
/**
 * Tokens after which a text's part of the load fades by e. Ours: 300 costs half a point of hits at half the experts.
 */
const FORGOTTEN = 1000;
/** Tokens between moves. Ours. */
const STRIDE = 16;

/** Ranks of a load that belongs in part to the domain, in part to the text, and moves along the text. */
export class Drift {
  readonly #random: Random;
  readonly #widths: readonly { readonly keys: Float64Array; readonly scores: Float64Array; readonly order: Uint16Array }[];
  #position = 0;

  /** @param widths numbers of experts a layer */
  constructor(widths: readonly number[], random: Random) {
    this.#random = random;
    this.#widths = widths.map((width) => ({
      keys: new Float64Array(width),
      scores: new Float64Array(width),
      order: Uint16Array.from({ length: width }, (_, rank) => rank),
    }));
  }

  /** Starts a text. */
  begin(): void {
    this.#position = 0;
    this.#move(0);
  }

  /** Moves on by a token. */
  next(): void {
    if (++this.#position % STRIDE === 0) this.#move(Math.exp(-STRIDE / FORGOTTEN));
  }

  /** Domain rank by rank in the text at this token. @param width a known number of experts */
  order(width: number): Uint16Array {
    return this.#widths.find(({ order }) => order.length === width)!.order;
  }

  /** An Ornstein-Uhlenbeck step of normal scores. @param kept correlation with the step before */
  #move(kept: number): void {
    const [shared, apart, fresh] = [Math.sqrt(KEPT), Math.sqrt(1 - KEPT), Math.sqrt(1 - kept * kept)];
    for (const { keys, order, scores } of this.#widths) {
      for (let rank = 0; rank < scores.length; rank++) {
        scores[rank] = kept * scores[rank]! + fresh * this.#random.normal();
        keys[rank] = shared * normalQuantile(1 - (rank + 0.5) / scores.length) + apart * scores[rank]!;
      }
      order.sort((a, b) => keys[b]! - keys[a]! || a - b);
    }
  }
}
