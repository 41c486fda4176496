// Passes of one phase only, for engines that do not mix prompts with decode steps: one goes first, the other after a bound at the latest.
import type { Parameters } from '../base/parameters.js';
import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits } from './scheduler.js';

type PhaseName = 'prefill' | 'decode';

class PhaseFirstScheduler extends QueueScheduler {
  readonly #first: PhaseName;
  readonly #maxWait: number;
  /** Passes in a row of the phase that goes first. */
  #row = 0;

  constructor(first: PhaseName, limits: SchedulerLimits, { maxWait }: Parameters, context: SchedulerContext) {
    super(limits, context);
    this.#first = first;
    this.#maxWait = Number(maxWait);
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

  /** Fills the list with the preferred phase, or with the other one. */
  #take(list: ShareList, other: boolean): void {
    const { running } = this.queue;
    if ((this.#first === 'prefill') === other) list.decodes(running);
    else list.prompts(running);
  }
}

function definition(first: PhaseName, fields: Pick<SchedulerDefinition, 'summary' | 'cites'>, maxWait: number): SchedulerDefinition {
  const [phase, other] = first === 'prefill' ? ['prompt', 'decode'] : ['decode', 'prompt'];
  return {
    name: `${first}-first`,
    ...fields,
    parameters: {
      maxWait: { default: maxWait, description: `most ${phase} passes in a row while there are ${other} tokens to run`, min: 1 },
    },
    fairness: (_limits, parameters) => ({ passedOver: Number(parameters.maxWait), overtaken: 0 }),
    create: (limits, parameters, context) => new PhaseFirstScheduler(first, limits, parameters, context),
  };
}

/** Registry entry. */
export const prefillFirst = definition(
  'prefill',
  {
    summary: 'passes of one phase: prompts run before any decode step',
    cites: 'vLLM without chunked prefill, SOSP 2023; prefill-prioritising, Sarathi-Serve, arXiv 2403.02310',
  },
  64,
);

/** Registry entry. */
export const decodeFirst = definition(
  'decode',
  {
    summary: 'passes of one phase: decode steps run before any prompt',
    cites: 'decode-prioritising, Sarathi-Serve, arXiv 2403.02310',
  },
  16,
);
