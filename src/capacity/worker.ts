import { serveTasks } from '../base/worker-pool.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import { type BlockRing, blocksOf } from './blocks.js';
import { type JobSpec, startJob } from './jobs.js';

/** Data that a thread starts with. */
export interface JobData {
  readonly job: JobSpec;
  readonly ring: BlockRing;
  /** One Int32: how many threads may still start to compute at once. */
  readonly permits: ArrayBufferLike;
}

/** The task of a thread: to replay a block that is full; null: there are no more, and the answer is the counts. */
export type JobTask = { readonly block: number; readonly rows: number } | null;

function withPermit<T>(permit: Int32Array, work: () => T): T {
  for (;;) {
    const free = Atomics.load(permit, 0);
    if (free === 0) Atomics.wait(permit, 0, 0);
    else if (Atomics.compareExchange(permit, 0, free, free - 1) === free) break;
  }
  try {
    return work();
  } finally {
    Atomics.add(permit, 0, 1);
    Atomics.notify(permit, 0, 1);
  }
}

serveTasks<JobData, JobTask, CapacityCounts[] | null, number>(({ job: spec, permits, ring }) => {
  const permit = new Int32Array(permits);
  const blocks = blocksOf(ring);
  const job = startJob(spec);
  // A refusal is the answer to the first task; it must not count as an unhandled rejection.
  job.catch(() => undefined);
  return async (task, replayed) => {
    const running = await job;
    if (task !== null) {
      withPermit(permit, () => running.rows(blocks[task.block]!, task.rows));
      return null;
    }
    try {
      return withPermit(permit, () => running.finish(replayed));
    } finally {
      running.close?.();
    }
  };
});
