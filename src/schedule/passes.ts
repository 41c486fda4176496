import type { KvRoom } from './kv-room.js';
import type { Pass } from './pass.js';
import type { Request } from './request.js';
import type { Scheduler, Share } from './scheduler.js';
import type { Speculation } from './speculation.js';
import type { Workload } from './workload.js';

/** Learns from passes. */
export interface PassLearner {
  /** Learns from a pass that has run, whose choices are known. */
  learn(pass: Pass): void;
}

/** The loop of serving: requests arrive, the scheduler composes a pass, it is filled and run, until the workload is done; also in the dry run. */
export class Passes {
  readonly pass: Pass;
  shares: readonly Share[] = [];
  /** Room for KV caches, with its peak use. */
  readonly kv: KvRoom;
  /** Modelled time that passes were delayed by composing them, ns; of the running pass, and of all. */
  costNs = 0;
  totalCostNs = 0;
  /** Tokens that ran again after preemptions: of the running pass, and of all. */
  recomputed = 0;
  totalRecomputed = 0;
  /** Tokens that the running pass generates, and rejected drafts. */
  generated = 0;
  rejected = 0;
  /** True if the running pass was composed by no scheduler: tokens of the pass before it run again. */
  again = false;
  /** Learns from every pass and predicts paths for the scheduler; null: there is none. */
  learner: PassLearner | null = null;
  /** Drafts, accepted or not; null: nothing is drafted. */
  readonly speculation: Speculation | null;
  /** Most passes in a row that left out a request which had begun. */
  passedOver = 0;
  /** Most passes that a request waited for its first, and that one had waited when a later one began before it. */
  longestWait = 0;
  overtaken = 0;
  /** Requests in order of arrival; those before the head have begun. */
  readonly #arrived: Request[] = [];
  #head = 0;
  #composed = 0;
  readonly #workload: Workload;
  readonly #scheduler: Scheduler;

  /** @param kv the room that the scheduler admits requests to @param speculation drafts of requests; null: none */
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

  /** Fills the next pass. @returns when it starts (later than `nowNs` if nothing could run before), or -1: everything has been run */
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

  /** Fills a pass with the tokens of the last one that must run again, without requests preempted since. @returns false: there are none */
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

  /** Separates tokens that are run for the first time from those that are run again; a recomputed prompt ends with a generated token. */
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
