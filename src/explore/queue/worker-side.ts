// The worker of a queue: takes cells, has them run in processes of their own, and puts results on the server. Nothing computes in this
// process, so that it renews its locks in time however long a cell takes.
import type { Job, Worker } from 'bullmq';
import type { Elsewhere } from '../../base/elsewhere.js';
import { messageOf, UserError } from '../../base/errors.js';
import type { RunSpec } from '../../system/run.js';
import { buildOf } from '../study/build.js';
import { type QueueServer, serverError } from './connect.js';
import type { FileCache } from './file-cache.js';
import type { ModuleIndex } from './module-index.js';
import {
  type CellEnd,
  cellOf,
  DONE_KEPT,
  doneFields,
  isAlike,
  keysOf,
  presencesIn,
  presenceText,
  type QueueKeys,
  RESULT_KEPT_S,
  TRIES,
} from './protocol.js';
import { NobodyBrings, WorkerFiles } from './worker-files.js';

/** How long a cell stays with a worker that has not been heard of, ms: then another one takes it. */
const LOCK_MS = 10_000;
/** Time between two looks for such cells, ms; the whole queue has one at a time. */
const STALLED_MS = 5000;
/** Seconds that a worker that waits for cells asks for them at a time. */
const WAIT_S = 5;
/** Time between two words that a worker is there, ms, and the seconds that one is believed. */
const HEARTBEAT_MS = 5000;
const BELIEVED_S = 15;
/** How long a cell rests whose files nobody brings, ms. */
const REST_MS = 10_000;

/** What a process of its own makes of a run. */
export type Ran =
  /** An entry of the store, packed; `cpuMs`: of the run alone. */
  | { readonly kind: 'entry'; readonly entry: Uint8Array; readonly cpuMs: number }
  /** It ran into a mistake of moeprof's, or a file that it names is not here. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Runs a cell; rejects where its process dies. */
export type Execute = (task: {
  readonly fingerprint: string;
  readonly run: RunSpec;
  readonly elsewhere: Elsewhere;
  readonly absent: readonly string[];
}) => Promise<Ran>;

/** How a worker works. */
export interface WorkerSettings {
  /** As sweeps show it. */
  readonly name: string;
  /** Cells at a time. */
  readonly jobs: number;
  readonly cache: FileCache;
  readonly modules: ModuleIndex;
  readonly execute: Execute;
  /** Is told what a person should know, in one line. */
  tell(line: string): void;
}

/** A worker. */
export class QueueWorker {
  readonly #server: QueueServer;
  readonly #settings: WorkerSettings;
  readonly #keys: QueueKeys;
  readonly #files: WorkerFiles;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #draining = false;
  #running = 0;
  #ran = 0;
  #failed = 0;
  #runMs = 0;
  #lastCell = performance.now();
  #toldOther = false;

