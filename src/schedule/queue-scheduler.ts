import type { Drafts, Request } from './request.js';
import type { Scheduler, SchedulerContext, SchedulerLimits, Share } from './scheduler.js';

/** First-in-first-out queue with admission by KV room. */
export class RequestQueue {
  /** Admitted, unfinished requests in order of admission. */
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

  /** Admits waiting requests in order until `most` run, or KV room is short. */
  admit(most: number): void {
    while (this.running.length < most && this.#head < this.#waiting.length) if (!this.#admitAt(this.#head)) return;
  }

  /** Of least `rank`, ties by arrival; after `maxWait` passes the earliest. @returns null: no request, or no room */
  admitLeast(rank: (request: Request) => number, maxWait: number): Request | null {
    const waiting = this.#waiting;
    if (this.#head === waiting.length) return null;
    let least = this.#head;
    if (this.passes - waiting[least]!.arrivedPass <= maxWait) {
      for (let at = least + 1; at < waiting.length; at++) if (rank(waiting[at]!) < rank(waiting[least]!)) least = at;
    }
    return this.#admitAt(least) ? this.running.at(-1)! : null;
  }

  /** Admits a waiting request of a recording. @throws Error without room */
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

  /** Gives running requests room for the next token, in order of admission, preempting the GPU's last admitted. */
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

  #putBack(request: Request): void {
    let at = this.#head;
    while (at < this.#waiting.length && this.#waiting[at]!.index < request.index) at++;
    this.#waiting.splice(at, 0, request);
  }
}

/** Shares of a pass, rebuilt for each pass. */
export class ShareList {
  readonly shares: Share[] = [];
  /** Tokens left in the pass, and left for drafts. */
  budget = 0;
  #draftBudget = 0;
  readonly #drafts: Drafts | null;

  /** @param drafts null: no drafts */
  constructor(drafts: Drafts | null = null) {
    this.#drafts = drafts;
  }

  /** @param budget tokens of the pass @param batch tokens kept from drafts, one per request */
  begin(budget: number, batch = budget): void {
    this.shares.length = 0;
    this.budget = budget;
    this.#draftBudget = budget - batch;
  }

  /** Adds a decode token and the draft of each decoding request within the budget. */
  decodes(requests: readonly Request[]): void {
    for (const request of requests) {
      if (this.budget <= 0) return;
      if (request.kvTokens > 0 && !request.inPrefill) this.#push(request, 1 + this.#draft(request));
    }
  }

  /** Adds prompt tokens in order, within the budget. */
  prompts(requests: readonly Request[], most = Number.POSITIVE_INFINITY): void {
    for (const request of requests) {
      if (this.budget === 0 || this.shares.length >= most) return;
      if (request.inPrefill) this.next(request);
    }
  }

  /** Adds a request's prompt within the budget, or a decode token and the draft. */
  next(request: Request): void {
    const { done, inPrefill, promptRows } = request;
    this.#push(request, inPrefill ? Math.min(this.budget, promptRows - done) : 1 + this.#draft(request));
  }

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

/** Most requests of a pass: each needs a token. */
export const passSize = ({ batch, maxTokensPerPass }: SchedulerLimits): number => Math.min(batch, maxTokensPerPass);

/** Base with a single queue; members choose the requests of a pass. */
export abstract class QueueScheduler implements Scheduler {
  /** Most concurrent requests. */
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

  /** Admits requests and fills the empty `list`. */
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
