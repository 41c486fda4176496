// The thread side of `run-threads.ts`: takes one run after another, answers with its result.
import { serveTasks } from '../../base/worker-pool.js';
import { simulateRun } from '../../engine/simulate.js';
import type { Result } from '../../result/result.js';
import type { RunSpec } from '../../system/door.js';

/** The task of a thread. */
export interface RunTask {
  readonly index: number;
  readonly run: RunSpec;
  /** Record the data of pictures. */
  readonly details: boolean;
}

/** Progress of a run: tokens done, and in all. */
export interface RunNote {
  readonly done: number;
  readonly total: number;
}

/** Time between two reports of progress, ms. */
const INTERVAL = 100;

serveTasks<void, RunTask, Result, RunNote>(() => ({ run, details }, note) => {
  let next = 0;
  return simulateRun(run, {
    details,
    progress: (done, total) => {
      const now = performance.now();
      if (now < next) return;
      next = now + INTERVAL;
      note({ done, total });
    },
  });
});
