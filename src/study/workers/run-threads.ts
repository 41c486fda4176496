import { UserError } from '../../base/errors.js';
import { hasThread } from '../../base/host/threads.js';
import { runInPool } from '../../base/worker-pool.js';
import type { Result } from '../../result/result.js';
import type { RunSpec } from '../../system/door.js';
import type { RunNote, RunTask } from './run-worker.js';

const MODULE = 'study/workers/run-worker';

/** Outcome of a run. `refused`: impossible input; `failed`: a bug, or a lost thread. */
export type Settled =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'refused'; readonly error: UserError }
  | { readonly status: 'failed'; readonly error: Error };

/** Receives a run's outcome by index; true: stop. */
export type Settle = (index: number, outcome: Settled) => boolean;

/** Receives a run's progress by index. */
export type Update = (index: number, done: number, total: number) => void;

/** True if a compiled worker exists. */
export const canRunInThreads = (): boolean => hasThread(MODULE);

/**
 * Runs in threads until `settle` stops; a lost thread is replaced. @param runs null: settled @param details data of
 * pictures @throws any error of a step
 */
export async function runInThreads(
  runs: Iterable<RunSpec | null>,
  { details, threads }: { readonly details: boolean; readonly threads: number },
  update: Update,
  settle: Settle,
): Promise<void> {
  const stop = new AbortController();
  function* tasks(): Generator<RunTask | null> {
    let index = 0;
    for (const run of runs) {
      if (run === null) update(index, 1, 1);
      yield run === null ? null : { index, run, details };
      index++;
    }
  }
  await runInPool<RunTask, Result, RunNote>(tasks(), {
    module: MODULE,
    threads,
    signal: stop.signal,
    nameOf: ({ run }) => run.label,
    note: ({ index }, { done, total }) => update(index, done, total),
    settle: ({ index }, end) => {
      update(index, 1, 1);
      if (settle(index, 'answer' in end ? { status: 'done', result: end.answer } : settledError(end.error))) stop.abort();
    },
  });
}

/** Outcome of a run that threw. */
export function settledError(error: unknown): Settled {
  if (error instanceof UserError) return { status: 'refused', error };
  return { status: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
}
