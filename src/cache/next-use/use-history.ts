// When and how often each expert was used: the half of what tells its next use that the expert itself holds. Time is counted in events of the
// expert's layer. Two bytes hold the last 72 events, one bit for each of the last eight and one for each block of eight before; a decayed
// count holds the rest.
import { fastLog } from '../../base/log-odds.js';
import type { ModelSpec } from '../../model/spec.js';

/** Events in a block: one bit of the older past. */
const BLOCK = 8;
/** Pasts that are told apart: which of the last eight events used the expert, and how many of the eight blocks (at most 7). */
export const PASTS = 256 * 8;
/** Half-life of the count, in events of a layer. One of 32 beside it adds nothing (docs/next-use.md). */
const HALF_LIFE = 256;
/** What is left of a count after one event. */
const LEFT = 2 ** (-1 / HALF_LIFE);
/** Added to rates, so that what was never used has a logarithm: one use in 250 events. */
const LEAST_RATE = 0.004;

/** By byte of blocks: how many of them hold a use, at most 7, shifted to where a past keeps it. */
const BLOCKS_USED = Uint16Array.from({ length: 256 }, (_, byte) => Math.min(7, onesIn(byte)) << 8);

/** Past uses of every expert of a model. */
export class UseHistory {
  /** By dense id: ln of the decayed rate of use, renewed every {@link BLOCK} events of its layer. */
  readonly logRate: Float64Array;
  /** Events of each layer so far. */
  readonly events: Int32Array;
  readonly #model: ModelSpec;
  /** Byte of each layer's first expert, padded to whole words. */
  readonly #start: Int32Array;
  /** Bit i = used i events back; bit i = used in the block i + 1 back. */
  readonly #recent: Uint8Array;
  readonly #blocks: Uint8Array;
  /** The same as words of four experts. */
  readonly #recentWords: Uint32Array;
  readonly #blockWords: Uint32Array;
  /** Decayed uses as of the last, and when that was. */
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
    this.#recent = new Uint8Array(bytes);
    this.#blocks = new Uint8Array(bytes);
    this.#recentWords = new Uint32Array(this.#recent.buffer);
    this.#blockWords = new Uint32Array(this.#blocks.buffer);
    this.#count = new Float64Array(experts);
    this.#last = new Int32Array(experts);
    this.logRate = new Float64Array(experts).fill(Math.log(LEAST_RATE));
    this.events = new Int32Array(layers.length);
  }

  /** One event of a layer uses the experts `ids[0 .. size)`, by dense id. */
  used(layer: number, ids: Int32Array, size: number): void {
    const now = ++this.events[layer]!;
    const { experts, offset } = this.#model.layers[layer]!;
    const start = this.#start[layer]!;
    this.#age(start, experts, now % BLOCK === 0);
    const count = this.#count;
    const last = this.#last;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      this.#recent[start + id - offset]! |= 1;
      count[id] = 1 + count[id]! * LEFT ** (now - last[id]!);
      last[id] = now;
    }
    if ((now + layer) % BLOCK !== 0) return;
    for (let id = offset; id < offset + experts; id++) {
      this.logRate[id] = fastLog((1 - LEFT) * count[id]! * LEFT ** (now - last[id]!) + LEAST_RATE);
    }
  }

  /** Writes the past of each expert of a layer, as a number below {@link PASTS}. */
  writePasts(layer: number, into: Uint16Array): void {
    const start = this.#start[layer]!;
    const recent = this.#recent;
    const blocks = this.#blocks;
    const { experts } = this.#model.layers[layer]!;
    for (let e = 0; e < experts; e++) into[e] = recent[start + e]! | BLOCKS_USED[blocks[start + e]!]!;
  }

  /** Every event is one step further back; at the end of a block, whether its eight events used an expert becomes one bit. */
  #age(start: number, experts: number, endOfBlock: boolean): void {
    const first = start >> 2;
    const end = first + Math.ceil(experts / 4);
    const recent = this.#recentWords;
    if (endOfBlock) {
      const blocks = this.#blockWords;
      for (let w = first; w < end; w++) {
        // A byte is non-zero where its top bit, or the carry of the other bits into it, is set.
        const bits = recent[w]!;
        const any = ((bits | ((bits & 0x7f7f7f7f) + 0x7f7f7f7f)) >>> 7) & 0x01010101;
        blocks[w] = ((blocks[w]! << 1) & 0xfefefefe) | any;
      }
    }
    for (let w = first; w < end; w++) recent[w] = (recent[w]! << 1) & 0xfefefefe;
  }
}

/**
 * How often an expert of a past was used lately, 0..1: what is expected before anything has been learned. The weights are ours; the first
 * hundred events replace them.
 */
export function recencyOf(past: number): number {
  let rate = 0.02 + 0.35 * ((past >> 8) / 8);
  for (let bit = 0; bit < 8; bit++) if ((past >> bit) & 1) rate += 0.12 * 0.85 ** bit;
  return rate;
}

function onesIn(byte: number): number {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones;
}
