// Passes of a single phase, for engines without mixed passes.
import type { Parameter } from '../base/parameters.js';
import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import { type SchedulerContext, type SchedulerDefinition, type SchedulerLimits, scheduler } from './scheduler.js';

type PhaseName = 'prefill' | 'decode';

class PhaseFirstScheduler extends QueueScheduler {
  readonly #first: PhaseName;
  readonly #maxWait: number;
  /** Preferred passes in a row. */
  #row = 0;

  constructor(first: PhaseName, limits: SchedulerLimits, maxWait: number, context: SchedulerContext) {
    super(limits, context);
    this.#first = first;
    this.#maxWait = maxWait;
  }

  protected compose(list: ShareList): void {
    this.queue.admit(this.batch);
    const yields = this.#row >= this.#maxWait;
    this.#take(list, yields);
    if (list.shares.length === 0) this.#take(list, !yields);
    const [taken] = list.shares;
    if (taken !== undefined) this.#row = this.#ofFirst(taken.request) ? this.#row + 1 : 0;
  }

  #ofFirst({ inPrefill }: Request): boolean {
    return inPrefill === (this.#first === 'prefill');
  }

  #take(list: ShareList, other: boolean): void {
    const { running } = this.queue;
    if ((this.#first === 'prefill') === other) list.decodes(running);
    else list.prompts(running);
  }
}

interface About {
  readonly summary: string;
  readonly cites: string;
  readonly maxWait: Parameter & { readonly default: number };
}

const definition = (first: PhaseName, { maxWait: most, ...about }: About): SchedulerDefinition =>
  scheduler({
    name: `${first}-first`,
    ...about,
    parameters: { maxWait: most },
    fairness: (_limits, { maxWait }) => ({ passedOver: maxWait, overtaken: 0 }),
    create: (limits, { maxWait }, context) => new PhaseFirstScheduler(first, limits, maxWait, context),
  });

/** Prompts first, decode steps within a bound. */
export const prefillFirst = definition('prefill', {
  summary: 'passes of one phase: prompts run before any decode step',
  cites: 'vLLM without chunked prefill, SOSP 2023; prefill-prioritising, Sarathi-Serve, arXiv 2403.02310',
  maxWait: { default: 64, min: 1, description: 'most prompt passes in a row while there are decode tokens to run' },
});

/** Decode steps first, prompts within a bound. */
export const decodeFirst = definition('decode', {
  summary: 'passes of one phase: decode steps run before any prompt',
  cites: 'decode-prioritising, Sarathi-Serve, arXiv 2403.02310',
  maxWait: { default: 16, min: 1, description: 'most decode passes in a row while there are prompt tokens to run' },
});
