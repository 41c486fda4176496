// Evidence from whole sequences: how often each sequence so far used each expert of each layer is a matrix, and the current sequence will go
// on like the one whose matrix is most like its own. The activation matrices of MoE-Infinity.

import { fastLog } from '../base/log-odds.js';
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import type { Evidence } from './evidence.js';
import { evenShare } from './log-odds.js';

/** Sequences of fewer tokens are not worth keeping. Ours. */
const FEWEST_TOKENS = 16;
/** Rows of kept counts that are added up at once. */
const SWEEP = 8;
/**
 * Pseudo-tokens of even use when a matrix is read as rates. Ours: 0.5 and 2 change recall by at most 0.17 points on four traces (see
 * evidence.ts).
 */
const SMOOTHING = 1;

/** The running matrix of one slot's sequence. */
class Running {
  /** Activations by dense id. */
  readonly counts: Float64Array;
  tokens = 0;
  request = -1;
  /** `[layers]` squared norm of each layer's counts; `[layers, capacity]` their dot product with each kept matrix. */
  readonly norms: Float64Array;
  readonly dots: Float64Array;
  /** Index of the most similar kept matrix, -1: none yet. */
  match = -1;
  /** Grows whenever another matrix is matched, or the matched one has become another. */
  matches = 0;

  constructor(experts: number, layers: number, capacity: number) {
    this.counts = new Float64Array(experts);
    this.norms = new Float64Array(layers);
    this.dots = new Float64Array(layers * capacity);
  }

  begin(request: number): void {
    this.request = request;
    this.tokens = 0;
    this.counts.fill(0);
    this.norms.fill(0);
    this.dots.fill(0);
  }
}

/** A collection of matrices, searched by the cosine of each layer's row, averaged over the layers. */
export class SequenceMatrices implements Evidence {
  readonly #model: ModelSpec;
  readonly #capacity: number;
  readonly #window: number;
  /** `[experts + 1, capacity]` activations of each kept sequence, the last row all zero; and its tokens. */
  readonly #kept: Float32Array;
  readonly #keptTokens: Float64Array;
  /** `[layers, capacity]` one over the norm of each row of a kept matrix; 0 where the row is empty. */
  readonly #keptScale: Float64Array;
  /** `[capacity]` similarity of each kept matrix to the one that is compared. */
  readonly #cosines: Float64Array;
  /** Where the rows start that are being added up. */
  readonly #starts = new Int32Array(SWEEP);
  #count = 0;
  readonly #slots: Running[];

  /**
   * @param capacity matrices that are kept; then the most similar one is replaced
   * @param window tokens after which a long sequence is kept, and another one begins
   */
  constructor(model: ModelSpec, slots: number, capacity: number, window: number) {
    this.#model = model;
    this.#capacity = capacity;
    this.#window = window;
    this.#kept = new Float32Array((model.experts + 1) * capacity);
    this.#keptTokens = new Float64Array(capacity);
    this.#keptScale = new Float64Array(model.layers.length * capacity);
    this.#cosines = new Float64Array(capacity);
    this.#slots = Array.from({ length: slots }, () => new Running(model.experts, model.layers.length, capacity));
  }

  /** The farther the layer, the less the match is trusted: by 1 - (x - l) / (L + 1), the paper's decay of priority. */
  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    const { layers } = this.#model;
    const running = this.#slots[pass.slot[token]!]!;
    if (running.request !== pass.request[token] || running.match < 0) return false;
    const { experts, offset } = layers[layer]!;
    const distance = layer - Math.max(-1, after);
    const trust = weight * (1 - distance / (layers.length + 1));
    const share = evenShare(layers[layer]!);
    const capacity = this.#capacity;
    const base = offset * capacity + running.match;
    const tokens = this.#keptTokens[running.match]! + SMOOTHING;
    const mean = fastLog(share) - fastLog(1 - share);
    for (let e = 0; e < experts; e++) {
      const rate = (this.#kept[base + e * capacity]! + SMOOTHING * share) / tokens;
      into[e]! += trust * (fastLog(rate) - fastLog(1.0001 - rate) - mean);
    }
    return true;
  }

