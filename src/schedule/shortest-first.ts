import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import { type SchedulerContext, type SchedulerLimits, scheduler } from './scheduler.js';

const LENGTHS = {
  total: ({ tokens }) => tokens,
  prompt: ({ prefill }) => prefill,
  output: ({ decode }) => decode,
} satisfies Readonly<Record<string, (request: Request) => number>>;

interface Order {
  readonly by: keyof typeof LENGTHS;
  readonly maxWait: number;
}

class ShortestFirstScheduler extends QueueScheduler {
  readonly #length: (request: Request) => number;
  readonly #maxWait: number;

  constructor(limits: SchedulerLimits, { by, maxWait }: Order, context: SchedulerContext) {
    super(limits, context);
    this.#length = LENGTHS[by];
    this.#maxWait = maxWait;
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
export const shortestFirst = scheduler({
  name: 'shortest-first',
  summary: 'of the waiting requests the shortest begins next; decode tokens first, prompts in chunks',
  cites: 'shortest job first for LLM serving: arXiv 2408.15792 (learning to rank), whose starvation limit is maxWait here',
  parameters: {
    by: {
      default: 'total',
      values: ['total', 'prompt', 'output'],
      description: 'length: prompt and output, or one of them; outputs as a length predictor that is always right would give them',
    },
    maxWait: { default: 2048, min: 0, description: 'passes after which a request that waits goes before all others' },
  },
  fairness: (_limits, { maxWait }) => ({ passedOver: 0, overtaken: maxWait }),
  create: (limits, parameters, context) => new ShortestFirstScheduler(limits, parameters, context),
});
