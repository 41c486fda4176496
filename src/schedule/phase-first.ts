// Passes of a single phase, for engines without mixed passes.
import { member } from '../base/members.js';
import type { Parameters } from '../base/parameters.js';
import { QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits } from './scheduler.js';

type PhaseName = 'prefill' | 'decode';

class PhaseFirstScheduler extends QueueScheduler {
  readonly #first: PhaseName;
  readonly #maxWait: number;
  /** Preferred passes in a row. */
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

  #take(list: ShareList, other: boolean): void {
    const { running } = this.queue;
    if ((this.#first === 'prefill') === other) list.decodes(running);
    else list.prompts(running);
  }
}

const definition = (first: PhaseName): SchedulerDefinition => ({
  ...member('scheduler', `${first}-first`),
  fairness: (_limits, { maxWait }) => ({ passedOver: Number(maxWait), overtaken: 0 }),
  create: (limits, parameters, context) => new PhaseFirstScheduler(first, limits, parameters, context),
});

/** Prompts first, decode steps within a bound. */
export const prefillFirst = definition('prefill');

/** Decode steps first, prompts within a bound. */
export const decodeFirst = definition('decode');
