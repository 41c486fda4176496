// Evidence from whole sequences, as in MoE-Infinity.
import { fastLog } from '../../base/log-odds.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { type Evidence, evenShare } from '../evidence.js';
import { representatives } from './clusters.js';

/** Fewest tokens of a kept sequence. Ours. */
const FEWEST_TOKENS = 16;
/** Rows of kept counts added at once. */
const SWEEP = 8;
/** Pseudo-tokens of even use. Ours: 0.5 and 2 change recall by at most 0.17 points (evidence.ts). */
const SMOOTHING = 1;

interface Sequence {
  readonly counts: Float64Array;
  readonly tokens: number;
}

class Running implements Sequence {
  readonly counts: Float64Array;
  tokens = 0;
  request = -1;
  /** `[layers]` squared norms; `[layers, capacity]` dot products with kept matrices. */
  readonly norms: Float64Array;
  readonly dots: Float64Array;
  /** `[layers, capacity]` cosines with kept matrices, and `[capacity]` sums over layers. */
  readonly cosines: Float64Array;
  readonly similarity: Float64Array;
  match = -1;
  /** Grows when the match changes or is replaced. */
  matches = 0;

  constructor(experts: number, layers: number, capacity: number) {
    this.counts = new Float64Array(experts);
    this.norms = new Float64Array(layers);
    this.dots = new Float64Array(layers * capacity);
    this.cosines = new Float64Array(layers * capacity);
    this.similarity = new Float64Array(capacity);
  }

  begin(request: number): void {
    this.request = request;
    this.tokens = 0;
    for (const values of [this.counts, this.norms, this.dots, this.cosines, this.similarity]) values.fill(0);
  }
}

/** Matrices searched by the cosine of layer rows, averaged over layers. */
export class SequenceMatrices implements Evidence {
  readonly #model: ModelSpec;
  readonly #capacity: number;
  readonly #window: number;
  /** `[experts + 1, capacity]` activations, last row zero; and tokens. */
  readonly #kept: Float32Array;
  readonly #keptTokens: Float64Array;
  /** `[layers, capacity]` inverse norms; 0 for an empty row. */
  readonly #keptScale: Float64Array;
  readonly #starts = new Int32Array(SWEEP);
  #count = 0;
  #lasting = 0;
  #past: Sequence[] | null = [];
  readonly #slots: Running[];

  /** @param capacity most kept matrices @param window tokens after which a long sequence is kept */
  constructor(model: ModelSpec, slots: number, capacity: number, window: number) {
    this.#model = model;
    this.#capacity = capacity;
    this.#window = window;
    this.#kept = new Float32Array((model.experts + 1) * capacity);
    this.#keptTokens = new Float64Array(capacity);
    this.#keptScale = new Float64Array(model.layers.length * capacity);
    this.#slots = Array.from({ length: slots }, () => new Running(model.experts, model.layers.length, capacity));
  }

