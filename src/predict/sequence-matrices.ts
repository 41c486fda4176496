// Evidence from whole sequences: how often each sequence so far used each expert of each layer is a matrix, and the current sequence will go
// on like the one whose matrix is most like its own. The activation matrices of MoE-Infinity.
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { NULL_EXPERT } from '../trace/trace.js';
import type { Evidence } from './evidence.js';
import { fastLog } from './fast-log.js';

/** Sequences of fewer tokens are not worth keeping. */
const FEWEST_TOKENS = 16;
/** Pseudo-tokens of even use when a matrix is read as rates. */
const SMOOTHING = 1;

/** The running matrix of one slot's sequence. */
class Running {
  /** Activations by dense id. */
  readonly counts: Float64Array;
  tokens = 0;
  request = -1;
  /** `[layers]` squared norm of each layer's counts; `[layers, kept]` their dot product with each kept matrix. */
  readonly norms: Float64Array;
  readonly dots: Float64Array;
  /** Index of the most similar kept matrix, -1: none yet. */
  match = -1;

  constructor(experts: number, layers: number, kept: number) {
    this.counts = new Float64Array(experts);
    this.norms = new Float64Array(layers);
    this.dots = new Float64Array(layers * kept);
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
  /** `[capacity, experts]` activations of each kept sequence, its tokens, and `[capacity, layers]` norms. */
  readonly #kept: Float32Array;
  readonly #keptTokens: Float64Array;
  readonly #keptNorms: Float64Array;
  #count = 0;
  readonly #slots: Running[];

  /**
   * @param capacity matrices that are kept; then the most similar one is replaced
   * @param window tokens after which a long sequence is kept and begun anew
   */
  constructor(model: ModelSpec, slots: number, capacity: number, window: number) {
    this.#model = model;
    this.#capacity = capacity;
    this.#window = window;
    this.#kept = new Float32Array(capacity * model.experts);
    this.#keptTokens = new Float64Array(capacity);
    this.#keptNorms = new Float64Array(capacity * model.layers.length);
    this.#slots = Array.from({ length: slots }, () => new Running(model.experts, model.layers.length, capacity));
  }

  /** The farther the layer, the less the match is trusted: by 1 - (x - l) / (L + 1), the paper's decay of priority. */
  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    const { layers } = this.#model;
    const running = this.#slots[pass.slot[token]!]!;
    if (running.request !== pass.request[token] || running.match < 0) return false;
    const { experts, offset, topK } = layers[layer]!;
    const distance = layer - Math.max(-1, after);
    const trust = weight * (1 - distance / (layers.length + 1));
    const share = Math.min(0.5, topK / experts);
    const base = running.match * this.#model.experts + offset;
    const tokens = this.#keptTokens[running.match]! + SMOOTHING;
    const mean = fastLog(share) - fastLog(1 - share);
    for (let e = 0; e < experts; e++) {
      const rate = (this.#kept[base + e]! + SMOOTHING * share) / tokens;
      into[e]! += trust * (fastLog(rate) - fastLog(1.0001 - rate) - mean);
    }
    return true;
  }

  learn(pass: Pass, token: number, layer: number): void {
    const { layers } = this.#model;
    const { choices, row, topK } = pass;
    const running = this.#slots[pass.slot[token]!]!;
    if (layer === 0 && (running.request !== pass.request[token] || running.tokens >= this.#window)) {
      if (running.tokens >= FEWEST_TOKENS) this.#keep(running);
      if (running.request !== pass.request[token]) running.match = -1;
      running.begin(pass.request[token]!);
    }
    const { offset } = layers[layer]!;
    const from = token * row + layer * topK;
    for (let i = from; i < from + topK; i++) {
      if (choices[i] === NULL_EXPERT) continue;
      const id = offset + choices[i]!;
      // (c + 1)^2 = c^2 + 2 c + 1
      running.norms[layer]! += 2 * running.counts[id]! + 1;
      running.counts[id]! += 1;
      for (let k = 0; k < this.#count; k++) running.dots[layer * this.#capacity + k]! += this.#kept[k * this.#model.experts + id]!;
    }
    if (layer === layers.length - 1) {
      running.tokens++;
      running.match = this.#mostSimilar(running);
    }
  }

  /** Ties go to the matrix that was kept first; -1 where none is kept. */
  #mostSimilar({ norms, dots }: Running): number {
    const layers = this.#model.layers.length;
    let best = -1;
    let bestCosine = -1;
    for (let k = 0; k < this.#count; k++) {
      let cosine = 0;
      for (let l = 0; l < layers; l++) {
        const norm = norms[l]! * this.#keptNorms[k * layers + l]!;
        if (norm > 0) cosine += dots[l * this.#capacity + k]! / Math.sqrt(norm);
      }
      if (cosine <= bestCosine) continue;
      best = k;
      bestCosine = cosine;
    }
    return best;
  }

  #keep(running: Running): void {
    const { experts, layers } = this.#model;
    const at = this.#count < this.#capacity ? this.#count++ : this.#mostSimilar(running);
    this.#kept.set(running.counts, at * experts);
    this.#keptTokens[at] = running.tokens;
    this.#keptNorms.set(running.norms, at * layers.length);
    // Sequences that are running have no dot product with the new matrix yet.
    for (const other of this.#slots) {
      for (const { index, offset, experts: width } of layers) {
        let dot = 0;
        for (let id = offset; id < offset + width; id++) dot += other.counts[id]! * this.#kept[at * experts + id]!;
        other.dots[index * this.#capacity + at] = dot;
      }
    }
  }
}
