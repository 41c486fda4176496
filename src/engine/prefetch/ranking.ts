import { type ModelSpec, mostExperts } from '../../model/door.js';

/** Bits of a single-precision score dropped by its bucket: 64 buckets per power of two. Ours. */
const DROPPED = 17;
/** Bucket of 2^-10, shared by smaller scores. */
const SMALLEST = 0x3a800000 >> DROPPED;
/** Number of buckets, up to score 1. */
const BUCKETS = (0x3f800000 >> DROPPED) - SMALLEST + 1;

/** Distance of a floor below the last ranked score, bits: a factor of about 0.8. */
const MARGIN = 0x300000;

/** End of a list of experts. */
const NONE = -1;

/** Best experts at each layer's last prediction. Low scores are skipped, the rest sorted in narrow buckets. */
export class Ranking {
  /** Most ranked experts of a layer. */
  readonly width: number;
  /** `[layers, width]` experts by dense id, best first, ties by id. */
  readonly ids: Int32Array;
  readonly #model: ModelSpec;
  /** Scores in [0, 1] as float bits: positive floats and bits have the same order. */
  readonly #bits: Int32Array;
  readonly #count: Int32Array;
  /** By dense id: rank in the layer, from 1; 0: not ranked. */
  readonly #place: Int32Array;
  readonly #found: Int32Array;
  /** By layer: score bits far below the last ranking, at least 1. */
  readonly #floor: Int32Array;
  /** Bit b of word w: bucket 32 w + b is not empty. All zero between rankings. */
  readonly #filled = new Int32Array(Math.ceil(BUCKETS / 32));
  /** First expert of each bucket, and by dense id the bucket's next expert, by ascending id. */
  readonly #first = new Int32Array(BUCKETS);
  readonly #next: Int32Array;

  /** @param width most ranked experts of a layer @param scores by dense id, read at every {@link rank} */
  constructor(model: ModelSpec, width: number, scores: Float32Array) {
    this.#model = model;
    this.width = width;
    this.ids = new Int32Array(model.layers.length * width);
    this.#bits = new Int32Array(scores.buffer, scores.byteOffset, scores.length);
    this.#count = new Int32Array(model.layers.length);
    this.#place = new Int32Array(model.experts);
    this.#floor = new Int32Array(model.layers.length).fill(1);
    this.#next = new Int32Array(model.experts);
    this.#found = new Int32Array(mostExperts(model));
  }

  /** Ranks experts with a score above zero. @returns their number, at most `width` */
  rank(layer: number): number {
    this.#forget(layer);
    const { ids, width } = this;
    const base = layer * width;
    const count = this.#draw(this.#deal(this.#select(layer)), base);
    for (let k = 0; k < count; k++) this.#place[ids[base + k]!] = k + 1;
    this.#floor[layer] = count < width ? 1 : Math.max(1, this.#bits[ids[base + width - 1]!]! - MARGIN);
    this.#count[layer] = count;
    return count;
  }

  countOf(layer: number): number {
    return this.#count[layer]!;
  }

  /** Rank in the layer, from 0; -1: not ranked. */
  placeOf(id: number): number {
    return this.#place[id]! - 1;
  }

  #forget(layer: number): void {
    const base = layer * this.width;
    for (let k = 0; k < this.#count[layer]!; k++) this.#place[this.ids[base + k]!] = 0;
  }

  /** Writes possible best experts into `#found`, by ascending id. @returns their number */
  #select(layer: number): number {
    const floor = this.#floor[layer]!;
    const count = this.#collect(layer, floor);
    return count < this.width && floor > 1 ? this.#collect(layer, 1) : count;
  }

  #collect(layer: number, least: number): number {
    const { offset, experts } = this.#model.layers[layer]!;
    const bits = this.#bits;
    const found = this.#found;
    const end = offset + experts;
    const below = least - 1;
    let count = 0;
    for (let id = offset; id < end; id++) {
      // Adding a difference's sign avoids a comparison's mispredicted branch.
      found[count] = id;
      count += (below - bits[id]!) >>> 31;
    }
    return count;
  }

  /** Deals the first `count` found experts into buckets. @returns bits of nonzero `#filled` words */
  #deal(count: number): number {
    const bits = this.#bits;
    const found = this.#found;
    const filled = this.#filled;
    const first = this.#first;
    const next = this.#next;
    let words = 0;
    for (let k = count - 1; k >= 0; k--) {
      const id = found[k]!;
      const bucket = Math.max(0, (bits[id]! >> DROPPED) - SMALLEST);
      const word = bucket >> 5;
      const bit = 1 << (bucket & 31);
      next[id] = (filled[word]! & bit) === 0 ? NONE : first[bucket]!;
      first[bucket] = id;
      filled[word]! |= bit;
      words |= 1 << word;
    }
    return words;
  }

  /** To `ids[base ..]`, emptying all buckets. @returns their number */
  #draw(words: number, base: number): number {
    const { ids, width } = this;
    const filled = this.#filled;
    const next = this.#next;
    let count = 0;
    while (words !== 0) {
      const word = 31 - Math.clz32(words);
      words ^= 1 << word;
      let rest = filled[word]!;
      filled[word] = 0;
      while (rest !== 0 && count < width) {
        const bit = 31 - Math.clz32(rest);
        rest ^= 1 << bit;
        const id = this.#first[32 * word + bit]!;
        if (next[id] === NONE) ids[base + count++] = id;
        else count = this.#sort(id, base, count);
      }
    }
    return count;
  }

  /** Inserts a bucket's experts after the first `count` of a ranking. @returns new number, at most `width` */
  #sort(firstOfBucket: number, base: number, count: number): number {
    const { ids, width } = this;
    const bits = this.#bits;
    const start = count;
    for (let id = firstOfBucket; id !== NONE; id = this.#next[id]!) {
      const score = bits[id]!;
      if (count === width && score <= bits[ids[base + count - 1]!]!) continue;
      let at = count < width ? count++ : count - 1;
      while (at > start && bits[ids[base + at - 1]!]! < score) {
        ids[base + at] = ids[base + at - 1]!;
        at--;
      }
      ids[base + at] = id;
    }
    return count;
  }
}
