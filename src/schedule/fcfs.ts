import { passSize, QueueScheduler, type ShareList } from './queue-scheduler.js';
import { type SchedulerLimits, scheduler } from './scheduler.js';

class FcfsScheduler extends QueueScheduler {
  protected compose(list: ShareList): void {
    this.queue.admit(this.batch);
    list.decodes(this.queue.running);
    list.prompts(this.queue.running);
  }
}

/** First come, first served: continuous batching as in vLLM, decode tokens before prompts. */
export const fcfs = scheduler({
  name: 'fcfs',
  summary: 'requests in order of arrival, decode tokens first, prompts in chunks',
  cites: 'continuous batching: Orca, OSDI 2022; chunked prefill: Sarathi-Serve, arXiv 2403.02310',
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  create: (limits, _parameters, context) => new FcfsScheduler(limits, context),
});

class StaticScheduler extends QueueScheduler {
  protected compose(list: ShareList): void {
    if (this.queue.running.length === 0) this.queue.admit(this.batch);
    list.decodes(this.queue.running);
    list.prompts(this.queue.running);
  }
}

/** Limits with `gather` batches as one. */
function gathered(limits: SchedulerLimits, { gather }: { readonly gather: number }): SchedulerLimits {
  return { ...limits, batch: limits.batch * gather };
}

/** Static batching: a batch runs until all requests end. */
export const staticBatch = scheduler({
  name: 'static',
  summary: 'static batches: nobody joins until all requests of the running batch are done',
  cites: 'request-level batching, as described in Orca, OSDI 2022, section 3; module-based batching: MoE-Gen, arXiv 2503.09716',
  parameters: {
    gather: {
      default: 1,
      min: 1,
      max: 1024,
      description: 'batches that attend one after another and share one pass through the experts',
    },
  },
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  running: (limits, parameters) => passSize(gathered(limits, parameters)),
  attending: ({ batch }) => batch,
  create: (limits, parameters, context) => new StaticScheduler(gathered(limits, parameters), context),
});
