// A job for policies that need the future: it records the rows as they come and replays them when the last one is known.
import { RowLog } from '../cache/curves/row-log.js';
import type { Job, ResolvedJob } from './job.js';
import { CapacityReplay } from './replay-job.js';

/** A job that records rows, finds their next uses backwards, and replays all capacities in one walk. */
export function foresightJob(job: ResolvedJob): Job {
  const log = new RowLog(job.model, job.topK, job.sequential);
  return {
    rows: (experts, tokens) => log.append(experts, tokens),
    finish: (progress) => {
      log.lookBack();
      const replays = job.capacities.map((capacity) => new CapacityReplay(job, capacity, new Int32Array(job.model.experts)));
      let done = 0;
      log.walk((experts, next, rows) => {
        for (const replay of replays) replay.rows(experts, rows, next);
        progress((done += rows));
      });
      return replays.map((replay) => replay.counts());
    },
    close: () => log.close(),
  };
}
