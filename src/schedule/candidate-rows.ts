import type { RoutingTrace } from '../trace/trace.js';
import { type Candidates, SlotBuffer } from './pass.js';

/** Alternative experts for a pass's tokens, from a trace with more than the model's top-k. */
export class CandidateRows implements Candidates {
  readonly topK: number;
  readonly row: number;
  experts: Uint16Array;
  weights: Float32Array;
  readonly #trace: RoutingTrace;
  readonly #buffers: (SlotBuffer | undefined)[] = [];

  /** @param trace with gate weights */
  constructor(trace: RoutingTrace) {
    this.#trace = trace;
    this.topK = trace.topK;
    this.row = trace.layers * trace.topK;
    this.experts = new Uint16Array(this.row);
    this.weights = new Float32Array(this.row);
  }

  take(lane: number, at: number, end: number, to: number): void {
    const { row } = this;
    if (this.experts.length < (to + 1) * row) this.#grow(2 * (to + 1) * row);
    const buffer = (this.#buffers[lane] ??= new SlotBuffer(this.#trace));
    const from = buffer.seek(at, end) * row;
    this.experts.set(buffer.chunk.experts.subarray(from, from + row), to * row);
    this.weights.set(buffer.chunk.weights!.subarray(from, from + row), to * row);
  }

  #grow(cells: number): void {
    const { experts, weights } = this;
    this.experts = new Uint16Array(cells);
    this.weights = new Float32Array(cells);
    this.experts.set(experts);
    this.weights.set(weights);
  }
}
