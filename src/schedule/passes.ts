// The loop of serving: requests arrive, the scheduler composes a pass, the pass is filled and run. Shared by the run itself and by the
// dry run that records the demand for policies that know the future.
import type { KvRoom } from './kv-room.js';
import type { Pass } from './pass.js';
import type { Scheduler, Share } from './scheduler.js';
import type { Workload } from './workload.js';

/** Composes passes until the workload is done. */
export class Passes {
  readonly pass: Pass;
  /** Shares of the running pass. */
  shares: readonly Share[] = [];
  /** Room for KV caches, with the most that was used of it. */
  readonly kv: KvRoom;
  /** Modelled time that passes were delayed by composing them, ns; of the running pass, and of all. */
  costNs = 0;
  totalCostNs = 0;
  /** Most passes in a row that left out a request which had begun. */
  passedOver = 0;
  readonly #workload: Workload;
  readonly #scheduler: Scheduler;

  /** @param kv the room that the scheduler admits requests to */
  constructor(workload: Workload, scheduler: Scheduler, pass: Pass, kv: KvRoom) {
    this.#workload = workload;
    this.#scheduler = scheduler;
    this.pass = pass;
    this.kv = kv;
  }

  /** What the scheduler alone measures, by name of the catalogue. */
  get metrics(): Readonly<Record<string, number>> {
    return this.#scheduler.metrics?.() ?? {};
  }

  /**
   * Fills the next pass.
   * @returns when it starts (later than `nowNs` where nothing could run before), or -1: everything has been run
   */
  next(nowNs: number): number {
    for (;;) {
      for (let request = this.#poll(nowNs); request !== null; request = this.#poll(nowNs)) this.#scheduler.add(request);
      this.shares = this.#scheduler.next(nowNs);
      if (this.shares.length > 0) {
        this.costNs = this.#scheduler.costNs ?? 0;
        this.totalCostNs += this.costNs;
        this.pass.fill(this.shares);
        this.#countPassedOver();
        return nowNs + this.costNs;
      }
      const arrivalNs = this.#workload.nextArrivalNs;
      if (arrivalNs === Number.POSITIVE_INFINITY) return -1;
      nowNs = Math.max(nowNs, arrivalNs);
    }
  }

  /** The pass has run and ended at `nowNs`. */
  done(nowNs: number): void {
    this.pass.advance(this.shares);
    this.#scheduler.finished(this.shares, nowNs);
  }

  #countPassedOver(): void {
    const { number } = this.pass;
    for (const { request } of this.shares) {
      if (request.lastPass > 0) this.passedOver = Math.max(this.passedOver, number - request.lastPass - 1);
      request.lastPass = number;
    }
  }

  #poll(nowNs: number) {
    return this.#workload.poll(nowNs, this.#scheduler.pending);
  }
}
