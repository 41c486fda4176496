// Static batches, as engines made them before continuous batching: a batch is filled in order of arrival and runs until all of its
// requests are done; the places of those that finish early stay empty, and who arrives in between waits.
import { RequestQueue, ShareList } from './queue.js';
import type { Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerDefinition, SchedulerLimits, Share } from './scheduler.js';

class StaticScheduler implements Scheduler {
  readonly #batch: number;
  readonly #budget: number;
  readonly #queue: RequestQueue;
  readonly #list = new ShareList();

  constructor(limits: SchedulerLimits, context: SchedulerContext) {
    this.#batch = Math.min(limits.batch, limits.maxTokensPerPass);
    this.#budget = limits.maxTokensPerPass;
    this.#queue = new RequestQueue(context);
  }

  get pending(): number {
    return this.#queue.pending;
  }

  add(request: Request): void {
    this.#queue.add(request);
  }

  next(): readonly Share[] {
    const queue = this.#queue;
    const list = this.#list;
    if (queue.running.length === 0) queue.admit(this.#batch);
    list.begin(this.#budget);
    list.decodes(queue.running);
    list.prompts(queue.running);
    return list.shares;
  }

  finished(): void {
    this.#queue.sweep();
  }
}

/** Registry entry. */
export const staticBatch: SchedulerDefinition = {
  name: 'static',
  summary: 'static batches: nobody joins until all requests of the running batch are done',
  cites: 'request-level batching, as described in Orca, OSDI 2022, section 3',
  parameters: {},
  needs: [],
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  create: (limits, _parameters, context) => new StaticScheduler(limits, context),
};
