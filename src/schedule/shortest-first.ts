import { member } from '../base/members.js';
import { byName } from '../base/objects.js';
import type { Parameters } from '../base/parameters.js';
import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits } from './scheduler.js';

const LENGTHS = byName<(request: Request) => number>({
  total: ({ tokens }) => tokens,
  prompt: ({ prefill }) => prefill,
  output: ({ decode }) => decode,
});

class ShortestFirstScheduler extends QueueScheduler {
  readonly #length: (request: Request) => number;
  readonly #maxWait: number;

  constructor(limits: SchedulerLimits, { by, maxWait }: Parameters, context: SchedulerContext) {
    super(limits, context);
    this.#length = LENGTHS[String(by)]!;
    this.#maxWait = Number(maxWait);
  }

  protected compose(list: ShareList): void {
    const { running } = this.queue;
    list.decodes(running);
    list.prompts(running);
    // Admits in the pass of the first run: a request admitted early would wait without being overtaken.
    while (list.budget > 0 && running.length < this.batch) {
      const request = this.queue.admitLeast(this.#length, this.#maxWait);
      if (request === null) break;
      list.next(request);
    }
  }
}

/** Shortest job first, with a bound on the wait of long requests. */
export const shortestFirst: SchedulerDefinition = {
  ...member('scheduler', 'shortest-first'),
  fairness: (_limits, { maxWait }) => ({ passedOver: 0, overtaken: Number(maxWait) }),
  create: (limits, parameters, context) => new ShortestFirstScheduler(limits, parameters, context),
};
