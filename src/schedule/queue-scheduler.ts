// The common part of schedulers that compose each pass from one queue: the limits of a pass, the queue, and the list of shares. Each member
// decides which requests go into the list.
import { RequestQueue } from './queue.js';
import type { Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerLimits, Share } from './scheduler.js';
import { ShareList } from './share-list.js';

/** Requests of one pass: a token of each must fit. */
export function passSize({ batch, maxTokensPerPass }: SchedulerLimits): number {
  return Math.min(batch, maxTokensPerPass);
}

/** Composes passes from a queue. */
export abstract class QueueScheduler implements Scheduler {
  /** Most requests that run at once. */
  protected readonly batch: number;
  /** Waiting and running requests. */
  protected readonly queue: RequestQueue;
  readonly #list: ShareList;
  readonly #budget: number;

  constructor(limits: SchedulerLimits, context: SchedulerContext) {
    this.batch = passSize(limits);
    this.#budget = limits.maxTokensPerPass;
    this.queue = new RequestQueue(context);
    this.#list = new ShareList(context.drafts);
  }

  /** Admits requests and fills `list`, which is empty and has the budget of a pass that can begin at `nowNs`. */
  protected abstract compose(list: ShareList, nowNs: number): void;

  get pending(): number {
    return this.queue.pending;
  }

  add(request: Request): void {
    this.queue.add(request);
  }

  next(nowNs: number): readonly Share[] {
    this.#list.begin(this.#budget, this.batch);
    this.compose(this.#list, nowNs);
    return this.#list.shares;
  }

  finished(_shares: readonly Share[], _nowNs: number): void {
    this.queue.sweep();
  }
}
