import type { ParameterTable, ValuesOf } from '../base/parameters.js';
import { passSize, QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { Fairness, SchedulerContext, SchedulerLimits } from './scheduler.js';

/** Parameters of every pool scheduler. */
export const POOL_PARAMETERS = {
  batches: { default: 2, description: 'batches in the pool', min: 1, max: 64 },
  maxWait: {
    default: 16,
    description: 'most passes in a row that may leave out a request which has begun; never less than 2 x batches - 1',
    min: 0,
  },
} satisfies ParameterTable;

type PoolValues = ValuesOf<typeof POOL_PARAMETERS>;

/** Requests of the pool. */
export const poolSize = (limits: SchedulerLimits, { batches }: Pick<PoolValues, 'batches'>): number => passSize(limits) * batches;

/** Promises of pool schedulers. */
export function poolFairness(_limits: SchedulerLimits, { batches, maxWait }: PoolValues): Fairness {
  return { passedOver: Math.max(maxWait, 2 * batches - 1), overtaken: 0 };
}

/** Moves up to `most` decoding `candidates` into the empty `chosen`. */
export type Choose = (candidates: readonly Request[], most: number, chosen: Request[]) => void;

/** Fills passes from a pool: overdue requests, then prompts, then the choice of `choose`. */
export class PoolScheduler extends QueueScheduler {
  readonly #choose: Choose;
  readonly #running: number;
  /**
   * Passes that may leave a request out before the request goes first; at least `batches`, so that prompts get turns.
   */
  readonly #due: number;
  readonly #overdue: Request[] = [];
  readonly #candidates: Request[] = [];
  readonly #chosen: Request[] = [];

  constructor(limits: SchedulerLimits, parameters: PoolValues, context: SchedulerContext, choose: Choose) {
    super(limits, context);
    this.#choose = choose;
    this.#running = poolSize(limits, parameters);
    this.#due = poolFairness(limits, parameters).passedOver - (parameters.batches - 1);
  }

  protected compose(list: ShareList): void {
    const { passes, running } = this.queue;
    const overdue = this.#overdue;
    const candidates = this.#candidates;
    this.queue.admit(this.#running);
    overdue.length = candidates.length = 0;
    for (const request of running) {
      // New prompts go in order of arrival without overtaking.
      const waits = request.lastPass > 0 || !request.inPrefill;
      if (waits && passes - lastSeen(request) >= this.#due) overdue.push(request);
      else if (!request.inPrefill) candidates.push(request);
    }
    overdue.sort((a, b) => lastSeen(a) - lastSeen(b));
    overdue.length = Math.min(overdue.length, this.batch);
    list.decodes(overdue);
    const due = list.shares.length;
    // At most one prompt has begun, and comes first; overdue requests leave a place.
    list.prompts(running, this.batch);
    if (list.shares.length > due) return;
    const chosen = this.#chosen;
    chosen.length = 0;
    if (due < this.batch) this.#choose(candidates, this.batch - due, chosen);
    list.decodes(chosen);
  }
}

/** Pass of the request's last turn, or the last pass before admission. */
const lastSeen = ({ admittedPass, lastPass }: Request): number => (lastPass > 0 ? lastPass : admittedPass);
