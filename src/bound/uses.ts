// Every use of an expert in a run: its share of the gate weights of its tokens, and how many events it would have had to stay in the cache since
// its previous use.

import type { Simulation } from '../engine/compose/simulation.js';
import type { Inputs } from '../engine/inputs/inputs.js';
import { Onlooker } from '../engine/transfer/observer.js';
import type { Pass } from '../schedule/pass.js';
import { NULL_EXPERT } from '../trace/trace.js';

/** A use: an expert of an event, however many of its tokens chose it. */
export interface ExpertUse {
  /** Gate weight of the expert over the event's tokens; each token's weights add up to 1. Without weights, rank r counts 1 / r. */
  readonly weight: number;
  /** Time of its transfer, in which the whole link is taken, and least time of the GPU, ns. */
  readonly linkNs: number;
  readonly gpuNs: number;
  readonly bytes: number;
  /** Events since its last use, or since the run began. */
  readonly events: number;
}

/** Records the uses of a run. */
export class UseLog extends Onlooker {
  readonly uses: ExpertUse[] = [];
  /** Weight of all tokens at all layers. */
  weight = 0;
  events = 0;
  tokens = 0;
  readonly #inputs: Inputs;
  readonly #linkNs: readonly number[];
  readonly #gpuNs: readonly number[];
  /** By dense id: the event that used it last; -1: none. */
  readonly #last: Int32Array;

  constructor(inputs: Inputs, { gpus }: Simulation) {
    super();
    const { layers } = inputs.model;
    const [{ cost, gpu }] = gpus as [Simulation['gpus'][number]];
    this.#inputs = inputs;
    this.#linkNs = layers.map(({ expertBytes }) => gpu.link.transferNs(expertBytes) / gpu.link.lanes);
    this.#gpuNs = layers.map((_, layer) => cost.expertNs(layer, 1));
    this.#last = new Int32Array(inputs.model.experts).fill(-1);
  }

  override passStarted(pass: Pass): void {
    this.tokens += pass.tokens;
    for (let layer = 0; layer < pass.layers; layer++) this.#event(pass, layer);
  }

  #event({ choices, row, tokens, topK, weights }: Pass, layer: number): void {
    const { expertBytes, offset } = this.#inputs.model.layers[layer]!;
    const shares = new Map<number, number>();
    for (let token = 0; token < tokens; token++) {
      const from = token * row + layer * topK;
      let total = 0;
      for (let rank = 0; rank < topK; rank++) if (choices[from + rank] !== NULL_EXPERT) total += weightOf(weights, from, rank);
      if (total === 0) continue;
      this.weight++;
      for (let rank = 0; rank < topK; rank++) {
        const expert = choices[from + rank]!;
        if (expert !== NULL_EXPERT) shares.set(expert, (shares.get(expert) ?? 0) + weightOf(weights, from, rank) / total);
      }
    }
    if (shares.size === 0) return;
    for (const [expert, weight] of shares) {
      const id = offset + expert;
      const events = this.events - this.#last[id]!;
      this.#last[id] = this.events;
      this.uses.push({ weight, linkNs: this.#linkNs[layer]!, gpuNs: this.#gpuNs[layer]!, bytes: expertBytes, events });
    }
    this.events++;
  }
}

function weightOf(weights: Float32Array | null, from: number, rank: number): number {
  return weights === null ? 1 / (rank + 1) : weights[from + rank]!;
}
