import { serveTasks } from '../base/worker-pool.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import { type BlockRing, blocksOf } from './blocks.js';
import { type JobSpec, startJob } from './jobs.js';

/** Start data of a thread. */
export interface JobData {
  readonly job: JobSpec;
  readonly ring: BlockRing;
  /** One Int32: free permits to compute. */
  readonly permits: ArrayBufferLike;
}

/** Task of a thread: replay a full block; null: return the counts. */
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
  // The first task reports a refusal; until then, no unhandled rejection.
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
