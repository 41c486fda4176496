import { hasThread, startThread, type Thread } from '../../base/host/threads.js';
import { lostThread, receivedError } from '../../base/sent-error.js';
import type { WorkWatch } from '../../base/work-watch.js';
import type { Runtimes } from './constants.js';
import { type Prediction, predictVariants } from './predict.js';
import type { Measurement } from './rows/measurement.js';
import { RowTraces, routingKeyOf } from './rows/row-traces.js';
import type { RowsReply, RowsTask } from './rows-worker.js';

/**
 * Predicts rows with several sets of runtimes, of which most change few rows.
 * @param variants at least one
 * @param threads most at a time
 * @returns by row, in the order of `rows`, one prediction for each variant
 */
export async function predictRowVariants(
  rows: readonly Measurement[],
  variants: readonly Runtimes[],
  threads: number,
  watch: WorkWatch,
): Promise<(readonly Prediction[])[]> {
  const predictions = new Array<readonly Prediction[]>(rows.length);
  let done = 0;
  const take = (index: number, own: readonly Prediction[]): void => {
    predictions[index] = own;
    watch.progress?.(++done, rows.length);
  };
  const tasks = tasksOf(rows);
  if (threads > 1 && tasks.length > 1 && hasThread('measured/validate/rows-worker'))
    await inThreads(tasks, variants, Math.min(threads, tasks.length), take);
  else {
    const traces = new RowTraces(rows);
    for (const [index, row] of rows.entries()) {
      take(index, await predictVariants(row, traces, variants));
      await watch.breathe?.();
    }
  }
  return predictions;
}

/** Rows by their routing, those with most rows first: a long task that starts last would be waited for alone. */
function tasksOf(rows: readonly Measurement[]): RowsTask[] {
  const groups = new Map<string, { index: number; row: Measurement }[]>();
  for (const [index, row] of rows.entries()) {
    const key = routingKeyOf(row);
    groups.set(key, [...(groups.get(key) ?? []), { index, row }]);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length).map((group) => ({ rows: group }));
}

function inThreads(
  tasks: readonly RowsTask[],
  variants: readonly Runtimes[],
  threads: number,
  take: (index: number, own: readonly Prediction[]) => void,
): Promise<void> {
  const workers: Thread[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    let next = 0;
    let finished = 0;
    const feed = (worker: Thread): void => {
      if (next < tasks.length) worker.postMessage(tasks[next++]!);
    };
    for (let i = 0; i < threads; i++) {
      const worker = startThread('measured/validate/rows-worker', { variants }, true);
      workers.push(worker);
      worker.on('error', reject);
      worker.on('exit', () => reject(lostThread()));
      worker.on('message', (reply: RowsReply) => {
        switch (reply.kind) {
          case 'predicted':
            take(reply.index, reply.predictions);
            return;
          case 'thrown':
            reject(receivedError(reply.error));
            return;
          case 'done':
            if (++finished === tasks.length) resolve();
            else feed(worker);
        }
      });
      feed(worker);
    }
  });
  return ended.finally(() => Promise.all(workers.map((worker) => worker.terminate()))).then(() => undefined);
}
