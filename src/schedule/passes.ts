// The loop of serving: requests arrive, the scheduler composes a pass, the pass is filled and run. Shared by the run itself and by the
// dry run that records the demand for policies that know the future.
import type { Pass } from './pass.js';
import type { Scheduler, Share } from './scheduler.js';
import type { Workload } from './workload.js';

/** Composes passes until the workload is done. */
export class Passes {
  readonly pass: Pass;
  /** Shares of the running pass. */
  shares: readonly Share[] = [];
  readonly #workload: Workload;
  readonly #scheduler: Scheduler;

  constructor(workload: Workload, scheduler: Scheduler, pass: Pass) {
    this.#workload = workload;
    this.#scheduler = scheduler;
    this.pass = pass;
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
        this.pass.fill(this.shares);
        return nowNs;
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

  #poll(nowNs: number) {
    return this.#workload.poll(nowNs, this.#scheduler.pending);
  }
}
