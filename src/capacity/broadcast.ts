// One read of a trace for any number of jobs: each in a thread of its own, fed from a ring of shared blocks, or all in this thread, in turn.
import { sharedMemory, startThread, type Thread } from '../base/host/threads.js';
import { lostThread, receivedError } from '../base/sent-error.js';
import type { WorkWatch } from '../base/work-watch.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import type { RoutingTrace } from '../trace/trace.js';
import { allocateRing, BLOCKS, fillBlocks } from './blocks.js';
import type { Job, JobSpec } from './job.js';
import { startJob } from './jobs.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';

/** Callbacks during a broadcast. Progress is told in token-replays: one of each token for each capacity of a job. */
export interface BroadcastWatch extends WorkWatch {
  /** Sees every block of rows. */
  block?(experts: Uint16Array, rows: number): void;
}

/**
 * Feeds the first `tokens` rows of a trace to all jobs in this thread.
 * @returns counts in the order of the jobs
 */
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
 * Feeds the first `tokens` rows of a trace to all jobs, each in a thread of its own.
 * @param threads most threads that compute at a time; the results do not depend on it
 * @returns counts in the order of the jobs
 * @throws UserError of the first job that is refused
 */
export async function broadcastToThreads(
  trace: RoutingTrace,
  tokens: number,
  specs: readonly JobSpec[],
  threads: number,
  watch: BroadcastWatch,
): Promise<CapacityCounts[][]> {
  const ring = allocateRing(trace);
  const permits = sharedMemory(4);
  new Int32Array(permits)[0] = threads;
  const meter = meterOf(specs, tokens, watch);
  const counts = new Array<CapacityCounts[]>(specs.length);
  /** Threads that still use each block, and who waits for it. */
  const users = new Int32Array(BLOCKS);
  const waiting: ((() => void) | undefined)[] = [];
  const workers: Thread[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    let left = specs.length;
    specs.forEach((job, index) => {
      const worker = jobThread({ job, ring, permits }, reject, (message) => {
        switch (message.kind) {
          case 'done':
            meter.fed(index, message.rows);
            if (--users[message.block]! === 0) waiting[message.block]?.();
            return;
          case 'progress':
            meter.replayed(index, message.tokens);
            return;
          case 'counts':
            counts[index] = message.counts;
            if (--left === 0) resolve();
        }
      });
      worker.on('exit', () => {
        if (counts[index] === undefined) reject(lostThread());
      });
      workers.push(worker);
    });
  });
  // A failure reaches those that await the end; it must not count as unhandled elsewhere.
  ended.catch(() => undefined);
  const tell = (message: ToThread): void => {
    for (const worker of workers) worker.postMessage(message);
  };
  const free = (block: number): Promise<void> | void => {
    if (users[block] === 0) return;
    const emptied = new Promise<void>((resolve) => {
      waiting[block] = resolve;
    });
    return Promise.race([emptied, ended]);
  };
  try {
    const fed = fillBlocks(trace, ring, tokens, free, async (block, rows, experts) => {
      users[block] = workers.length;
      tell({ kind: 'block', block, rows });
      watch.block?.(experts, rows);
      await watch.breathe?.();
    });
    // A thread that fails ends the whole; then the reader has nothing left to wait for.
    await Promise.race([fed, ended]);
    tell({ kind: 'end' });
    await ended;
    return counts;
  } finally {
    for (const worker of workers) await worker.terminate();
  }
}

/** Messages of a thread about its work; errors are separate. */
type Progress = Exclude<FromThread, { readonly kind: 'thrown' }>;

/** Starts a thread. `refuse` hears of its failure, `hear` of everything else. */
function jobThread(given: ThreadData, refuse: (error: Error) => void, hear: (message: Progress) => void): Thread {
  const worker = startThread('capacity/worker', given);
  worker.on('error', refuse);
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'thrown') refuse(receivedError(message.error));
    else hear(message);
  });
  return worker;
}

/** Adds up the progress of jobs. A job that replays at its end counts then, the others as they are fed. */
function meterOf(specs: readonly JobSpec[], tokens: number, { progress }: BroadcastWatch) {
  // By job: tokens done, rows that it has taken, and whether it replays at its end.
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
    /** A job has taken `rows` more rows. */
    fed(job: number, rows: number): void {
      taken[job]! += rows;
      if (late[job] === 0) set(job, taken[job]!);
    },
    /** A job that replays at its end has replayed `done` rows of all. */
    replayed(job: number, rows: number): void {
      late[job] = 1;
      set(job, Math.max(done[job]!, rows));
    },
  };
}
