// Routing of whole requests: a prompt is sent to an expert (a whole model, an adapter) with all of its tokens. Requests are independent of
// one another; experts differ in popularity.
import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/spec.js';
import { NULL_EXPERT } from '../trace.js';
import { GuideTable } from './popularity-shape.js';

/** Draws one row per request. */
export class RequestRouting {
  /** Width of a row per layer. */
  readonly topK: number;
  /** Requests have no token ids. */
  readonly tokenId = -1;
  readonly #layers: ModelSpec['layers'];
  readonly #random: Random;
  /** By number of experts: popularity by rank, and the expert of each rank. */
  readonly #tables = new Map<number, { readonly shares: GuideTable; readonly ranking: Uint16Array }>();
  readonly #row: Uint16Array;

  /**
   * @param zipf popularity of rank r is r^-zipf (Zipf's law); 0: all experts equally popular
   * @param part suffix of the random stream that draws requests: another suffix gives other requests of the same popularity
   */
  constructor(model: ModelSpec, zipf: number, seed: number, part = '') {
    this.#layers = model.layers;
    this.topK = Math.max(...model.layers.map((layer) => layer.topK));
    this.#random = new Random(seed, `trace/synthetic/request${part}`);
    this.#row = new Uint16Array(model.layers.length * this.topK);
    const shape = new Random(seed, 'trace/synthetic/shape');
    for (const { experts } of model.layers) {
      if (this.#tables.has(experts)) continue;
      const order = Uint16Array.from({ length: experts }, (_, i) => i);
      for (let i = experts - 1; i > 0; i--) {
        const j = shape.below(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      const shares = new GuideTable(Float64Array.from({ length: experts }, (_, rank) => (rank + 1) ** -zipf));
      this.#tables.set(experts, { shares, ranking: order });
    }
  }

  /** Routes a request. Layers of equal size choose the same experts, since an adapter or a model has weights in every layer. */
  begin(): void {
    const { topK } = this;
    this.#row.fill(NULL_EXPERT);
    this.#layers.forEach((layer, index) => {
      const at = index * topK;
      const before = this.#layers[index - 1];
      if (before?.experts === layer.experts && before.topK === layer.topK) {
        this.#row.copyWithin(at, at - topK, at);
        return;
      }
      const { shares, ranking } = this.#tables.get(layer.experts)!;
      for (let rank = 0; rank < layer.topK; ) {
        const expert = ranking[shares.at(this.#random.next())]!;
        if (this.#row.subarray(at, at + rank).includes(expert)) continue;
        this.#row[at + rank++] = expert;
      }
    });
  }

  /** Writes the next token's row `[layers, topK]`, the same for all of its request, to `ids` from `at`. */
  next(ids: Uint16Array, at: number): void {
    ids.set(this.#row, at);
  }
}
