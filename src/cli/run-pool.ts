// Several runs at once, each in a thread of its own: a gate of ten profiles takes as long as the machine's cores let it. Results do not
// depend on the number of threads (L16).
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { UserError } from '../base/errors.js';
import { isStdin } from '../base/profiles.js';
import type { Result } from '../result/result.js';
import type { RunSpec } from '../system/run.js';
import type { CliContext } from './context.js';
import type { Progress } from './progress.js';
import type { RunReply, RunTask } from './run-worker.js';

/** The compiled worker; moeprof run from its TypeScript sources has none, and then runs take turns. */
const WORKER = fileURLToPath(new URL('./run-worker.js', import.meta.url));

/**
 * Runs all.
 * @param threads most runs at a time; the machine's cores unless said
 * @param details record what pictures are drawn from
 * @returns results in the order of `runs`
 * @throws UserError of the first run in this order that is refused, whichever is refused first in time
 */
export async function runAll(
  runs: readonly RunSpec[],
  context: Pick<CliContext, 'progress' | 'breathe'>,
  threads: number = availableParallelism(),
  details = false,
): Promise<Result[]> {
  const show = progressOf(runs.length, context);
  try {
    // Only this thread has stdin.
    const apart = runs.length > 1 && threads > 1 && existsSync(WORKER) && !runs.some((run) => run.trace.some(isStdin));
    if (apart) return await inThreads(runs, details, Math.min(threads, runs.length), show.update);
    // Threads load the engine for themselves.
    const { simulateRun } = await import('../engine/simulate.js');
    const results: Result[] = [];
    for (const [index, run] of runs.entries()) {
      results.push(
        await simulateRun(run, { details, progress: (done, total) => show.update(index, done, total), breathe: () => context.breathe() }),
      );
    }
    return results;
  } finally {
    show.finish();
  }
}

type Update = (index: number, done: number, total: number) => void;

/** One bar over all runs: tokens of those that have said how many they have. */
function progressOf(runs: number, context: Pick<CliContext, 'progress'>): { update: Update; finish(): void } {
  const shares = new Float64Array(runs);
  let bar: Progress | null = null;
  return {
    update: (index, done, total) => {
      bar ??= context.progress(runs === 1 ? 'replaying' : `replaying ${runs} runs`, 100, '%');
      shares[index] = total === 0 ? 1 : done / total;
      bar.update(Math.floor((100 * shares.reduce((sum, share) => sum + share, 0)) / runs));
    },
    finish: () => bar?.finish(),
  };
}

function inThreads(runs: readonly RunSpec[], details: boolean, threads: number, update: Update): Promise<Result[]> {
  const results = new Array<Result>(runs.length);
  const workers: Worker[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    let next = 0;
    const running = new Set<number>();
    let failed: { readonly index: number; readonly error: Error } | null = null;
    const feed = (worker: Worker): void => {
      if (next === runs.length || failed !== null) return;
      running.add(next);
      worker.postMessage({ index: next, run: runs[next++]!, details } satisfies RunTask);
    };
    // Runs start in order, so those before a refused one are done or under way, and one of them may be refused yet.
    const settle = (index: number): void => {
      running.delete(index);
      if (failed === null) {
        if (running.size === 0) resolve();
      } else if (Math.min(...running) > failed.index) reject(failed.error);
    };
    const fail = (index: number, error: Error): void => {
      if (failed === null || index < failed.index) failed = { index, error };
      settle(index);
    };
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(WORKER, { env: SHARE_ENV });
      workers.push(worker);
      worker.on('error', reject);
      // What has been said already is heard before.
      worker.on('exit', () => reject(new Error('a thread ended before its work was done')));
      worker.on('message', (reply: RunReply) => {
        switch (reply.kind) {
          case 'progress':
            update(reply.index, reply.done, reply.total);
            return;
          case 'refused':
            fail(reply.index, new UserError(reply.message, reply.exitCode));
            return;
          case 'failed':
            fail(reply.index, Object.assign(new Error(reply.message), { stack: reply.stack }));
            return;
          case 'result':
            results[reply.index] = reply.result;
            update(reply.index, 1, 1);
            feed(worker);
            settle(reply.index);
        }
      });
      feed(worker);
    }
  });
  return ended.finally(() => Promise.all(workers.map((worker) => worker.terminate()))).then(() => results);
}
