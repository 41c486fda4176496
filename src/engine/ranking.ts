// The best-scored experts of each layer, in order. Asked for after every event, so it looks at most experts once: what is well below the
// least score that was among the best last time is passed over, and where that leaves many, a histogram tells which to sort.
import type { ModelSpec } from '../model/spec.js';

/** Bits of a single-precision score that its bucket drops: eight buckets to each power of two. */
const DROPPED = 20;
/** Bucket of 2^-10; smaller scores share the first one. */
const SMALLEST = 0x3a800000 >> DROPPED;
/** One more than the bucket of 1. */
const BUCKETS = (0x3f800000 >> DROPPED) - SMALLEST + 1;

/** Bits that a floor lies below the last score that was ranked: a factor of about 0.7. */
const MARGIN = 0x400000;

/** Rankings of all layers, each as of its last prediction. */
export class Ranking {
  /** Most experts of a layer that are ranked. */
  readonly width: number;
  /** `[layers, width]` experts by dense id, best first, ties by id. */
  readonly ids: Int32Array;
  readonly #model: ModelSpec;
  /** Scores in [0, 1], as the bits of the same floats: positive floats are ordered as their bits are. */
  readonly #bits: Int32Array;
  /** By layer: experts ranked. */
  readonly #count: Int32Array;
  /** By dense id: place in the ranking of its layer, from 1; 0: not among the ranked. */
  readonly #place: Int32Array;
  readonly #histogram = new Int32Array(BUCKETS);
  readonly #found: Int32Array;
  /** Bits of the experts that are being ranked, in order. */
  readonly #keys: Int32Array;
  /** By layer: bits below which an expert was far from being ranked last time, at least 1. */
  readonly #floor: Int32Array;

  /**
   * @param width most experts of a layer to rank
   * @param scores by dense id, read at every {@link rank}
   */
  constructor(model: ModelSpec, width: number, scores: Float32Array) {
    this.#model = model;
    this.width = width;
    this.ids = new Int32Array(model.layers.length * width);
    this.#bits = new Int32Array(scores.buffer, scores.byteOffset, scores.length);
    this.#count = new Int32Array(model.layers.length);
    this.#place = new Int32Array(model.experts);
    this.#floor = new Int32Array(model.layers.length).fill(1);
    this.#keys = new Int32Array(width);
    this.#found = new Int32Array(model.layers.reduce((most, layer) => Math.max(most, layer.experts), 0));
  }

  /** Ranks the experts of a layer whose score is above zero; @returns how many there are, at most `width`. */
  rank(layer: number): number {
    this.#forget(layer);
    const found = this.#found;
    const candidates = this.#select(layer);
    const { ids, width } = this;
    const bits = this.#bits;
    const keys = this.#keys;
    const base = layer * width;
    let count = 0;
    for (let k = 0; k < candidates; k++) {
      const id = found[k]!;
      const score = bits[id]!;
      if (count === width && score <= keys[width - 1]!) continue;
      let at = count < width ? count++ : count - 1;
      while (at > 0 && keys[at - 1]! < score) {
        keys[at] = keys[at - 1]!;
        ids[base + at] = ids[base + at - 1]!;
        at--;
      }
      keys[at] = score;
      ids[base + at] = id;
    }
    for (let k = 0; k < count; k++) this.#place[ids[base + k]!] = k + 1;
    this.#floor[layer] = count < width ? 1 : Math.max(1, keys[width - 1]! - MARGIN);
    this.#count[layer] = count;
    return count;
  }

  /** Place of an expert in the ranking of its layer, from 0; -1: not among the ranked. */
  placeOf(id: number): number {
    return this.#place[id]! - 1;
  }

  #forget(layer: number): void {
    const base = layer * this.width;
    for (let k = 0; k < this.#count[layer]!; k++) this.#place[this.ids[base + k]!] = 0;
    this.#count[layer] = 0;
  }

  /** Writes the experts that can be among the best, in order of id, into `#found`; @returns how many. */
  #select(layer: number): number {
    const floor = this.#floor[layer]!;
    let count = this.#collect(layer, floor);
    if (count < this.width && floor > 1) count = this.#collect(layer, 1);
    return count > 2 * this.width ? this.#prune(count) : count;
  }

  /** Experts of a layer whose bits are at least `least`. */
  #collect(layer: number, least: number): number {
    const { offset, experts } = this.#model.layers[layer]!;
    const bits = this.#bits;
    const found = this.#found;
    const end = offset + experts;
    let count = 0;
    for (let id = offset; id < end; id++) {
      // Written always and kept sometimes: there is no branch to mispredict.
      found[count] = id;
      count += bits[id]! >= least ? 1 : 0;
    }
    return count;
  }

  /** Keeps of the first `count` found those in the best buckets that hold `width` of them. */
  #prune(count: number): number {
    const bits = this.#bits;
    const found = this.#found;
    const histogram = this.#histogram.fill(0);
    for (let k = 0; k < count; k++) histogram[Math.max(0, (bits[found[k]!]! >> DROPPED) - SMALLEST)]! += 1;
    let bucket = BUCKETS - 1;
    for (let seen = histogram[bucket]!; seen < this.width; seen += histogram[bucket]!) bucket--;
    const least = bucket === 0 ? 1 : (bucket + SMALLEST) << DROPPED;
    let kept = 0;
    for (let k = 0; k < count; k++) {
      const id = found[k]!;
      found[kept] = id;
      kept += bits[id]! >= least ? 1 : 0;
    }
    return kept;
  }
}
