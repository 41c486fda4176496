import type { CostModel, Interconnect } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Shard } from '../memory/shard.js';

/** Every GPU gathers missing experts, computes its tokens and drops the experts (Tutel, arXiv 2206.03382, 3.1). */
export class Gathered {
  /** By layer: bytes gathered by all GPUs. */
  readonly bytes: Float64Array;
  /** By layer: gathering, ns: latency + bytes / bandwidth of the GPU with the fewest experts. */
  readonly gatherNs: Float64Array;
  /** By GPU: execution time of its tokens' activations, ns, and their number. */
  readonly workNs: Float64Array;
  readonly activations: Float64Array;
  /** Longest of {@link workNs}. */
  longestNs = 0;
  readonly #model: ModelSpec;
  readonly #cost: CostModel;
  readonly #counts: Int32Array;
  readonly #width: number;

  constructor(model: ModelSpec, cost: CostModel, interconnect: Interconnect, shards: readonly Shard[]) {
    const lacked = model.layers.map(({ experts, expertBytes, index }) =>
      shards.map((shard) => (experts - shard.model.layers[index]!.experts) * expertBytes),
    );
    this.#model = model;
    this.#cost = cost;
    this.bytes = Float64Array.from(lacked, (bytes) => bytes.reduce((sum, size) => sum + size, 0));
    this.gatherNs = Float64Array.from(lacked, (bytes) => interconnect.latencyNs + (Math.max(...bytes) * 1e9) / interconnect.bandwidth);
    this.workNs = new Float64Array(shards.length);
    this.activations = new Float64Array(shards.length);
    this.#width = model.layers.reduce((most, { experts }) => Math.max(most, experts), 1);
    this.#counts = new Int32Array(shards.length * this.#width);
  }

  count({ choices, gpu, row, tokens, topK }: Pass, layer: number): void {
    const counts = this.#counts.fill(0);
    const width = this.#width;
    for (let token = 0; token < tokens; token++) {
      const from = gpu[token]! * width;
      const start = token * row + layer * topK;
      for (let at = start; at < start + topK; at++) if (choices[at] !== NULL_EXPERT) counts[from + choices[at]!]! += 1;
    }
    const { experts } = this.#model.layers[layer]!;
    this.longestNs = 0;
    for (let g = 0; g < this.workNs.length; g++) {
      let [workNs, activations] = [0, 0];
      for (let at = g * width; at < g * width + experts; at++) {
        if (counts[at] === 0) continue;
        workNs += this.#cost.expertNs(layer, counts[at]!);
        activations += counts[at]!;
      }
      this.workNs[g] = workNs;
      this.activations[g] = activations;
      this.longestNs = Math.max(this.longestNs, workNs);
    }
  }

  /** Executions of a GPU in the last event: whole-model ids, and times, ns. */
  executions(gpu: number, layer: number): { readonly id: number; readonly ns: number }[] {
    const { experts, offset } = this.#model.layers[layer]!;
    const counts = this.#counts.subarray(gpu * this.#width, gpu * this.#width + experts);
    return [...counts].flatMap((count, e) => (count === 0 ? [] : [{ id: offset + e, ns: this.#cost.expertNs(layer, count) }]));
  }
}
