// Threads that measure together: all begin at one time, and the rate is the sum of theirs. Repeats give a median and a spread.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Done, Task } from './task.js';

const WORKER = fileURLToPath(new URL('./measure-worker.js', import.meta.url));
/** ms from the word until all begin, and ms of one repeat. */
const LEAD = 30;
const LENGTH = 250;
/** Repeats; the first, in which clocks rise, is not counted where there are several. */
const REPEATS = 7;

/** A rate and how well repeats agree. */
export interface MeasuredRate {
  /** Bytes/s, the median of the repeats. */
  readonly rate: number;
  /** The best repeat, bytes/s, as STREAM reports it. */
  readonly best: number;
  /** Half the width that holds the middle half of the repeats, over the median. */
  readonly spread: number;
}

/** Runs one task a thread, some times over. */
export async function measureTogether(tasks: readonly Task[], repeats = REPEATS): Promise<MeasuredRate> {
  const workers = tasks.map((task) => new Worker(WORKER, { workerData: { task } }));
  try {
    await Promise.all(workers.map((worker) => answer(worker)));
    const rates: number[] = [];
    for (let i = 0; i <= repeats; i++) {
      const begin = performance.timeOrigin + performance.now() + LEAD;
      const done = workers.map((worker) => answer<Done>(worker));
      for (const worker of workers) worker.postMessage({ begin, end: begin + LENGTH });
      rates.push((await Promise.all(done)).reduce((sum, { begin: from, bytes, end }) => sum + (1e3 * bytes) / (end - from), 0));
    }
    return middle(rates.slice(1));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Median and spread of repeats. */
function middle(rates: readonly number[]): MeasuredRate {
  const sorted = [...rates].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))]!;
  return { rate: at(0.5), best: at(1), spread: (at(0.75) - at(0.25)) / 2 / at(0.5) };
}

function answer<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', taken);
      worker.off('error', failed);
      worker.off('exit', ended);
    };
    const taken = (message: T): void => {
      settle();
      resolve(message);
    };
    const failed = (error: Error): void => {
      settle();
      reject(error);
    };
    const ended = (): void => failed(new Error('a thread ended before it had measured'));
    worker.on('message', taken).on('error', failed).on('exit', ended);
  });
}
