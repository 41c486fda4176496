import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { HISTORY_DECAY, HISTORY_SLOW_DECAY } from './contract.js';

/** Inputs of an ONNX predictor in a run. */
export class PathFeatures {
  readonly #model: ModelSpec;
  /** `[slots, experts]`; valid if `#owner` is the slot's request. */
  readonly #fast: Float32Array;
  readonly #slow: Float32Array;
  readonly #owner: Int32Array;
  readonly #used: Float64Array;
  #tokens = 0;
  /** Last recorded pass: a replay by activation observes a layer several times. */
  #recorded = -1;

  constructor(model: ModelSpec, slots: number) {
    this.#model = model;
    this.#fast = new Float32Array(slots * model.experts);
    this.#slow = new Float32Array(slots * model.experts);
    this.#owner = new Int32Array(slots).fill(-1);
    this.#used = new Float64Array(model.experts);
  }

  /** Counts a token for {@link popularity}. @param row start of the `[layers, topK]` choices */
  count(choices: Uint16Array, row: number, topK: number): void {
    this.#tokens++;
    this.#eachExpert(choices, row, topK, this.#model.layers.length, (id) => {
      this.#used[id]! += 1;
    });
  }

  /** Adds a fully known pass to the histories. */
  record(pass: Pass): void {
    if (this.#recorded === pass.number) return;
    this.#recorded = pass.number;
    const { experts, layers } = this.#model;
    for (let token = 0; token < pass.tokens; token++) {
      const at = this.#slotOf(pass, token) * experts;
      for (let i = at; i < at + experts; i++) {
        this.#fast[i]! *= HISTORY_DECAY;
        this.#slow[i]! *= HISTORY_SLOW_DECAY;
      }
      this.#eachExpert(pass.choices, token * pass.row, pass.topK, layers.length, (id) => {
        this.#fast[at + id]! += 1;
        this.#slow[at + id]! += 1;
      });
      this.count(pass.choices, token * pass.row, pass.topK);
    }
  }

  /** Fills `[N, experts]`: decayed sum of the paths before the pass. */
  history(pass: Pass, slow: boolean, into: Float32Array): void {
    for (let token = 0; token < pass.tokens; token++) this.historyOf(pass, token, slow, into, token * this.#model.experts);
  }

  /** Writes a request's decayed paths before the pass, `[experts]`, from index `to` on. */
  historyOf(pass: Pass, token: number, slow: boolean, into: Float32Array, to: number): void {
    const { experts } = this.#model;
    const at = this.#slotOf(pass, token) * experts;
    into.set((slow ? this.#slow : this.#fast).subarray(at, at + experts), to);
  }

  /** Fills `[N, experts]`: 1 for each token's experts at layers up to `after`. */
  observed(pass: Pass, after: number, into: Float32Array): void {
    const { experts } = this.#model;
    into.fill(0, 0, pass.tokens * experts);
    for (let token = 0; token < pass.tokens; token++)
      this.#eachExpert(pass.choices, token * pass.row, pass.topK, after + 1, (id) => {
        into[token * experts + id] = 1;
      });
  }

  /** Fills `[experts]`: share of all tokens so far that used each expert. */
  popularity(into: Float32Array): void {
    const { experts } = this.#model;
    for (let id = 0; id < experts; id++) into[id] = this.#tokens === 0 ? 0 : this.#used[id]! / this.#tokens;
  }

  #slotOf(pass: Pass, token: number): number {
    const slot = pass.slot[token]!;
    if (this.#owner[slot] !== pass.request[token]) {
      this.#owner[slot] = pass.request[token]!;
      const { experts } = this.#model;
      this.#fast.fill(0, slot * experts, (slot + 1) * experts);
      this.#slow.fill(0, slot * experts, (slot + 1) * experts);
    }
    return slot;
  }

  #eachExpert(choices: Uint16Array, row: number, topK: number, layers: number, visit: (id: number) => void): void {
    for (let layer = 0, at = row; layer < layers; layer++) {
      const { offset } = this.#model.layers[layer]!;
      for (const end = at + topK; at < end; at++) if (choices[at] !== NULL_EXPERT) visit(offset + choices[at]!);
    }
  }
}
