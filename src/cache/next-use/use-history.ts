// The past uses of each expert, an input of `next-use.ts`. Time is counted in events of the expert's layer. Two bytes hold the last 72
// events: one bit for each of the last eight, and one for each block of eight before. A decayed count holds the rest.
import { fastLog } from '../../base/log-odds.js';
import type { ModelSpec } from '../../model/spec.js';
import { EVENTS_A_BLOCK, PastBits, usedAgo, usedBlocks } from './past-bits.js';

/** Half-life of the count, in events of a layer. One of 32 beside it adds nothing (docs/next-use.md). */
const HALF_LIFE = 256;
/** Decay of a count after one event, and by number of events; older counts are taken as zero. */
const LEFT = 2 ** (-1 / HALF_LIFE);
const LEFT_AFTER = Float64Array.from({ length: 64 * HALF_LIFE }, (_, events) => LEFT ** events);
/** Added to rates, so that an expert that was never used has a logarithm: one use in 250 events. */
const LEAST_RATE = 0.004;

/** Past uses of every expert of a model. */
export class UseHistory {
  /** By dense id: ln of the decayed rate of use, renewed every {@link EVENTS_A_BLOCK} events of its layer. */
  readonly logRate: Float64Array;
  /** Events of each layer so far. */
  readonly events: Int32Array;
  readonly #model: ModelSpec;
  /** Byte of each layer's first expert, padded to whole words. */
  readonly #start: Int32Array;
  readonly #bits: PastBits;
  /** Decayed uses at the last use of an expert, and the event of that use. */
  readonly #count: Float64Array;
  readonly #last: Int32Array;

  constructor(model: ModelSpec) {
    const { experts, layers } = model;
    this.#model = model;
    this.#start = new Int32Array(layers.length);
    let bytes = 0;
    for (const layer of layers) {
      this.#start[layer.index] = bytes;
      bytes += 4 * Math.ceil(layer.experts / 4);
    }
    this.#bits = new PastBits(bytes);
    this.#count = new Float64Array(experts);
    this.#last = new Int32Array(experts);
    this.logRate = new Float64Array(experts).fill(Math.log(LEAST_RATE));
    this.events = new Int32Array(layers.length);
  }

  /** Records an event of a layer that uses the experts `ids[0 .. size)`, by dense id. */
  used(layer: number, ids: Int32Array, size: number): void {
    const now = ++this.events[layer]!;
    const { experts, offset } = this.#model.layers[layer]!;
    const start = this.#start[layer]!;
    this.#bits.age(start, experts, now % EVENTS_A_BLOCK === 0);
    const count = this.#count;
    const last = this.#last;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      this.#bits.recent[start + id - offset]! |= 1;
      count[id] = 1 + count[id]! * leftAfter(now - last[id]!);
      last[id] = now;
    }
    if ((now + layer) % EVENTS_A_BLOCK !== 0) return;
    for (let id = offset; id < offset + experts; id++) {
      this.logRate[id] = fastLog((1 - LEFT) * count[id]! * leftAfter(now - last[id]!) + LEAST_RATE);
    }
  }

  /** Writes the past of each expert of a layer, as a number below `PASTS` (past-bits.ts). */
  writePasts(layer: number, into: Uint16Array): void {
    const start = this.#start[layer]!;
    const bits = this.#bits;
    const { experts } = this.#model.layers[layer]!;
    for (let e = 0; e < experts; e++) into[e] = bits.past(start + e);
  }
}

/** Decay of a count after `events` events. */
function leftAfter(events: number): number {
  return events < LEFT_AFTER.length ? LEFT_AFTER[events]! : 0;
}

/**
 * How often an expert with this past was used lately, 0..1: the expectation before anything has been learned. The weights are ours; learning
 * replaces them within the first hundred events.
 */
export function recencyOf(past: number): number {
  let rate = 0.02 + 0.35 * (usedBlocks(past) / 8);
  for (let back = 0; back < EVENTS_A_BLOCK; back++) if (usedAgo(past, back)) rate += 0.12 * 0.85 ** back;
  return rate;
}
