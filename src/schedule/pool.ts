// Schedulers that choose each pass's requests from a pool larger than a pass: what they have in common is admission, prompts, and that no
// request which has begun is passed over more often than a bound.

import type { Parameter } from '../base/parameters.js';
import { RequestQueue, ShareList } from './queue.js';
import type { Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerLimits, Share } from './scheduler.js';

/** Parameters of every scheduler with a pool. */
export const POOL_PARAMETERS = {
  batches: { default: 2, description: 'batches in the pool', min: 1, max: 64 },
  maxWait: { default: 16, description: 'most passes in a row that may leave out a request which has begun', min: 0 },
} as const satisfies Record<string, Parameter>;

/** Fills passes from a pool: first who has waited too long, then prompts, then whom the member of the family chooses. */
export abstract class PoolScheduler implements Scheduler {
  readonly #batch: number;
  readonly #budget: number;
  readonly #running: number;
  /**
   * Passes left out after which a request goes before all others. As many as that many again may be due at once, and go in order of their
   * waiting, a batch a pass: threshold + (pool - 1) / batch passes is the bound.
   */
  readonly #due: number;
  readonly #queue: RequestQueue;
  readonly #list = new ShareList();
  readonly #candidates: Request[] = [];
  readonly #chosen: Request[] = [];
  #pass = 0;

  constructor(limits: SchedulerLimits, { batches, maxWait }: { batches: number; maxWait: number }, context: SchedulerContext) {
    this.#batch = Math.min(limits.batch, limits.maxTokensPerPass);
    this.#budget = limits.maxTokensPerPass;
    this.#running = limits.batch * batches;
    this.#due = Math.max(0, maxWait - Math.floor((this.#running - 1) / this.#batch));
    this.#queue = new RequestQueue(context);
  }

  /** Moves up to `most` of `candidates`, which all decode and stand in order of admission, into `chosen`. */
  protected abstract choose(candidates: readonly Request[], most: number, chosen: Request[]): void;

  get pending(): number {
    return this.#queue.pending;
  }

  add(request: Request): void {
    this.#queue.add(request);
  }

  next(): readonly Share[] {
    const list = this.#list;
    const { running } = this.#queue;
    const chosen = this.#chosen;
    const candidates = this.#candidates;
    this.#queue.admit(this.#running);
    list.begin(this.#budget);
    if (running.length === 0) return list.shares;
    this.#pass++;
    const due = (request: Request): boolean => request.lastPass > 0 && this.#pass - request.lastPass > this.#due;
    chosen.length = candidates.length = 0;
    for (const request of running) {
      if (due(request)) chosen.push(request);
      else if (!request.inPrefill) candidates.push(request);
    }
    if (chosen.length === 0) {
      list.prompts(running, this.#batch);
      if (list.shares.length > 0) return list.shares;
    }
    chosen.sort((a, b) => a.lastPass - b.lastPass);
    chosen.length = Math.min(chosen.length, this.#batch);
    if (chosen.length < this.#batch) this.choose(candidates, this.#batch - chosen.length, chosen);
    list.decodes(chosen);
    list.prompts(chosen, this.#batch);
    return list.shares;
  }

  finished(): void {
    this.#queue.sweep();
  }
}
