import { member } from '../../base/members.js';
import type { PolicyDefinition } from '../policy.js';
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
 * residency. No parameters.
 */
export const lfru: PolicyDefinition = { ...member('policy', 'lfru'), create: ({ experts }) => new Lfru(experts) };
