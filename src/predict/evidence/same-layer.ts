// Evidence from the request's previous token at the same layer: which experts follow which from one token to the next.
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import type { Evidence } from '../evidence.js';
import { PathMemory } from '../path-memory.js';
import { LogOddsTable } from './log-odds-table.js';

/** First-order Markov chain over the experts of one layer, read as naive Bayes over the previous token's experts. */
export class SameLayer implements Evidence {
  readonly #memory: PathMemory;
  readonly #tables: readonly LogOddsTable[];

  readonly #silentWithin: number;

  /**
   * @param topK width of a token's row per layer
   * @param silentWithin layers ahead within which it says nothing: where a token's own path is known, little is left to add
   */
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
