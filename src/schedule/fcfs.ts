// First come, first served, with continuous batching as in vLLM: every running request decodes one token a pass, and the tokens
// that are left in the pass's budget go to prompts, in order of arrival (chunked prefill).
import { RequestQueue, ShareList } from './queue.js';
import type { Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerDefinition, SchedulerLimits, Share } from './scheduler.js';

/** Runs requests in order of arrival. */
export class FcfsScheduler implements Scheduler {
  readonly #limits: SchedulerLimits;
  readonly #queue: RequestQueue;
  readonly #list = new ShareList();

  constructor(limits: SchedulerLimits, context: SchedulerContext) {
    this.#limits = limits;
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
    queue.admit(Math.min(this.#limits.batch, this.#limits.maxTokensPerPass));
    list.begin(this.#limits.maxTokensPerPass);
    list.decodes(queue.running);
    list.prompts(queue.running);
    return list.shares;
  }

  finished(): void {
    this.#queue.sweep();
  }
}

/** Registry entry. */
export const fcfs: SchedulerDefinition = {
  name: 'fcfs',
  summary: 'requests in order of arrival, decode tokens first, prompts in chunks',
  cites: 'continuous batching: Orca, OSDI 2022; chunked prefill: Sarathi-Serve, arXiv 2403.02310',
  parameters: {},
  needs: [],
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  create: (limits, _parameters, context) => new FcfsScheduler(limits, context),
};
