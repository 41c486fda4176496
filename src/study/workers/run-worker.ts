// The thread side of `run-threads.ts`: takes one run after another, sends back its result or its error.
import { parentPort } from '../../base/host/threads.js';
import { type SentError, sentError } from '../../base/sent-error.js';
import { simulateRun } from '../../engine/simulate.js';
import type { Result } from '../../result/result.js';
import type { RunSpec } from '../../system/run.js';

/** The task of a thread. */
export interface RunTask {
  readonly index: number;
  readonly run: RunSpec;
  /** Record the data of pictures. */
  readonly details: boolean;
}

/** A thread's reply. */
export type RunReply =
  | { readonly kind: 'progress'; readonly index: number; readonly done: number; readonly total: number }
  | { readonly kind: 'result'; readonly index: number; readonly result: Result }
  | { readonly kind: 'thrown'; readonly index: number; readonly error: SentError };

/** Time between two reports of progress, ms. */
const INTERVAL = 100;

const port = parentPort;
if (port === null) throw new Error('run-worker.js runs in a worker thread only');

const say = (reply: RunReply): void => port.postMessage(reply);

port.on('message', async ({ index, run, details }: RunTask) => {
  let next = 0;
  try {
    const result = await simulateRun(run, {
      details,
      progress: (done, total) => {
        const now = performance.now();
        if (now < next) return;
        next = now + INTERVAL;
        say({ kind: 'progress', index, done, total });
      },
    });
    say({ kind: 'result', index, result });
  } catch (error) {
    say({ kind: 'thrown', index, error: sentError(error) });
  }
});
