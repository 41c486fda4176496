import { policy } from '../policy.js';
import { ScoredResidents } from '../scored-residents.js';

class Lfru extends ScoredResidents {
  readonly #uses: Float64Array;
  readonly #lastUse: Float64Array;
  protected readonly score: (id: number) => number;
  #now = 0;

  constructor(experts: number) {
    super(experts);
    this.#uses = new Float64Array(experts);
    this.#lastUse = new Float64Array(experts);
    this.score = (id) => this.#uses[id]! / (this.#now - this.#lastUse[id]! + 1);
  }

  touch(id: number): void {
    this.#uses[id]! += 1;
    this.#lastUse[id] = ++this.#now;
  }
}

/**
 * Evicts the least uses / (uses of any expert since the last use + 1): popular experts survive a pause. Counts outlive
 * residency.
 */
export const lfru = policy({
  name: 'lfru',
  summary: 'evicts the expert with the least uses over time since its last use',
  cites: 'moe-cache-eval, arXiv 2608.07911 (as the baseline LFRU)',
  create: ({ experts }) => new Lfru(experts),
});
