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

/** First come, first served: continuous batching as in vLLM (decode, then prompts), or static batches that run until all requests end. */
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

/** The limits with so many batches as one. */
function gathered(limits: SchedulerLimits, { gather }: Parameters): SchedulerLimits {
  return { ...limits, batch: limits.batch * Number(gather) };
}

/** Registry entry. */
export const staticBatch: SchedulerDefinition = {
  ...member('scheduler', 'static'),
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  running: (limits, parameters) => passSize(gathered(limits, parameters)),
  attending: ({ batch }) => batch,
  create: (limits, parameters, context) => new StaticScheduler(gathered(limits, parameters), context),
};
