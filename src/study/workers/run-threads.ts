// Threads that take one run after another. A thread that ends takes its run with it, and another one takes its place.

import { UserError } from '../../base/errors.js';
import { hasThread, startThread, type Thread } from '../../base/host/threads.js';
import { lostThread, receivedError } from '../../base/sent-error.js';
import type { RunSpec } from '../../system/run.js';
import type { RunReply, RunTask } from './run-worker.js';
import type { Settle, Update } from './settled.js';

/** True where there is a compiled worker. */
export function canRunInThreads(): boolean {
  return hasThread('study/workers/run-worker');
}

/** Runs in threads. */
export class RunThreads {
  readonly #runs: Iterator<RunSpec | null>;
  readonly #details: boolean;
  readonly #update: Update;
  readonly #settle: Settle;
  /** The index of the running run, by thread. */
  readonly #running = new Map<Thread, number>();
  #next = 0;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /**
   * @param runs taken when there is a thread for them; null: settled already
   * @param details record the data of pictures
   */
  constructor(runs: Iterable<RunSpec | null>, details: boolean, update: Update, settle: Settle) {
    this.#runs = runs[Symbol.iterator]();
    this.#details = details;
    this.#update = update;
    this.#settle = settle;
  }

  /** Executes all runs in `threads` threads, until it is told to stop. @throws what taking or settling a run throws */
  async run(threads: number): Promise<void> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
        for (let i = 0; i < threads; i++) this.#start();
      });
    } finally {
      // A thread that is ended now is not lost.
      const rest = [...this.#running.keys()];
      this.#running.clear();
      await Promise.all(rest.map((worker) => worker.terminate()));
    }
  }

  #start(): void {
    const next = this.#take();
    if (next === null) {
      if (this.#running.size === 0) this.#resolve();
      return;
    }
    const worker = startThread('study/workers/run-worker', null, true);
    // Its earlier messages are heard first.
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, lostThread()));
    worker.on('message', (reply: RunReply) => this.#hear(worker, reply));
    this.#give(worker, next);
  }

  /** The next run that is not settled yet; null: there is none. */
  #take(): { readonly index: number; readonly run: RunSpec } | null {
    try {
      for (;;) {
        const taken = this.#runs.next();
        if (taken.done === true) return null;
        const index = this.#next++;
        if (taken.value !== null) return { index, run: taken.value };
        this.#update(index, 1, 1);
      }
    } catch (error) {
      this.#reject(error);
      return null;
    }
  }

  #give(worker: Thread, { index, run }: { readonly index: number; readonly run: RunSpec }): void {
    this.#running.set(worker, index);
    worker.postMessage({ index, run, details: this.#details } satisfies RunTask);
  }

  #hear(worker: Thread, reply: RunReply): void {
    if (!this.#running.has(worker)) return;
    switch (reply.kind) {
      case 'progress':
        this.#update(reply.index, reply.done, reply.total);
        return;
      case 'thrown': {
        const error = receivedError(reply.error);
        this.#end(worker, error instanceof UserError ? { status: 'refused', error } : { status: 'failed', error });
        break;
      }
      case 'result':
        this.#end(worker, { status: 'done', result: reply.result });
    }
    const next = this.#take();
    if (next !== null) this.#give(worker, next);
    else {
      void worker.terminate();
      if (this.#running.size === 0) this.#resolve();
    }
  }

  #lost(worker: Thread, error: Error): void {
    if (!this.#running.has(worker)) return;
    this.#end(worker, { status: 'failed', error });
    this.#start();
  }

  /** Settles the run of a thread, which is free then. */
  #end(worker: Thread, outcome: Parameters<Settle>[1]): void {
    const index = this.#running.get(worker)!;
    this.#running.delete(worker);
    this.#update(index, 1, 1);
    try {
      if (this.#settle(index, outcome)) this.#resolve();
    } catch (error) {
      this.#reject(error);
    }
  }
}
