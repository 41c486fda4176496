// A job for policies that need the future: it records the rows as they come and replays them when the last one is known.

import type { CapacityCounts } from '../cache/lru-curve.js';
import { RowLog } from '../cache/row-log.js';
import type { Job, ResolvedJob } from './job.js';
import { CapacityReplay } from './replay-job.js';

/** Records, looks back once, replays all capacities in one walk. */
export class ForesightJob implements Job {
  readonly #job: ResolvedJob;
  readonly #log: RowLog;

  constructor(job: ResolvedJob) {
    this.#job = job;
    this.#log = new RowLog(job.model, job.topK, job.sequential);
  }

  rows(experts: Uint16Array, tokens: number): void {
    this.#log.append(experts, tokens);
  }

  finish(progress: (tokens: number) => void): CapacityCounts[] {
    const log = this.#log;
    log.lookBack();
    const replays = this.#job.capacities.map(
      (capacity) => new CapacityReplay(this.#job, capacity, new Int32Array(this.#job.model.experts)),
    );
    let done = 0;
    log.walk((experts, next, rows) => {
      for (const replay of replays) replay.rows(experts, rows, next);
      progress((done += rows));
    });
    return replays.map((replay) => replay.counts());
  }

  close(): void {
    this.#log.close();
  }
}
