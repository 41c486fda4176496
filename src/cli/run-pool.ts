import { whileAlive } from '../base/host/clock.js';
import { availableParallelism } from '../base/host/machine.js';
import { isStdin } from '../base/profiles.js';
import type { Result } from '../result/result.js';
import { canRunInThreads, runInThreads, type Settle, type Settled, settledError, type Update } from '../study/door.js';
import type { RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import type { Progress } from './kit/progress.js';

/** Redraw interval without messages, ms. Ours. */
const TICK = 500;

/** Options of a pool. */
export interface PoolOptions {
  /** Most parallel runs; default: cores. */
  readonly threads?: number;
  readonly details?: boolean;
}

/** @returns results in the order of `runs` @throws UserError of the first refused run in order */
export async function runAll(
  runs: readonly RunSpec[],
  context: Pick<CliContext, 'progress' | 'breathe'>,
  options: PoolOptions = {},
): Promise<Result[]> {
  const settled = new Array<Settled | undefined>(runs.length);
  let wrong = runs.length;
  // Only the main thread has stdin.
  const threads = runs.some((run) => run.trace.some(isStdin)) ? 1 : options.threads;
  await runEach(runs.length, runs, context, { ...options, threads }, (index, outcome) => {
    settled[index] = outcome;
    if (outcome.status !== 'done') wrong = Math.min(wrong, index);
    // Runs before a refused run are done or pending, and may also be refused.
    return wrong < runs.length && settled.slice(0, wrong).every((result) => result !== undefined);
  });
  return settled.map((outcome) => {
    if (outcome!.status === 'done') return outcome!.result;
    throw outcome!.error;
  });
}

/**
 * Executes runs in parallel.
 * @param runs taken in turn; null: settled
 * @param settle takes index and outcome; true: stop
 */
export async function runEach(
  count: number,
  runs: Iterable<RunSpec | null>,
  context: Pick<CliContext, 'progress' | 'breathe'>,
  { details = false, threads = availableParallelism() }: PoolOptions,
  settle: Settle,
): Promise<void> {
  const show = progressOf(count, context);
  // Threads report progress only during replay.
  const endTicks = whileAlive(show.tick, TICK);
  try {
    if (count > 1 && threads > 1 && canRunInThreads()) {
      await runInThreads(runs, { details, threads: Math.min(threads, count) }, show.update, settle);
      return;
    }
    const { simulateRun } = await import('../engine/simulate.js');
    let index = 0;
    for (const run of runs) {
      // Short runs never breathe, and stored runs do not execute.
      await context.breathe();
      const at = index++;
      if (run === null) {
        show.update(at, 1, 1);
        continue;
      }
      const watch = { details, progress: (done: number, total: number) => show.update(at, done, total), breathe: () => context.breathe() };
      const outcome = await settledBy(() => simulateRun(run, watch));
      show.update(at, 1, 1);
      if (settle(at, outcome)) return;
    }
  } finally {
    endTicks();
    show.finish();
  }
}

async function settledBy(run: () => Promise<Result>): Promise<Settled> {
  try {
    return { status: 'done', result: await run() };
  } catch (error) {
    return settledError(error);
  }
}

/** A bar over all runs, in tokens of the runs with a known number. */
function progressOf(runs: number, context: Pick<CliContext, 'progress'>): { update: Update; tick(): void; finish(): void } {
  const shares = new Float64Array(runs);
  let sum = 0;
  const bar: Progress = context.progress(runs === 1 ? 'replaying' : `replaying ${runs} runs`, 100, '%');
  const shown = (): number => Math.floor((100 * sum) / runs + 1e-9);
  return {
    tick: () => bar.update(shown()),
    update: (index, done, total) => {
      const share = total === 0 ? 1 : done / total;
      sum += share - shares[index]!;
      shares[index] = share;
      bar.update(shown());
    },
    finish: () => bar.finish(),
  };
}
