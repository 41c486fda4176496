import type { Job, Worker } from 'bullmq';
import { messageOf, orUserError, UserError } from '../../base/errors.js';
import { wireBytes } from '../../base/host/network.js';
import type { View } from '../../base/host/view.js';
import { visible } from '../../base/text.js';
import { SHA256_HEX } from '../../result/digest.js';
import { buildOf } from '../build.js';
import type { Claims } from './claims.js';
import type { QueueServer } from './connect.js';
import { DONE_KEPT, isAlike, keysOf, presenceText, presentIn, type QueueKeys, RESULT_KEPT_S, TRIES } from './protocol.js';
import { cellOf, type SentCell } from './sent-cell.js';
import { type CellEnd, doneFields, resultData } from './sent-result.js';
import { serverError } from './server-error.js';
import { answersTo, type ServerCommand, Together } from './together.js';
import { type FileSources, NobodyBrings, WorkerFiles } from './worker-files.js';

/** Time before a silent worker's cell moves on, ms; ours. */
const LOCK_MS = 10_000;
/** Time between looks for silent workers, ms; ours. */
const STALLED_MS = 5000;
/** Seconds of one request for cells; ours. */
const WAIT_S = 5;
/** Time between heartbeats, ms, and validity of a heartbeat, s; ours. */
const HEARTBEAT_MS = 5000;
const BELIEVED_S = 15;
/** Delay before retrying a cell with missing files, ms; ours. */
const REST_MS = 10_000;

const DIFFERS = 'is not what its name says: a file changed since it was enqueued; start the sweep again';

/** Outcome of a run. */
export type Ran =
  /** Packed entry of the store; `cpuMs`: of the run alone. */
  | { readonly kind: 'entry'; readonly entry: Uint8Array; readonly cpuMs: number }
  /** Stopped by a bug, or by a missing file. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** Not run: the run does not match the name. */
  | { readonly kind: 'differs' };

/** Task of a run's process. */
export interface CellTask extends Claims {
  readonly fingerprint: string;
  readonly view: View;
}

/** Returns a cell to the queue: a different worker may be free. */
export class NotNow extends Error {}

/** Processes that run cells. */
export interface CellProcesses {
  readonly room: number;
  /** Runs a cell; rejects if the process dies, and with {@link NotNow}. */
  run(task: CellTask): Promise<Ran>;
  /** Kills all processes; pending and later cells reject with {@link NotNow}. */
  kill(): void;
}

interface WorkerSettings extends Pick<FileSources, 'seal' | 'cache' | 'roots' | 'own'> {
  readonly name: string;
  readonly processes: CellProcesses;
  tell(line: string): void;
}

/** A worker of a queue. */
export class QueueWorker {
  readonly #server: QueueServer;
  readonly #settings: WorkerSettings;
  readonly #keys: QueueKeys;
  readonly #together: Together;
  readonly #files: WorkerFiles;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #draining = false;
  #running = 0;
  /** `runMs`: processor time, ms. */
  readonly counts = { ran: 0, failed: 0, runMs: 0 };
  #lastCell = performance.now();
  #warnedOfOthers = false;
  #shutOut = false;