  add(pass: Pass, token: number, _after: number, layer: number, weight: number, into: Float64Array): boolean {
    const { layers } = this.#model;
    const running = this.#slots[pass.slot[token]!]!;
    if (running.request !== pass.request[token] || running.match < 0) return false;
    const { experts, offset } = layers[layer]!;
    const share = evenShare(layers[layer]!);
    const capacity = this.#capacity;
    const base = offset * capacity + running.match;
    const tokens = this.#keptTokens[running.match]! + SMOOTHING;
    const mean = fastLog(share) - fastLog(1 - share);
    for (let e = 0; e < experts; e++) {
      const rate = (this.#kept[base + e * capacity]! + SMOOTHING * share) / tokens;
      into[e]! += weight * (fastLog(rate) - fastLog(1.0001 - rate) - mean);
    }
    return true;
  }

  state(pass: Pass, token: number): number {
    const running = this.#slots[pass.slot[token]!]!;
    return running.request === pass.request[token] ? running.matches : Number.NaN;
  }

  learn(pass: Pass, token: number, layer: number): void {
    if (pass.wrong[token] === 1) return;
    const running = this.#slots[pass.slot[token]!]!;
    if (layer === 0) this.#begin(running, pass.request[token]!);
    this.#record(pass, token, layer, running);
    this.#compare(running, layer);
    if (layer === this.#model.layers.length - 1) running.tokens++;
  }

  #begin(running: Running, request: number): void {
    if (request >= 0 && this.#past !== null) this.#settle(this.#past);
    if (running.request === request && running.tokens < this.#window) return;
    this.#end(running);
    if (running.request !== request) this.#match(running, -1);
    running.begin(request);
  }

  #end(running: Running): void {
    if (running.tokens < FEWEST_TOKENS) return;
    this.#past?.push({ counts: running.counts.slice(), tokens: running.tokens });
    this.#keep(running, this.#placeFor(running));
  }

  /** Begins the run: the middles of training clusters stay, for good. */
  #settle(past: Sequence[]): void {
    for (const running of this.#slots) {
      this.#end(running);
      running.tokens = 0;
    }
    this.#past = null;
    if (past.length === 0) return;
    const chosen = representatives(
      past.map(({ counts }) => this.#directions(counts)),
      this.#capacity,
    );
    this.#kept.fill(0);
    this.#keptScale.fill(0);
    this.#count = 0;
    for (const i of chosen) this.#keep(past[i]!, this.#count++);
    this.#lasting = this.#count;
  }

  /** Counts scaled to unit length per layer: squared distance = 2 - 2 x cosine. */
  #directions(counts: Float64Array): Float32Array {
    const vector = Float32Array.from(counts);
    for (const { experts, offset } of this.#model.layers) {
      const scale = scaleOf(squareOf(counts, offset, experts));
      for (let id = offset; id < offset + experts; id++) vector[id]! *= scale;
    }
    return vector;
  }

  #record(pass: Pass, token: number, layer: number, running: Running): void {
    const { offset } = this.#model.layers[layer]!;
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
  }

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

  /** Chooses the match anew after a layer's change. */
  #compare(running: Running, layer: number): void {
    const { cosines, dots, norms, similarity } = running;
    const scale = scaleOf(norms[layer]!);
    let best = -1;
    let most = -1;
    for (let k = 0, at = layer * this.#capacity; k < this.#count; k++, at++) {
      const cosine = dots[at]! * (scale * this.#keptScale[at]!);
      similarity[k]! += cosine - cosines[at]!;
      cosines[at] = cosine;
      if (similarity[k]! <= most) continue;
      best = k;
      most = similarity[k]!;
    }
    this.#match(running, best);
  }

  #placeFor({ similarity }: Running): number {
    if (this.#count < this.#capacity) return this.#count++;
    let best = -1;
    for (let k = this.#lasting; k < this.#count; k++) if (best < 0 || similarity[k]! > similarity[best]!) best = k;
    return best;
  }

  #keep({ counts, tokens }: Sequence, at: number): void {
    if (at < 0) return;
    const { experts, layers } = this.#model;
    const capacity = this.#capacity;
    const kept = this.#kept;
    for (let id = 0; id < experts; id++) kept[id * capacity + at] = counts[id]!;
    this.#keptTokens[at] = tokens;
    for (const { experts: width, index, offset } of layers)
      this.#keptScale[index * capacity + at] = scaleOf(squareOf(counts, offset, width));
    for (const other of this.#slots) {
      if (other.match === at) other.matches++;
      other.similarity[at] = 0;
      for (const { index, offset, experts: width } of layers) {
        let dot = 0;
        for (let id = offset; id < offset + width; id++) dot += other.counts[id]! * kept[id * capacity + at]!;
        const place = index * capacity + at;
        other.dots[place] = dot;
        other.cosines[place] = dot * (scaleOf(other.norms[index]!) * this.#keptScale[place]!);
        other.similarity[at]! += other.cosines[place]!;
      }
    }
  }
}

function squareOf(counts: Float64Array, from: number, width: number): number {
  let sum = 0;
  for (let id = from; id < from + width; id++) sum += counts[id]! ** 2;
  return sum;
}

const scaleOf = (norm: number): number => (norm > 0 ? 1 / Math.sqrt(norm) : 0);
