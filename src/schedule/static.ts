// Static batches, as before continuous batching: a batch is filled in order of arrival and runs until all of its requests are done. Places of
// requests that finish early stay empty, and requests that arrive meanwhile wait.

import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { SchedulerDefinition } from './scheduler.js';

class StaticScheduler extends QueueScheduler {
  protected compose(list: ShareList): void {
    if (this.queue.running.length === 0) this.queue.admit(this.batch);
    list.decodes(this.queue.running);
    list.prompts(this.queue.running);
  }
}

/** Registry entry. */
export const staticBatch: SchedulerDefinition = {
  name: 'static',
  summary: 'static batches: nobody joins until all requests of the running batch are done',
  cites: 'request-level batching, as described in Orca, OSDI 2022, section 3',
  fairness: () => ({ passedOver: 0, overtaken: 0 }),
  create: (limits, _parameters, context) => new StaticScheduler(limits, context),
};
