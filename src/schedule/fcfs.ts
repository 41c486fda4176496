// First come, first served, with continuous batching as in vLLM: every running request decodes one token a pass, and the tokens
// that are left in the pass's budget go to prompts, in order of arrival (chunked prefill). And static batches, as before: a batch is filled in
// order of arrival and runs until all of its requests are done. Places of requests that finish early stay empty, and others wait.
import type { Parameters } from '../base/parameters.js';
import { passSize, QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { SchedulerDefinition, SchedulerLimits } from './scheduler.js';

class FcfsScheduler extends QueueScheduler {
  protected compose(list: ShareList): void {
    this.queue.admit(this.batch);
    list.decodes(this.queue.running);
    list.prompts(this.queue.running);
  }
}

/** Registry entry. */
export const fcfs: SchedulerDefinition = {
  name: 'fcfs',
  summary: 'requests in order of arrival, decode tokens first, prompts in chunks',
  cites: 'continuous batching: Orca, OSDI 2022; chunked prefill: Sarathi-Serve, arXiv 2403.02310',
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  create: (limits, _parameters, context) => new FcfsScheduler(limits, context),
};

class StaticScheduler extends QueueScheduler {
  protected compose(list: ShareList): void {
    if (this.queue.running.length === 0) this.queue.admit(this.batch);
    list.decodes(this.queue.running);
    list.prompts(this.queue.running);
  }
}

/** The limits with so many batches as one. */
function gathered(limits: SchedulerLimits, { gather }: Parameters): SchedulerLimits {
  return { ...limits, batch: limits.batch * Number(gather) };
}

/** Registry entry. */
export const staticBatch: SchedulerDefinition = {
  name: 'static',
  summary: 'static batches: nobody joins until all requests of the running batch are done',
  cites: 'request-level batching, as described in Orca, OSDI 2022, section 3; module-based batching: MoE-Gen, arXiv 2503.09716',
  parameters: {
    gather: { default: 1, description: 'batches that attend one after another and share one pass through the experts', min: 1, max: 1024 },
  },
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  running: (limits, parameters) => passSize(gathered(limits, parameters)),
  attending: ({ batch }) => batch,
  create: (limits, parameters, context) => new StaticScheduler(gathered(limits, parameters), context),
};
