import { fastLog } from '../../base/log-odds.js';
import { EVENTS_A_BLOCK, PASTS, PastBits } from '../../cache/next-use/past-bits.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { addColumn, type Evidence } from '../evidence.js';

/**
 * Pseudo-tokens at the layer's mean. Ours: 2 and 8 change recall of `ensemble` by at most 0.21 points (evidence.ts).
 */
const SMOOTHING = 4;
/** Stride of counted tokens after the first {@link EARLY}. Ours. */
const STRIDE = 4;
/** Tokens of a layer counted without a stride. Ours. */
const EARLY = 512;

/** Log-odds by the request's past uses: two bytes hold eight tokens and eight blocks of eight. */
export class History implements Evidence {
  readonly #model: ModelSpec;
  readonly #slotBytes: number;
  readonly #start: Int32Array;
  /** `[slots, experts]`; an event is a token of the request. */
  readonly #bits: PastBits;
  readonly #owner: Int32Array;
  readonly #length: Int32Array;
  /** `[layers, PASTS]` experts seen, experts used next, and log-odds relative to the layer's mean. */
  readonly #seen: Uint32Array;
  readonly #used: Uint32Array;
  readonly #logOdds: Float32Array;
  readonly #learned: Float64Array;
  readonly #dueAt: Float64Array;
  /** By slot and layer: log-odds of each expert's past; and 1 while valid. */
  readonly #said: readonly Float32Array[];
  readonly #holds: Uint8Array;

  constructor(model: ModelSpec, slots: number) {
    const { layers } = model;
    this.#model = model;
    this.#start = new Int32Array(layers.length);
    let bytes = 0;
    for (const { index, experts } of layers) {
      this.#start[index] = bytes;
      bytes += 4 * Math.ceil(experts / 4);
    }
    this.#slotBytes = bytes;
    this.#bits = new PastBits(new Uint8Array(2 * slots * bytes));
    this.#owner = new Int32Array(slots * layers.length).fill(-1);
    this.#length = new Int32Array(slots * layers.length);
    this.#seen = new Uint32Array(layers.length * PASTS);
    this.#used = new Uint32Array(layers.length * PASTS);
    this.#logOdds = new Float32Array(layers.length * PASTS);
    this.#learned = new Float64Array(layers.length);
    this.#dueAt = new Float64Array(layers.length).fill(1);
    this.#said = Array.from({ length: slots }, () => layers.map(({ experts }) => new Float32Array(experts))).flat();
    this.#holds = new Uint8Array(slots * layers.length);
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    return addColumn(this.column(pass, token, after, layer), weight, into);
  }

  column(pass: Pass, token: number, _after: number, layer: number): Float32Array | null {
    const slot = pass.slot[token]!;
    const at = slot * this.#model.layers.length + layer;
    if (this.#owner[at] !== pass.request[token]) return null;
    const logOdds = this.#said[at]!;
    if (this.#holds[at] === 0) {
      this.#lookUp(layer, slot * this.#slotBytes + this.#start[layer]!, logOdds);
      this.#holds[at] = 1;
    }
    return logOdds;
  }

  #lookUp(layer: number, from: number, into: Float32Array): void {
    const bits = this.#bits;
    const logOdds = this.#logOdds;
    const base = layer * PASTS;
    for (let e = 0; e < into.length; e++) into[e] = logOdds[base + bits.past(from + e)]!;
  }

  /** Skips wrong drafts: they are no part of the request's past. */
  learn(pass: Pass, token: number, layer: number, counted: boolean): void {
    if (pass.wrong[token] === 1) return;
    const slot = pass.slot[token]!;
    const { experts } = this.#model.layers[layer]!;
    const bytes = slot * this.#slotBytes + this.#start[layer]!;
    const at = slot * this.#model.layers.length + layer;
    const { chosen } = pass;
    const count = pass.listChosen(token, layer);
    const bits = this.#bits;
    this.#holds[at] = 0;
    if (this.#owner[at] !== pass.request[token]) {
      this.#owner[at] = pass.request[token]!;
      this.#length[at] = 0;
      bits.recent.fill(0, bytes, bytes + experts);
      bits.blocks.fill(0, bytes, bytes + experts);
    } else if (counted && (this.#learned[layer]! < EARLY || this.#length[at]! % STRIDE === 0)) {
      const base = layer * PASTS;
      for (let e = 0; e < experts; e++) this.#seen[base + bits.past(bytes + e)]! += 1;
      for (let i = 0; i < count; i++) this.#used[base + bits.past(bytes + chosen[i]!)]! += 1;
      this.#learned[layer]! += 1;
      if (this.#learned[layer]! >= this.#dueAt[layer]!) this.#renew(layer);
    }
    bits.age(bytes, experts, ++this.#length[at]! % EVENTS_A_BLOCK === 0);
    for (let i = 0; i < count; i++) bits.recent[bytes + chosen[i]!]! |= 1;
  }

  #renew(layer: number): void {
    const base = layer * PASTS;
    let seen = 0;
    let used = 0;
    for (let past = base; past < base + PASTS; past++) {
      seen += this.#seen[past]!;
      used += this.#used[past]!;
    }
    const mean = Math.max(used, 0.5) / seen;
    const meanLogOdds = fastLog(mean) - fastLog(1 - mean);
    for (let past = base; past < base + PASTS; past++) {
      if (this.#seen[past] === 0) continue;
      const uses = this.#used[past]! + SMOOTHING * mean;
      const rest = this.#seen[past]! - this.#used[past]! + SMOOTHING * (1 - mean);
      this.#logOdds[past] = fastLog(uses) - fastLog(rest) - meanLogOdds;
    }
    for (let at = layer; at < this.#holds.length; at += this.#model.layers.length) this.#holds[at] = 0;
    this.#dueAt[layer] = this.#learned[layer]! + 8 + this.#learned[layer]! / 4;
  }
}
