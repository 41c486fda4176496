import { sharedMemory } from '../base/host/threads.js';
import type { WorkWatch } from '../base/work-watch.js';
import { TaskThread } from '../base/worker-pool.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import type { RoutingTrace } from '../trace/trace.js';
import { allocateRing, BLOCKS, fillBlocks } from './blocks.js';
import { type Job, type JobSpec, startJob } from './jobs.js';
import type { JobData, JobTask } from './worker.js';

/** Callbacks of a broadcast; progress counts tokens times capacities of all jobs. */
export interface BroadcastWatch extends WorkWatch {
  block?(experts: Uint16Array, rows: number): void;
}

/** The first `tokens` rows to all jobs in the current thread. @returns counts by job */
export async function broadcastHere(
  trace: RoutingTrace,
  tokens: number,
  specs: readonly JobSpec[],
  watch: BroadcastWatch,
): Promise<CapacityCounts[][]> {
  const jobs: Job[] = [];
  for (const spec of specs) jobs.push(await startJob(spec));
  const ring = allocateRing(trace);
  const meter = meterOf(specs, tokens, watch);
  try {
    await fillBlocks(
      trace,
      ring,
      tokens,
      () => undefined,
      async (_block, rows, experts) => {
        watch.block?.(experts, rows);
        for (const [index, job] of jobs.entries()) {
          job.rows(experts, rows);
          meter.fed(index, rows);
        }
        await watch.breathe?.();
      },
    );
    return jobs.map((job, index) => job.finish((done) => meter.replayed(index, done)));
  } finally {
    for (const job of jobs) job.close?.();
  }
}

/**
 * Feeds the first `tokens` rows to all jobs, a thread per job. @param permits threads computing at once
 * @throws UserError of the first failed job
 */
export async function broadcastToThreads(
  trace: RoutingTrace,
  tokens: number,
  specs: readonly JobSpec[],
  permits: number,
  watch: BroadcastWatch,
): Promise<CapacityCounts[][]> {
  const ring = allocateRing(trace);
  const shared = sharedMemory(4);
  new Int32Array(shared)[0] = permits;
  const meter = meterOf(specs, tokens, watch);
  const threads = specs.map(
    (job) => new TaskThread<JobTask, CapacityCounts[] | null, number>('capacity/worker', { job, ring, permits: shared } satisfies JobData),
  );
  const all = <T>(work: (thread: (typeof threads)[number], job: number, name: string) => Promise<T>): Promise<T[]> =>
    Promise.all(threads.map((thread, job) => work(thread, job, `policy ${specs[job]!.policy.text}`)));
  const used: Promise<unknown>[] = new Array(BLOCKS).fill(Promise.resolve());
  try {
    await fillBlocks(
      trace,
      ring,
      tokens,
      (block) => used[block]!,
      async (block, rows, experts) => {
        used[block] = all(async (thread, job, name) => {
          await thread.ask({ block, rows }, name);
          meter.fed(job, rows);
        });
        // A failed thread rejects at the block's next use.
        used[block].catch(() => undefined);
        watch.block?.(experts, rows);
        await watch.breathe?.();
      },
    );
    const counts = all((thread, job, name) => thread.ask(null, name, (done) => meter.replayed(job, done)));
    await Promise.all([...used, counts]);
    return (await counts) as CapacityCounts[][];
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

/** Sums progress of jobs; late replays count at the end. */
function meterOf(specs: readonly JobSpec[], tokens: number, { progress }: BroadcastWatch) {
  // By job: tokens done, rows taken, 1 for replay at the end.
  const [done, taken, late] = [new Float64Array(specs.length), new Float64Array(specs.length), new Uint8Array(specs.length)];
  const total = tokens * specs.reduce((sum, { capacities }) => sum + capacities.length, 0);
  const set = (job: number, rows: number): void => {
    done[job] = Math.min(rows, tokens);
    progress?.(
      specs.reduce((sum, { capacities }, index) => sum + capacities.length * done[index]!, 0),
      total,
    );
  };
  return {
    fed(job: number, rows: number): void {
      taken[job]! += rows;
      if (late[job] === 0) set(job, taken[job]!);
    },
    replayed(job: number, rows: number): void {
      late[job] = 1;
      set(job, Math.max(done[job]!, rows));
    },
  };
}
