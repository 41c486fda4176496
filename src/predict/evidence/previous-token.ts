import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { type Evidence, evenShare } from '../evidence.js';
import { named, overlap } from '../named-experts.js';
import { PathMemory } from '../path-memory.js';
import { LogOddsTable } from './log-odds-table.js';

/** Trials of reuse at the start. Log-odds of reuse on real models: 1.1 to 2.6. */
const PRIOR = { again: 8, trials: 20 };

/** Evidence from the request's previous token: experts recur at a rate counted per layer. */
export class PreviousToken implements Evidence {
  readonly #model: ModelSpec;
  readonly #memory: PathMemory;
  readonly #again: Float64Array;
  readonly #trials: Float64Array;
  readonly #silentWithin: number;

  /** @param silentWithin layers ahead without evidence */
  constructor(model: ModelSpec, slots: number, topK: number, silentWithin: number) {
    this.#model = model;
    this.#memory = new PathMemory(slots, model.layers.length, topK);
    this.#again = new Float64Array(model.layers.length).fill(PRIOR.again);
    this.#trials = new Float64Array(model.layers.length).fill(PRIOR.trials);
    this.#silentWithin = silentWithin;
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    if (after >= 0 && layer - after <= this.#silentWithin) return false;
    const from = this.#memory.previous(pass, token, layer);
    if (from < 0) return false;
    const again = this.#again[layer]!;
    const share = evenShare(this.#model.layers[layer]!);
    const logOdds = Math.log(again / (this.#trials[layer]! - again)) - Math.log(share / (1 - share));
    const previous = this.#memory.experts;
    for (let i = from; i < from + pass.topK; i++) if (previous[i] !== NULL_EXPERT) into[previous[i]!]! += weight * logOdds;
    return true;
  }

  learn(pass: Pass, token: number, layer: number, counted: boolean): void {
    const { choices, row, topK } = pass;
    const before = this.#memory.previous(pass, token, layer);
    if (counted && before >= 0) {
      const previous = this.#memory.experts;
      this.#trials[layer]! += named(previous, before, topK);
      this.#again[layer]! += overlap(previous, before, topK, choices, token * row + layer * topK, topK);
    }
    this.#memory.store(pass, token, layer);
  }
}

/** Markov chain over a layer's experts, as naive Bayes over the previous token's experts. */
export class SameLayer implements Evidence {
  readonly #memory: PathMemory;
  readonly #tables: readonly LogOddsTable[];
  readonly #silentWithin: number;

  /** @param silentWithin layers ahead without evidence: the own path is known */
  constructor({ layers }: ModelSpec, slots: number, topK: number, silentWithin: number) {
    this.#silentWithin = silentWithin;
    this.#memory = new PathMemory(slots, layers.length, topK);
    this.#tables = layers.map(({ experts }) => new LogOddsTable(experts, experts));
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    if (after >= 0 && layer - after <= this.#silentWithin) return false;
    const from = this.#memory.previous(pass, token, layer);
    if (from < 0) return false;
    this.#tables[layer]!.add(this.#memory.experts, from, pass.topK, weight, into);
    return true;
  }

  learn(pass: Pass, token: number, layer: number, counted: boolean): void {
    const { choices, row, topK } = pass;
    const from = this.#memory.previous(pass, token, layer);
    if (counted && from >= 0) this.#tables[layer]!.learn(this.#memory.experts, from, choices, token * row + layer * topK, topK);
    this.#memory.store(pass, token, layer);
  }
}
