import type { Pass } from '../schedule/door.js';

/** Experts of each running request's previous token, by layer. */
export class PathMemory {
  /** `[slots, layers, topK]`, NULL_EXPERT = none. */
  readonly experts: Uint16Array;
  readonly #owner: Int32Array;
  readonly #layers: number;
  readonly #topK: number;

  constructor(slots: number, layers: number, topK: number) {
    this.experts = new Uint16Array(slots * layers * topK);
    this.#owner = new Int32Array(slots * layers).fill(NOBODY);
    this.#layers = layers;
    this.#topK = topK;
  }

  /** Index in {@link experts} of the previous token's choices; -1: no previous token. */
  previous(pass: Pass, token: number, layer: number): number {
    const at = pass.slot[token]! * this.#layers + layer;
    return this.#owner[at] === pass.request[token] ? at * this.#topK : -1;
  }

  /** Stores a token's choices at a layer; skips wrong drafts. */
  store(pass: Pass, token: number, layer: number): void {
    if (pass.wrong[token] === 1) return;
    const at = pass.slot[token]! * this.#layers + layer;
    const from = token * pass.row + layer * this.#topK;
    const to = at * this.#topK;
    this.#owner[at] = pass.request[token]!;
    for (let i = 0; i < this.#topK; i++) this.experts[to + i] = pass.choices[from + i]!;
  }
}

/** No request's index: a run counts from 0, training traces count down from -2. */
const NOBODY = -1;
