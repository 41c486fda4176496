// Rows of a trace that one request reads ahead: it needs one token at a time, and reads in blocks are faster.
import { allocateChunk, type RoutingTrace, type TraceChunk } from '../trace/trace.js';

/** Rows that a slot reads ahead; at batch 1 this is the size of a sequential read. */
const READ_AHEAD = 256;

/** Rows that one slot has read ahead. */
export class SlotBuffer {
  readonly chunk: TraceChunk;
  readonly #trace: RoutingTrace;
  #start = 0;

  constructor(trace: RoutingTrace) {
    this.#trace = trace;
    this.chunk = allocateChunk(trace, READ_AHEAD);
  }

  /** Row of `chunk` that holds trace row `at`; reads ahead, not beyond `end`. */
  seek(at: number, end: number): number {
    if (at < this.#start || at >= this.#start + this.chunk.tokens) {
      this.#trace.read(at, Math.min(READ_AHEAD, end - at), this.chunk);
      this.#start = at;
    }
    return at - this.#start;
  }
}
