import type { Drafts, Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerLimits, Share } from './scheduler.js';

/** A first-in-first-out queue with admission by KV room. */
export class RequestQueue {
  /** Requests that were admitted and have not finished, in order of admission. */
  readonly running: Request[] = [];
  passes = 0;
  readonly #waiting: Request[] = [];
  #head = 0;
  readonly #context: Pick<SchedulerContext, 'kv'>;

  constructor(context: Pick<SchedulerContext, 'kv'>) {
    this.#context = context;
  }

  get pending(): number {
    return this.#waiting.length - this.#head + this.running.length;
  }

  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  add(request: Request): void {
    this.#waiting.push(request);
  }

  /** Admits waiting requests in order until `most` run; the first for whose KV cache there is no room makes all others wait too. */
  admit(most: number): void {
    while (this.running.length < most && this.#head < this.#waiting.length) if (!this.#admitAt(this.#head)) return;
  }

  /** Admits the waiting request of the least `rank`, ties by arrival; or the earliest after `maxWait` passes. @returns it; null: none, or no room */
  admitLeast(rank: (request: Request) => number, maxWait: number): Request | null {
    const waiting = this.#waiting;
    if (this.#head === waiting.length) return null;
    let least = this.#head;
    if (this.passes - waiting[least]!.arrivedPass <= maxWait) {
      for (let at = least + 1; at < waiting.length; at++) if (rank(waiting[at]!) < rank(waiting[least]!)) least = at;
    }
    return this.#admitAt(least) ? this.running.at(-1)! : null;
  }

  /** Admits the request of this index, which waits, and was admitted here before. @throws Error if there is no room this time */
  admitAgain(index: number): void {
    const at = this.#waiting.findIndex((request, place) => place >= this.#head && request.index === index);
    if (at < 0 || !this.#admitAt(at)) throw new Error(`request ${index} had room when the passes were recorded, and has none now`);
  }

  #admitAt(at: number): boolean {
    const waiting = this.#waiting;
    const request = waiting[at]!;
    if (!this.#context.kv.admit(request)) return false;
    request.admittedPass = this.passes;
    this.running.push(request);
    if (at === this.#head) this.#head++;
    else waiting.splice(at, 1);
    if (this.#head > 1024 && this.#head * 2 > waiting.length) {
      waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return true;
  }

  sweep(): void {
    const { running } = this;
    this.passes++;
    let kept = 0;
    for (const request of running) {
      if (request.finished) this.#context.kv.release(request);
      else running[kept++] = request;
    }
    running.length = kept;
    if (this.#context.kv.growth !== 'static') this.#extend();
  }

  /** Every running request gets room for its next token, in order of admission, at the expense of the last admitted of its GPU. */
  #extend(): void {
    const { kv } = this.#context;
    const { running } = this;
    for (let i = 0; i < running.length; i++) {
      while (i < running.length && !kv.extend(running[i]!)) {
        const { gpu } = running[i]!;
        const [youngest] = running.splice(
          running.findLastIndex((other) => other.gpu === gpu),
          1,
        ) as [Request];
        kv.preempt(youngest);
        this.#putBack(youngest);
      }
    }
  }

  /** Puts a request back among the waiting ones, in order of arrival. */
  #putBack(request: Request): void {
    let at = this.#head;
    while (at < this.#waiting.length && this.#waiting[at]!.index < request.index) at++;
    this.#waiting.splice(at, 0, request);
  }
}

/** A list of shares that is rebuilt for each pass. */
export class ShareList {
  readonly shares: Share[] = [];
  /** Tokens that the pass may still take, and those of them that may be drafted ones. */
  budget = 0;
  #draftBudget = 0;
  readonly #drafts: Drafts | null;

  /** @param drafts what decoding requests draft after their next token; null: nothing */
  constructor(drafts: Drafts | null = null) {
    this.#drafts = drafts;
  }

  /** @param budget tokens of the pass @param batch requests that a token of each must be left for */
  begin(budget: number, batch = budget): void {
    this.shares.length = 0;
    this.budget = budget;
    this.#draftBudget = budget - batch;
  }

  /** One decode token and the draft of each of `requests` that decodes, as the budget allows; preempted ones are left out. */
  decodes(requests: readonly Request[]): void {
    for (const request of requests) {
      if (this.budget <= 0) return;
      if (request.kvTokens > 0 && !request.inPrefill) this.#push(request, 1 + this.#draft(request));
    }
  }

  /** Prompt tokens of those of `requests` whose prompt is not done, in order, as the budget allows. */
  prompts(requests: readonly Request[], most = Number.POSITIVE_INFINITY): void {
    for (const request of requests) {
      if (this.budget === 0 || this.shares.length >= most) return;
      if (request.inPrefill) this.next(request);
    }
  }

  /** The next tokens of a request that is not in the list yet: its prompt as far as the budget allows, or one decode token and its draft. */
  next(request: Request): void {
    const { done, inPrefill, promptRows } = request;
    this.#push(request, inPrefill ? Math.min(this.budget, promptRows - done) : 1 + this.#draft(request));
  }

  /** Tokens that a request drafts, of those that all may; they are taken. */
  #draft(request: Request): number {
    if (this.#drafts === null) return 0;
    const tokens = Math.min(this.#drafts.draftOf(request), this.#draftBudget, this.budget - 1);
    this.#draftBudget -= tokens;
    return tokens;
  }

  #push(request: Request, tokens: number): void {
    this.shares.push({ request, tokens, rejected: 0 });
    this.budget -= tokens;
  }
}

/** Requests of one pass: a token of each must fit. */
export const passSize = ({ batch, maxTokensPerPass }: SchedulerLimits): number => Math.min(batch, maxTokensPerPass);

/** The common part of schedulers with one queue: limits of a pass, the queue, shares. Each member decides which requests go into the list. */
export abstract class QueueScheduler implements Scheduler {
  /** Most requests that run at once. */
  protected readonly batch: number;
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
