import type { Pass } from '../schedule/door.js';

/** The experts of each running request's previous token, layer by layer, for persistence and same-layer predictors. */
export class PathMemory {
  /** `[slots, layers, topK]`, NULL_EXPERT = none. */
  readonly experts: Uint16Array;
  /** Request whose path a slot holds, by slot and layer: layers become known one after another. */
  readonly #owner: Int32Array;
  readonly #layers: number;
  readonly #topK: number;

  constructor(slots: number, layers: number, topK: number) {
    this.experts = new Uint16Array(slots * layers * topK);
    this.#owner = new Int32Array(slots * layers).fill(NOBODY);
    this.#layers = layers;
    this.#topK = topK;
  }

  /** Index in {@link experts} of the previous token's choices at a layer; -1: the request has no previous token. */
  previous(pass: Pass, token: number, layer: number): number {
    const at = pass.slot[token]! * this.#layers + layer;
    return this.#owner[at] === pass.request[token] ? at * this.#topK : -1;
  }

  /** Replaces them by those of a token, unless that is a wrong draft, which nothing follows. */
  store(pass: Pass, token: number, layer: number): void {
    if (pass.wrong[token] === 1) return;
    const at = pass.slot[token]! * this.#layers + layer;
    const from = token * pass.row + layer * this.#topK;
    const to = at * this.#topK;
    this.#owner[at] = pass.request[token]!;
    for (let i = 0; i < this.#topK; i++) this.experts[to + i] = pass.choices[from + i]!;
  }
}

/** No request has this index: those of a run count from 0, those of training traces down from -2. */
const NOBODY = -1;
