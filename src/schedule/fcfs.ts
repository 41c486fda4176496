import { member } from '../base/members.js';
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

/** First come, first served: continuous batching as in vLLM, decode tokens before prompts. */
export const fcfs: SchedulerDefinition = {
  ...member('scheduler', 'fcfs'),
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

/** Limits with `gather` batches as one. */
function gathered(limits: SchedulerLimits, { gather }: Parameters): SchedulerLimits {
  return { ...limits, batch: limits.batch * Number(gather) };
}

/** Static batching: a batch runs until all requests end. */
export const staticBatch: SchedulerDefinition = {
  ...member('scheduler', 'static'),
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  running: (limits, parameters) => passSize(gathered(limits, parameters)),
  attending: ({ batch }) => batch,
  create: (limits, parameters, context) => new StaticScheduler(gathered(limits, parameters), context),
};
