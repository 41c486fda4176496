// Shortest job first: the mean latency falls at the expense of long requests, so one that has waited for too many passes goes first.
import { byName } from '../base/objects.js';
import type { Parameters } from '../base/parameters.js';
import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits } from './scheduler.js';

/** Lengths by which requests may be ordered. */
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
    // A request is admitted in the pass in which it begins: one admitted earlier could not be overtaken and would still wait.
    while (list.budget > 0 && running.length < this.batch) {
      const request = this.queue.admitLeast(this.#length, this.#maxWait);
      if (request === null) break;
      list.next(request);
    }
  }
}

/** Registry entry. */
export const shortestFirst: SchedulerDefinition = {
  name: 'shortest-first',
  summary: 'of the waiting requests the shortest begins next; decode tokens first, prompts in chunks',
  cites: 'shortest job first for LLM serving: arXiv 2408.15792 (learning to rank), whose starvation limit is maxWait here',
  parameters: {
    by: {
      default: 'total',
      values: Object.keys(LENGTHS),
      description: 'length: prompt and output, or one of them; outputs as a length predictor that is always right would give them',
    },
    maxWait: { default: 2048, description: 'passes after which a request that waits goes before all others', min: 0 },
  },
  fairness: (_limits, { maxWait }) => ({ passedOver: 0, overtaken: Number(maxWait) }),
  create: (limits, parameters, context) => new ShortestFirstScheduler(limits, parameters, context),
};
