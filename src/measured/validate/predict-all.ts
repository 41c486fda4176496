import { hasThread } from '../../base/host/threads.js';
import { groupedBy } from '../../base/objects.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { runInPool } from '../../base/worker-pool.js';
import type { Runtimes } from './constants.js';
import { lost, type Prediction, predictVariants } from './predict.js';
import type { Measurement } from './rows/measurement.js';
import { RowTraces, routingKeyOf } from './rows/row-traces.js';
import type { RowsNote, RowsTask } from './rows-worker.js';

/** Compiled thread module. TypeScript sources have no threads: rows then run in turn. */
const MODULE = 'measured/validate/rows-worker';

/** Predicts rows with several runtime sets. @returns by row, then variant, independent of `threads` */
export async function predictRowVariants(
  rows: readonly Measurement[],
  variants: readonly Runtimes[],
  threads: number,
  watch: WorkWatch,
): Promise<(readonly Prediction[])[]> {
  const predictions = new Array<readonly Prediction[]>(rows.length);
  let done = 0;
  const take = (index: number, ofRow: readonly Prediction[]): void => {
    predictions[index] = ofRow;
    watch.progress?.(++done, rows.length);
  };
  const tasks = tasksOf(rows);
  if (threads > 1 && tasks.length > 1 && hasThread(MODULE)) {
    await runInPool<RowsTask, void, RowsNote>(untilEmpty(tasks), {
      module: MODULE,
      data: variants,
      threads,
      nameOf: ([first]) => first!.row.id,
      note: (_, { index, predictions: ofRow }) => take(index, ofRow),
      // A lost thread costs only its current row.
      settle: (task, end) => {
        const [lostAt, ...rest] = 'error' in end ? task.filter(({ index }) => predictions[index] === undefined) : [];
        if (lostAt === undefined || !('error' in end)) return;
        take(
          lostAt.index,
          variants.map(() => lost(end.error)),
        );
        if (rest.length > 0) tasks.push(rest);
      },
    });
  } else {
    const traces = new RowTraces();
    for (const [index, row] of rows.entries()) {
      take(index, await predictVariants(row, traces, variants));
      await watch.breathe?.();
    }
  }
  return predictions;
}

const untilEmpty = <T>(list: T[]): Iterable<T> => ({
  [Symbol.iterator]: () => ({ next: () => (list.length === 0 ? { done: true, value: undefined } : { done: false, value: list.shift()! }) }),
});

/** Largest groups first: a long last task would run alone. */
function tasksOf(rows: readonly Measurement[]): RowsTask[] {
  const indexed = rows.map((row, index) => ({ index, row }));
  return [...groupedBy(indexed, ({ row }) => routingKeyOf(row)).values()].sort((a, b) => b.length - a.length);
}