  state(pass: Pass, token: number): number {
    const running = this.#slots[pass.slot[token]!]!;
    return running.request === pass.request[token] ? running.matches : Number.NaN;
  }

  learn(pass: Pass, token: number, layer: number): void {
    const { layers } = this.#model;
    const running = this.#slots[pass.slot[token]!]!;
    if (layer === 0 && (running.request !== pass.request[token] || running.tokens >= this.#window)) {
      if (running.tokens >= FEWEST_TOKENS) this.#keep(running);
      if (running.request !== pass.request[token]) this.#match(running, -1);
      running.begin(pass.request[token]!);
    }
    const { offset } = layers[layer]!;
    const count = pass.listChosen(token, layer);
    const starts = this.#starts;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const id = offset + pass.chosen[i]!;
      // (c + 1)^2 = c^2 + 2 c + 1
      running.norms[layer]! += 2 * running.counts[id]! + 1;
      running.counts[id]! += 1;
      starts[found++] = id * this.#capacity;
      if (found < SWEEP) continue;
      this.#addRows(running.dots, layer);
      found = 0;
    }
    if (found > 0) {
      starts.fill(this.#model.experts * this.#capacity, found);
      this.#addRows(running.dots, layer);
    }
    if (layer === layers.length - 1) {
      running.tokens++;
      this.#match(running, this.#mostSimilar(running));
    }
  }

  /** Adds eight rows of kept counts to a layer's dot products: whole numbers, so that their order does not matter. */
  #addRows(dots: Float64Array, layer: number): void {
    const kept = this.#kept;
    const [a, b, c, d] = [this.#starts[0]!, this.#starts[1]!, this.#starts[2]!, this.#starts[3]!];
    const [e, f, g, h] = [this.#starts[4]!, this.#starts[5]!, this.#starts[6]!, this.#starts[7]!];
    const base = layer * this.#capacity;
    for (let k = 0; k < this.#count; k++) {
      const first = kept[a + k]! + kept[b + k]! + kept[c + k]! + kept[d + k]!;
      const second = kept[e + k]! + kept[f + k]! + kept[g + k]! + kept[h + k]!;
      dots[base + k]! += first + second;
    }
  }

  #match(running: Running, match: number): void {
    if (running.match === match) return;
    running.match = match;
    running.matches++;
  }

  /** Ties go to the matrix that was kept first; -1 where none is kept. */
  #mostSimilar({ norms, dots }: Running): number {
    const capacity = this.#capacity;
    const cosines = this.#cosines.fill(0);
    for (let l = 0; l < this.#model.layers.length; l++) {
      const scale = scaleOf(norms[l]!);
      for (let at = l * capacity, k = 0; k < this.#count; k++, at++) cosines[k]! += dots[at]! * (scale * this.#keptScale[at]!);
    }
    let best = -1;
    let bestCosine = -1;
    for (let k = 0; k < this.#count; k++) {
      if (cosines[k]! <= bestCosine) continue;
      best = k;
      bestCosine = cosines[k]!;
    }
    return best;
  }

  #keep(running: Running): void {
    const { experts, layers } = this.#model;
    const capacity = this.#capacity;
    const kept = this.#kept;
    const at = this.#count < capacity ? this.#count++ : this.#mostSimilar(running);
    for (let id = 0; id < experts; id++) kept[id * capacity + at] = running.counts[id]!;
    this.#keptTokens[at] = running.tokens;
    for (let l = 0; l < layers.length; l++) this.#keptScale[l * capacity + at] = scaleOf(running.norms[l]!);
    // Sequences that are running have no dot product with the new matrix yet.
    for (const other of this.#slots) {
      if (other.match === at) other.matches++;
      for (const { index, offset, experts: width } of layers) {
        let dot = 0;
        for (let id = offset; id < offset + width; id++) dot += other.counts[id]! * kept[id * capacity + at]!;
        other.dots[index * capacity + at] = dot;
      }
    }
  }
}

/** One over the norm of a row, from its square; 0 where the row is empty. */
function scaleOf(norm: number): number {
  return norm > 0 ? 1 / Math.sqrt(norm) : 0;
}
