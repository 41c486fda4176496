import type { KvRoom } from './kv-room.js';
import type { Pass } from './pass.js';
import type { Request } from './request.js';
import type { Scheduler, Share } from './scheduler.js';
import type { Speculation } from './speculation.js';
import type { Workload } from './workload.js';

/** Learns from passes. */
export interface PassLearner {
  learn(pass: Pass): void;
}

/** The serving loop: the scheduler composes a pass, the pass runs. */
export class Passes {
  readonly pass: Pass;
  shares: readonly Share[] = [];
  readonly kv: KvRoom;
  /** Modelled delay by composing passes, ns: running pass, and total. */
  costNs = 0;
  totalCostNs = 0;
  /** Tokens recomputed after preemptions: running pass, and total. */
  recomputed = 0;
  totalRecomputed = 0;
  /** Generated and rejected tokens of the running pass. */
  generated = 0;
  rejected = 0;
  /** True if the running pass reruns tokens of the last pass, without the scheduler. */
  again = false;
  /** Predictor of the scheduler's path forecasts, shown every pass; null: no forecasts. */
  learner: PassLearner | null = null;
  readonly speculation: Speculation | null;
  /** Most passes in a row that left out a begun request. */
  passedOver = 0;
  /** Most passes from arrival to a request's first, and most waited when a later request began first. */
  longestWait = 0;
  overtaken = 0;
  readonly #arrived: Request[] = [];
  #head = 0;
  #composed = 0;
  readonly #workload: Workload;
  readonly #scheduler: Scheduler;

  /** @param kv room for admitted requests @param speculation null: no drafts */
  constructor(workload: Workload, scheduler: Scheduler, pass: Pass, kv: KvRoom, speculation: Speculation | null = null) {
    this.#workload = workload;
    this.#scheduler = scheduler;
    this.pass = pass;
    this.kv = kv;
    this.speculation = speculation;
    kv.drafts = speculation;
  }

  get metrics(): Readonly<Record<string, number>> {
    return this.#scheduler.metrics?.() ?? {};
  }

  /** Fills the next pass. @returns start time (after `nowNs` if nothing can run), or -1: all done */
  next(nowNs: number): number {
    this.again = this.#runAgain();
    if (this.again) return nowNs;
    for (;;) {
      for (let request = this.#poll(nowNs); request !== null; request = this.#poll(nowNs)) this.#scheduler.add(request);
      this.kv.onTime?.(nowNs);
      this.shares = this.#scheduler.next(nowNs);
      if (this.shares.length > 0) {
        this.costNs = this.#scheduler.costNs ?? 0;
        this.totalCostNs += this.costNs;
        for (const { request } of this.shares) if (!request.settled) this.kv.begin(request);
        this.rejected = this.speculation?.verify(this.shares) ?? 0;
        this.pass.fill(this.shares, this.speculation?.draftNs);
        this.speculation?.waste(this.pass, this.shares);
        this.#countTokens();
        this.#countWaits();
        return nowNs + this.costNs;
      }
      const arrivalNs = this.#workload.nextArrivalNs;
      if (arrivalNs === Number.POSITIVE_INFINITY) {
        const { pending } = this.#scheduler;
        if (pending > 0) throw this.#scheduler.stuck?.() ?? new Error(`${pending} requests wait, and nothing runs`);
        return -1;
      }
      nowNs = Math.max(nowNs, arrivalNs);
    }
  }

  /** Fills a pass with tokens to rerun. @returns false: no such tokens */
  #runAgain(): boolean {
    const { speculation } = this;
    if (speculation === null || speculation.again.length === 0) return false;
    this.shares = speculation.again.splice(0).filter(({ request }) => request.slot >= 0);
    if (this.shares.length === 0) return false;
    this.costNs = 0;
    this.rejected = this.shares.reduce((sum, { tokens }) => sum + tokens, 0);
    speculation.redone += this.rejected;
    this.pass.fill(this.shares);
    this.#countTokens();
    return true;
  }

  done(nowNs: number): void {
    this.learner?.learn(this.pass);
    this.pass.advance(this.shares);
    this.kv.onTime?.(nowNs);
    if (this.again) return;
    this.#scheduler.finished(this.shares, nowNs);
    const { preempted } = this.kv;
    for (const request of preempted) this.pass.release(request);
    preempted.length = 0;
  }

  /** Separates first runs from reruns; a recomputed prompt ends with a generated token. */
  #countTokens(): void {
    this.recomputed = 0;
    this.generated = this.pass.decodeTokens - this.rejected;
    if (this.kv.preemptions === 0) return;
    for (const { request, tokens } of this.shares) {
      const known = Math.max(0, request.computed - request.done);
      this.recomputed += Math.min(tokens, known);
      const again = request.inPrefill && request.promptRows > request.prefill;
      if (again && request.done + tokens > request.computed) this.generated++;
    }
    this.totalRecomputed += this.recomputed;
  }

  #countWaits(): void {
    const number = ++this.#composed;
    let begun = -1;
    for (const { request } of this.shares) {
      if (request.lastPass > 0) this.passedOver = Math.max(this.passedOver, number - request.lastPass - 1);
      else {
        this.longestWait = Math.max(this.longestWait, number - 1 - request.arrivedPass);
        begun = Math.max(begun, request.index);
      }
      request.lastPass = number;
    }
    if (begun < 0) return;
    const arrived = this.#arrived;
    while (this.#head < arrived.length && arrived[this.#head]!.lastPass > 0) this.#head++;
    const first = arrived[this.#head];
    if (first !== undefined && first.index < begun) this.overtaken = Math.max(this.overtaken, number - 1 - first.arrivedPass);
    if (this.#head > 1024 && this.#head * 2 > arrived.length) {
      arrived.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #poll(nowNs: number): Request | null {
    const request = this.#workload.poll(nowNs, this.#scheduler.pending);
    if (request !== null) {
      request.arrivedPass = this.#composed;
      this.#arrived.push(request);
    }
    return request;
  }
}
