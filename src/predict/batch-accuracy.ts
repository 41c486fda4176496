// ExpertFlow's batch accuracy: what matters to a batch is not each token's path but their union, and a token's wrong expert is often
// another token's right one.
import type { ModelSpec } from '../model/spec.js';
import { walksOf } from '../schedule/workload.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../trace/trace.js';

/** Recall and precision of the union of the paths of tokens that run together. */
export interface BatchAccuracy {
  /** Tokens per batch. */
  readonly size: number;
  readonly batches: number;
  /** |R and R'| / |R|, mean over batches and layers: B_acc of arXiv 2410.17954, section 3.1. */
  readonly recall: number;
  /** |R and R'| / |R'|, mean over batches and layers. */
  readonly precision: number;
  /** Mean size of R and of R' per layer. */
  readonly demanded: number;
  readonly named: number;
}

/**
 * Batches are made as continuous batching makes them: so many requests at once, each one token further in every batch; where requests
 * are fewer, long ones are cut. R is the union of the paths in a batch, R' that of the predicted paths.
 * @param predicted `[tokens, layers, width]` experts named for each token, NULL_EXPERT = none
 * @returns null where no batch can be filled, or nothing was predicted
 */
export function batchAccuracy(
  trace: RoutingTrace,
  model: ModelSpec,
  predicted: Uint16Array,
  width: number,
  size: number,
): BatchAccuracy | null {
  const layers = model.layers.length;
  const truth = new Uint32Array(model.experts);
  const named = new Uint32Array(model.experts);
  const chunk = allocateChunk(trace, 1);
  let stamp = 0;
  let recall = 0;
  let precision = 0;
  let demandedSum = 0;
  let namedSum = 0;
  let unions = 0;
  for (const rows of batches(trace, size)) {
    stamp++;
    for (const row of rows) {
      trace.read(row, 1, chunk);
      for (let layer = 0; layer < layers; layer++) {
        const { offset } = model.layers[layer]!;
        mark(truth, chunk.experts, layer * trace.topK, trace.topK, offset, stamp);
        mark(named, predicted, (row * layers + layer) * width, width, offset, stamp);
      }
    }
    for (const { experts, offset } of model.layers) {
      let demands = 0;
      let names = 0;
      let both = 0;
      for (let id = offset; id < offset + experts; id++) {
        const demanded = truth[id] === stamp ? 1 : 0;
        const found = named[id] === stamp ? 1 : 0;
        demands += demanded;
        names += found;
        both += demanded & found;
      }
      if (demands === 0) continue;
      unions++;
      recall += both / demands;
      precision += names === 0 ? 0 : both / names;
      demandedSum += demands;
      namedSum += names;
    }
  }
  if (unions === 0 || namedSum === 0) return null;
  return {
    size,
    batches: stamp,
    recall: recall / unions,
    precision: precision / unions,
    demanded: demandedSum / unions,
    named: namedSum / unions,
  };
}

/** Rows of each full batch. */
function* batches(trace: RoutingTrace, size: number): Generator<number[], void, void> {
  const waiting = walksOf(trace, trace.tokens, size).walks.map(({ decode, prefill, start }) => ({
    at: start,
    end: start + prefill + decode,
  }));
  const running = waiting.splice(0, size);
  while (running.length === size) {
    yield running.map((walk) => walk.at++);
    for (let slot = running.length - 1; slot >= 0; slot--) {
      if (running[slot]!.at < running[slot]!.end) continue;
      const next = waiting.shift();
      if (next === undefined) running.splice(slot, 1);
      else running[slot] = next;
    }
  }
}

function mark(marks: Uint32Array, experts: Uint16Array, from: number, count: number, offset: number, stamp: number): void {
  for (let at = from; at < from + count; at++) if (experts[at] !== NULL_EXPERT) marks[offset + experts[at]!] = stamp;
}
