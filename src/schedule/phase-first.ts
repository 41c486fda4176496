// Passes of one phase only, as engines run them that do not mix prompts with decode steps: one phase goes first while it has anything to
// run, the other at the latest after a bound.
import type { Parameters } from '../base/parameters.js';
import { RequestQueue, ShareList } from './queue.js';
import type { Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerDefinition, SchedulerLimits, Share } from './scheduler.js';

type PhaseName = 'prefill' | 'decode';

class PhaseFirstScheduler implements Scheduler {
  readonly #batch: number;
  readonly #budget: number;
  readonly #first: PhaseName;
  readonly #maxWait: number;
  readonly #queue: RequestQueue;
  readonly #list = new ShareList();
  /** Passes in a row of the phase that goes first. */
  #row = 0;

  constructor(first: PhaseName, limits: SchedulerLimits, { maxWait }: Parameters, context: SchedulerContext) {
    this.#batch = Math.min(limits.batch, limits.maxTokensPerPass);
    this.#budget = limits.maxTokensPerPass;
    this.#first = first;
    this.#maxWait = Number(maxWait);
    this.#queue = new RequestQueue(context);
  }

  get pending(): number {
    return this.#queue.pending;
  }

  add(request: Request): void {
    this.#queue.add(request);
  }

  next(): readonly Share[] {
    const { shares } = this.#list;
    this.#queue.admit(this.#batch);
    this.#list.begin(this.#budget);
    const yields = this.#row >= this.#maxWait;
    this.#take(yields);
    if (shares.length === 0) this.#take(!yields);
    if (shares.length > 0) this.#row = this.#ofFirst(shares[0]!.request) ? this.#row + 1 : 0;
    return shares;
  }

  finished(): void {
    this.#queue.sweep();
  }

  #ofFirst({ inPrefill }: Request): boolean {
    return inPrefill === (this.#first === 'prefill');
  }

  /** Fills the list with the phase that goes first, or with the other one. */
  #take(other: boolean): void {
    const { running } = this.#queue;
    if ((this.#first === 'prefill') === other) this.#list.decodes(running);
    else this.#list.prompts(running);
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
    needs: [],
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
