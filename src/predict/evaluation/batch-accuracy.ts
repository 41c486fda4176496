import { type ModelSpec, mostExperts } from '../../model/door.js';
import { walksOf } from '../../schedule/door.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../../trace/trace.js';
import { bestOf } from './score.js';

/** ExpertFlow's batch accuracy: R is the union of a batch's paths, R' the union of the predicted paths. */
export interface BatchAccuracy {
  readonly size: number;
  readonly batches: number;
  /** |R and R'| / |R|, mean over batches and layers: B_acc of arXiv 2410.17954, section 3.1. */
  readonly recall: number;
  /** |R and R'| / |R'|, mean over batches and layers. */
  readonly precision: number;
  readonly demanded: number;
  readonly named: number;
  /** With as many names as the batch's expected experts. */
  readonly expected: { readonly recall: number; readonly precision: number; readonly named: number };
  /** With as many names as the batch uses; recall equals precision. */
  readonly atTrueSize: number;
}

/** @param predicted `[tokens, layers, width]` @param unions by batch @returns null: no full batch, or no prediction */
export function batchAccuracy(
  trace: RoutingTrace,
  model: ModelSpec,
  predicted: Uint16Array,
  width: number,
  unions: BatchUnions,
): BatchAccuracy | null {
  const layers = model.layers.length;
  const truth = new Uint32Array(model.experts);
  const named = new Uint32Array(model.experts);
  const order = new Int32Array(mostExperts(model));
  const chunk = allocateChunk(trace, 1);
  const sums = { recall: 0, precision: 0, demanded: 0, named: 0, expectedRecall: 0, expectedPrecision: 0, expected: 0, sized: 0 };
  let counted = 0;
  for (const [batch, rows] of unions.batches.entries()) {
    const stamp = batch + 1;
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
      counted++;
      sums.recall += both / demands;
      sums.precision += names === 0 ? 0 : both / names;
      sums.demanded += demands;
      sums.named += names;
      const size = unions.expectedSize(batch, offset, experts);
      const right = (count: number): number => {
        const some = unions.best(batch, offset, experts, order, count);
        let hits = 0;
        for (let i = 0; i < some; i++) if (truth[order[i]!] === stamp) hits++;
        return hits;
      };
      const hits = right(size);
      sums.expected += size;
      sums.expectedRecall += hits / demands;
      sums.expectedPrecision += size === 0 ? 0 : hits / size;
      sums.sized += right(demands) / demands;
    }
  }
  if (counted === 0 || sums.named === 0) return null;
  return {
    size: unions.size,
    batches: unions.batches.length,
    recall: sums.recall / counted,
    precision: sums.precision / counted,
    demanded: sums.demanded / counted,
    named: sums.named / counted,
    expected: { recall: sums.expectedRecall / counted, precision: sums.expectedPrecision / counted, named: sums.expected / counted },
    atTrueSize: sums.sized / counted,
  };
}

/** Probability that a batch uses an expert; tokens count as independent. */
export class BatchUnions {
  readonly batches: readonly (readonly number[])[];
  readonly size: number;
  readonly #experts: number;
  /** Batch of each row; -1: no batch. */
  readonly #batchOf: Int32Array;
  /** `[batches, experts]` probability that no token uses the expert. */
  readonly #missed: Float32Array;
  readonly #filled: Float32Array;

  constructor(trace: RoutingTrace, { experts }: ModelSpec, size: number) {
    this.batches = [...batches(trace, size)];
    this.size = size;
    this.#experts = experts;
    this.#batchOf = new Int32Array(trace.tokens).fill(-1);
    for (const [batch, rows] of this.batches.entries()) for (const row of rows) this.#batchOf[row] = batch;
    this.#missed = new Float32Array(this.batches.length * experts).fill(1);
    this.#filled = new Float32Array(this.batches.length * experts).fill(1);
  }

  /** `fill` ranks experts without a score. */
  add(row: number, scores: Float32Array, fill: Float32Array | null): void {
    const batch = this.#batchOf[row]!;
    if (batch < 0) return;
    const from = batch * this.#experts;
    for (let id = 0; id < this.#experts; id++) {
      this.#missed[from + id]! *= 1 - scores[id]!;
      if (fill !== null) this.#filled[from + id]! *= 1 - fill[id]!;
    }
  }

  expectedSize(batch: number, offset: number, experts: number): number {
    const from = batch * this.#experts + offset;
    let sum = 0;
    for (let at = from; at < from + experts; at++) sum += 1 - this.#missed[at]!;
    return Math.round(sum);
  }

  /** Writes the `count` most probable ids into `order`, ties by id. @returns their number */
  best(batch: number, offset: number, experts: number, order: Int32Array, count: number): number {
    const from = batch * this.#experts;
    const rank = Float32Array.from({ length: experts }, (_, e) => {
      const probable = 1 - this.#missed[from + offset + e]!;
      return probable > 0 ? 1 + probable : 1 - this.#filled[from + offset + e]!;
    });
    const some = bestOf(rank, 0, experts, order, count);
    for (let i = 0; i < some; i++) order[i]! += offset;
    return some;
  }
}

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