  constructor(server: QueueServer, settings: WorkerSettings) {
    this.#server = server;
    this.#settings = settings;
    this.#keys = keysOf(server.address.prefix);
    this.#together = new Together(server.redis);
    this.#files = new WorkerFiles({ ...settings, redis: server.redis, keys: this.#keys, waits: () => !this.#draining });
    this.#worker = new server.bull.Worker(this.#keys.cells, (job, token) => this.#take(job, token!), {
      connection: server.redis,
      prefix: this.#keys.prefix,
      name: settings.name,
      concurrency: settings.processes.room,
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
    // Fails a cell whose workers died repeatedly.
    this.#worker.on('failed', (job, error) => {
      if (job?.id !== undefined && error instanceof server.bull.UnrecoverableError)
        this.#publish({ fingerprint: job.id, worker: settings.name, failure: `its worker died ${TRIES} times while it ran` }).catch(
          (error: unknown) => settings.tell(messageOf(error)),
        );
    });
    // The connection reports a lost server. After a lost lock, a different worker has the cell.
    this.#worker.on('error', () => undefined);
  }

  /**
   * Works until {@link drain} or {@link leave}. @param idleS without a cell before the end @throws UserError if shut
   * out
   */
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
    if (this.#shutOut)
      throw new UserError(
        `worker ${this.#settings.name} is shut out: a sweep has refused its results time and again; check its build, memory and disk, and start it under another --name`,
      );
  }

  /** Takes no more cells, and ends after the running cells. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    void this.#worker.close().then(this.#end);
  }

  /** Returns running cells to the queue, and ends. */
  leave(): void {
    this.drain();
    this.#settings.processes.kill();
  }

  async #take(job: Job, token: string): Promise<void> {
    this.#running++;
    try {
      await this.#runCell(job);
    } catch (error) {
      const { DelayedError, WaitingError } = this.#server.bull;
      if (error instanceof NotNow) {
        await job.moveToWait(token);
        throw new WaitingError();
      }
      if (!(error instanceof NobodyBrings)) throw error;
      await job.moveToDelayed(Date.now() + REST_MS, token);
      throw new DelayedError();
    } finally {
      this.#worker.concurrency = this.#settings.processes.room;
      this.#running--;
      this.#lastCell = performance.now();
    }
  }

  /** @throws if the cell is to be retried */
  async #runCell(job: Job): Promise<void> {
    const fingerprint = job.id!;
    const { name: worker, seal, tell } = this.#settings;
    if (!SHA256_HEX.test(fingerprint)) return tell('a job on the server is no cell of a study; it is dropped');
    // A sweep may have re-added a cell that just ended.
    if ((await this.#together.ask(['type', this.#keys.result(fingerprint)]))[0] === 'string') return;
    const cell = orUserError(() => cellOf(fingerprint, job.data, seal));
    if (cell instanceof UserError) return await this.#fail({ fingerprint, worker, failure: cell.message, again: true });
    const last = job.attemptsMade + 1 >= TRIES;
    try {
      const ran = await this.#ranOf(cell, fingerprint);
      if (ran.kind === 'differs') return await this.#fail({ fingerprint, worker, failure: DIFFERS, again: true });
      if (ran.kind === 'failed') return await this.#fail({ fingerprint, worker, failure: ran.reason });
      this.counts.ran++;
      this.counts.runMs += ran.cpuMs;
      await this.#publish({ fingerprint, worker, failure: null }, wireBytes(resultData(fingerprint, worker, ran.entry, seal)));
    } catch (error) {
      if (error instanceof NobodyBrings || error instanceof NotNow) throw error;
      const reason = messageOf(error);
      // A missing part stays missing; after a full disk, a different worker may have space.
      if (last || (error instanceof UserError && !/cannot be written/.test(reason)))
        return await this.#fail({ fingerprint, worker, failure: reason });
      throw error;
    }
  }

  async #ranOf(cell: SentCell, fingerprint: string): Promise<Ran> {
    const { files, modules, run, system } = cell;
    const placed = await this.#files.placed(fingerprint, cell);
    if (placed === null) return { kind: 'differs' };
    const { drop, release, view } = placed;
    try {
      const ran = await this.#settings.processes.run({ fingerprint, run, system, files, modules, view });
      if (ran.kind === 'differs') drop();
      return ran;
    } finally {
      release();
    }
  }

  async #fail(done: CellEnd): Promise<void> {
    if (done.again !== true) this.counts.failed++;
    this.#settings.tell(visible(`run ${done.fingerprint.slice(0, 12)}: ${done.again === true ? 'refused' : 'failed'}: ${done.failure}`));
    await this.#publish(done);
  }

  /** Publishes the end before the job is removed: a cell is always queued, or has a result. */
  async #publish(done: CellEnd, entry?: Uint8Array): Promise<void> {
    const { done: stream, result } = this.#keys;
    const news: ServerCommand = ['xadd', stream, 'MAXLEN', '~', DONE_KEPT, '*', ...doneFields(done, this.#settings.seal)];
    const kept: ServerCommand[] = entry === undefined ? [] : [['set', result(done.fingerprint), entry, 'EX', RESULT_KEPT_S]];
    try {
      await this.#together.ask(...kept, news);
    } catch (error) {
      throw serverError(this.#server.address, error);
    }
  }

  async #heedShut(): Promise<void> {
    const { name, seal } = this.#settings;
    const note = await this.#server.redis.get(this.#keys.shut(name));
    if (note === null || !seal.holds(note, 'shut', name)) return;
    this.#shutOut = true;
    this.leave();
  }

  /** Publishes presence, and warns of sweeps of a different version. */
  async #beat(): Promise<void> {
    const { redis } = this.#server;
    const { name, tell } = this.#settings;
    try {
      const { sweep, sweeps, worker, workers } = this.#keys;
      await answersTo(redis, [
        ['set', worker(name), presenceText(name, this.#running), 'EX', BELIEVED_S],
        ['sadd', workers, name],
      ]);
      await this.#heedShut();
      if (this.#warnedOfOthers || this.#running > 0) return;
      const { present } = await presentIn(redis, sweeps, sweep);
      const other = present.find((presence) => !isAlike(presence));
      if (other === undefined) return;
      this.#warnedOfOthers = true;
      tell(`cells of moeprof ${other.build} wait here, which this worker, ${buildOf()}, does not run; install the same version on both`);
    } catch {}
  }
}
