// Waiting requests in order of arrival, and running requests: the common part of schedulers with continuous batching.
import type { Request } from './request.js';
import type { SchedulerContext } from './scheduler.js';

/** A first-in-first-out queue with admission by KV room. */
export class RequestQueue {
  /** Requests that were admitted and have not finished, in order of admission. */
  readonly running: Request[] = [];
  /** Passes that have run. */
  passes = 0;
  readonly #waiting: Request[] = [];
  #head = 0;
  readonly #context: Pick<SchedulerContext, 'kv'>;

  constructor(context: Pick<SchedulerContext, 'kv'>) {
    this.#context = context;
  }

  /** Requests that wait or run. */
  get pending(): number {
    return this.#waiting.length - this.#head + this.running.length;
  }

  /** Requests that wait. */
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

  /**
   * Admits the waiting request of the least `rank`, ties in order of arrival; or the earliest one, once it has waited for more than `maxWait`
   * passes.
   * @returns it, or null where none waits, or where there is no room for its KV cache
   */
  admitLeast(rank: (request: Request) => number, maxWait: number): Request | null {
    const waiting = this.#waiting;
    if (this.#head === waiting.length) return null;
    let least = this.#head;
    if (this.passes - waiting[least]!.arrivedPass <= maxWait) {
      for (let at = least + 1; at < waiting.length; at++) if (rank(waiting[at]!) < rank(waiting[least]!)) least = at;
    }
    return this.#admitAt(least) ? this.running.at(-1)! : null;
  }

  /**
   * Admits the request of this index, which waits and was admitted at this point before.
   * @throws Error where there is no room for it this time
   */
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

  /** Removes finished requests after a pass. */
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

  /**
   * Every running request gets room for its next token, in order of admission; where there is none, the last admitted ones of its GPU are
   * preempted.
   */
  #extend(): void {
    const { kv } = this.#context;
    const { running } = this;
    for (let i = 0; i < running.length; i++) {
      while (i < running.length && !kv.extend(running[i]!)) {
        const { gpu } = running[i]!;
        const [youngest] = running.splice(
          running.findLastIndex((one) => one.gpu === gpu),
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
