// Thread side of `run-threads.ts`.
import { serveTasks } from '../../base/worker-pool.js';
import { simulateRun } from '../../engine/simulate.js';
import type { Result } from '../../result/result.js';
import type { RunSpec } from '../../system/door.js';

/** Task of a thread. */
export interface RunTask {
  readonly index: number;
  readonly run: RunSpec;
  /** Record data of pictures. */
  readonly details: boolean;
}

/** Tokens done, and in all. */
export interface RunNote {
  readonly done: number;
  readonly total: number;
}

/** Time between progress reports, ms; ours. */
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