  /** Begins to take cells. */
  constructor(server: QueueServer, settings: WorkerSettings) {
    this.#server = server;
    this.#settings = settings;
    this.#keys = keysOf(server.address.prefix);
    const { cache, modules } = settings;
    this.#files = new WorkerFiles({ redis: server.redis, keys: this.#keys, cache, modules, waits: () => !this.#draining });
    this.#worker = new server.bull.Worker(this.#keys.cells, (job, token) => this.#take(job, token!), {
      connection: server.redis,
      prefix: this.#keys.prefix,
      name: settings.name,
      concurrency: settings.jobs,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_MS,
      maxStalledCount: TRIES - 1,
      drainDelay: WAIT_S,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // A cell whose workers died time and again is failed without being run.
    this.#worker.on('failed', (job, error) => {
      if (job?.id !== undefined && error instanceof server.bull.UnrecoverableError)
        void this.#publish({ fingerprint: job.id, worker: settings.name, failure: `its worker died ${TRIES} times while it ran` });
    });
    // The connection says itself when the server has gone; a lock that was lost is another worker's cell now.
    this.#worker.on('error', () => undefined);
  }

  /** Cells that ran and that failed, and processor time in runs, ms. */
  get counts(): { readonly ran: number; readonly failed: number; readonly runMs: number } {
    return { ran: this.#ran, failed: this.#failed, runMs: this.#runMs };
  }

  /** Works until {@link drain}. @param idleS ends after so many seconds without a cell; infinite: never */
  async work(idleS: number): Promise<void> {
    await this.#beat();
    const timer = setInterval(
      () => {
        void this.#beat();
        if (this.#running === 0 && performance.now() - this.#lastCell > idleS * 1000) this.drain();
      },
      Math.min(HEARTBEAT_MS, idleS * 500),
    );
    await this.#ended;
    clearInterval(timer);
    await this.#server.redis.del(this.#keys.worker(this.#settings.name)).catch(() => undefined);
  }

  /** Takes no more cells, and ends when those under way have. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    void this.#worker.close().then(this.#end);
  }

  async #take(job: Job, token: string): Promise<void> {
    this.#running++;
    try {
      await this.#runCell(job);
    } catch (error) {
      if (!(error instanceof NobodyBrings)) throw error;
      await job.moveToDelayed(Date.now() + REST_MS, token);
      throw new this.#server.bull.DelayedError();
    } finally {
      this.#running--;
      this.#lastCell = performance.now();
    }
  }

  /** @throws where it is to be tried again */
  async #runCell(job: Job): Promise<void> {
    const fingerprint = job.id!;
    const { redis } = this.#server;
    // A sweep may have added it again just when it ended.
    if ((await redis.exists(this.#keys.result(fingerprint))) === 1) return;
    const worker = this.#settings.name;
    const last = job.attemptsMade + 1 >= TRIES;
    try {
      const cell = cellOf(job.data);
      const { elsewhere, release } = await this.#files.of(cell, fingerprint);
      const absent = cell.files.filter(({ names, sha256 }) => sha256 === null && names === undefined).map(({ path }) => path);
      let ran: Ran;
      try {
        ran = await this.#settings.execute({ fingerprint, run: cell.run, elsewhere, absent });
      } finally {
        release();
      }
      if (ran.kind === 'failed') return await this.#fail({ fingerprint, worker, failure: ran.reason });
      this.#ran++;
      this.#runMs += ran.cpuMs;
      await this.#publish({ fingerprint, worker, failure: null }, Buffer.from(ran.entry));
    } catch (error) {
      if (error instanceof NobodyBrings) throw error;
      const reason = messageOf(error);
      // What the cell lacks is lacking the next time, too, unless it is this worker's disk: then another worker may have room.
      if (last || (error instanceof UserError && !/cannot be written/.test(reason)))
        return await this.#fail({ fingerprint, worker, failure: reason });
      throw error;
    }
  }

  async #fail(done: CellEnd): Promise<void> {
    this.#failed++;
    this.#settings.tell(`run ${done.fingerprint.slice(0, 12)}: failed: ${done.failure}`);
    await this.#publish(done);
  }

  /** Before the job is gone: at any time, a cell is in the queue or its result is there. */
  async #publish(done: CellEnd, entry?: Buffer): Promise<void> {
    const { redis } = this.#server;
    const pipeline = redis.pipeline();
    if (entry !== undefined) pipeline.set(this.#keys.result(done.fingerprint), entry, 'EX', RESULT_KEPT_S);
    pipeline.xadd(this.#keys.done, 'MAXLEN', '~', DONE_KEPT, '*', ...doneFields(done));
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw serverError(this.#server.address, error);
  }

  /** Says that it is there, and looks whether somebody waits for workers of another version. */
  async #beat(): Promise<void> {
    const { redis } = this.#server;
    const { name, tell } = this.#settings;
    try {
      await redis
        .pipeline()
        .set(this.#keys.worker(name), presenceText(name, this.#running), 'EX', BELIEVED_S)
        .sadd(this.#keys.workers, name)
        .exec();
      if (this.#toldOther || this.#running > 0) return;
      const ids = await redis.smembers(this.#keys.sweeps);
      const sweeps = ids.length === 0 ? [] : presencesIn(await redis.mget(ids.map((id) => this.#keys.sweep(id))));
      const other = sweeps.find((one) => !isAlike(one));
      if (other === undefined) return;
      this.#toldOther = true;
      tell(`cells of moeprof ${other.build} wait here, which this worker, ${buildOf()}, does not run; install the same version on both`);
    } catch {
      // Said again the next time.
    }
  }
}
