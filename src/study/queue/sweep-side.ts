import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { orUserError, UserError } from '../../base/errors.js';
import { nextTurn, sleep } from '../../base/host/clock.js';
import { randomHex } from '../../base/host/hash.js';
import { shortened, visible } from '../../base/text.js';
import type { Outcome } from '../../figure/door.js';
import { buildOf } from '../build.js';
import type { Store } from '../store.js';
import { faultOf, Refusals } from './believe.js';
import type { QueueServer } from './connect.js';
import { LateRate, type QueueStatus } from './progress.js';
import { isAlike, keysOf, type Presence, presenceText, presentIn, type QueueKeys, RESULT_TAKEN_S, TRIES } from './protocol.js';
import type { Seal } from './seal.js';
import { cellData, type QueueCell } from './sent-cell.js';
import { type CellEnd, doneOf, resultOf } from './sent-result.js';
import { orServerError } from './server-error.js';
import { SweepFiles } from './sweep-files.js';
import { answersTo, untilAnswered } from './together.js';

/** Most cells on the server. Ours: enough for ten thousand workers, within a server's memory. */
const WINDOW = 20_000;
/** Cells per message, messages under way, and entries per read; ours. */
const BATCH = 250;
const BATCHES = 3;
const READ_AT_ONCE = 500;
/** Time that a read waits for news, ms; ours. */
const NEWS_MS = 1000;
/** Pause after news, ms. Ours: later results share messages. */
const GATHER_MS = 250;
/** Results per turn of the event loop; ours. */
const TURN = 8;
/** Time between looks at workers and wanted files, ms; ours. */
const TICK_MS = 1000;
/** Seconds that a heartbeat is valid; ours. */
const BELIEVED_S = 10;
/** Quiet time before a search for lost cells, ms; ours. */
const QUIET_MS = 5000;
/** One command for all keys: clients parse and send every command separately. */
const EXPIRE_ALL = "for _, key in ipairs(KEYS) do redis.call('expire', key, ARGV[1]) end";
/** Resets a changed cell as untried; the fields are BullMQ's. */
const PUT_RIGHT =
  "local data = redis.call('hget', KEYS[1], 'data') if data and data ~= ARGV[1] then redis.call('hset', KEYS[1], 'data', ARGV[1]) redis.call('hdel', KEYS[1], 'defa', 'stc', 'ats') end";
/** Seconds that a worker stays shut out; ours. */
const SHUT_S = 3600;
/** Digits of a fingerprint in messages; ours. */
const DIGITS = 12;

/** A cell to run; null: already settled. */
export type Enqueued = { readonly fingerprint: string; readonly cell: QueueCell } | null;

/** Callbacks of a sweep on a queue. */
export interface SweepHooks {
  /** Receives an outcome, already stored. */
  settled(fingerprint: string, outcome: Outcome): void;
  progress(status: Omit<QueueStatus, 'total' | 'settled' | 'failed'>): void;
  tell(line: string): void;
}

/** Sweep of a queue. State is in store and server: a second start resumes or watches the sweep. */
export class QueueSweep {
  readonly #server: QueueServer;
  readonly #seal: Seal;
  readonly #store: Store;
  readonly #hooks: SweepHooks;
  readonly #keys: QueueKeys;
  readonly #queue: Queue;
  readonly #news: Redis;
  readonly #id = randomHex(6);
  /** Enqueued cells without an outcome. */
  readonly #pending = new Map<string, QueueCell>();
  readonly #refusals = new Refusals();
  /** Failures of cells still queued: a worker reports a failure before removing the cell. */
  readonly #doubted = new Map<string, CellEnd>();
  readonly #by = new Map<string, number>();
  readonly #files: SweepFiles;
  readonly #rate = new LateRate(seconds());
  readonly #end = new AbortController();
  #fed = false;
  #lastNews = performance.now();
  #warnedOfOthers = false;
  #warnedOfForged = false;

  constructor(server: QueueServer, seal: Seal, store: Store, hooks: SweepHooks) {
    this.#server = server;
    this.#seal = seal;
    this.#store = store;
    this.#hooks = hooks;
    this.#keys = keysOf(server.address.prefix);
    const { cells, prefix } = this.#keys;
    // Unread BullMQ events would fill the server.
    this.#queue = new server.bull.Queue(cells, { connection: server.redis, prefix, streams: { events: { maxLen: 0 } } });
    this.#queue.on('error', () => undefined);
    this.#news = server.another();
    this.#files = new SweepFiles({ server, keys: this.#keys, seal, tell: (line) => hooks.tell(line) });
  }

  get #ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** @throws UserError if the server or the store cannot be written */
  async run(cells: Iterable<Enqueued>): Promise<void> {
    try {
      await this.#clearStrangers();
      const last = await this.#news.xrevrange(this.#keys.done, '+', '-', 'COUNT', 1);
      await this.#beat();
      await Promise.all([this.#feed(cells), this.#listen(last[0]?.[0] ?? '0-0'), this.#watch()].map((work) => this.#orEnd(work)));
      await this.#leave();
    } catch (error) {
      throw orServerError(this.#server.address, error);
    }
  }

  /** Removes values of foreign types, for list commands would fail. */
  async #clearStrangers(): Promise<void> {
    const { redis } = this.#server;
    const { done, sweeps, wanted, workers } = this.#keys;
    for (const [key, type] of [[done, 'stream'], ...[sweeps, wanted, workers].map((set) => [set, 'set'])] as [string, string][])
      if (![type, 'none'].includes(await redis.type(key))) await redis.del(key);
  }

  async #orEnd(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#end.abort();
      throw error;
    }
  }

  async #feed(cells: Iterable<Enqueued>): Promise<void> {
    let batch: NonNullable<Enqueued>[] = [];
    const under = new Set<Promise<void>>();
    const send = async (): Promise<void> => {
      // A failed message stays for the next wait to throw.
      const sending = this.#enqueue(batch).then(() => void under.delete(sending));
      sending.catch(() => undefined);
      under.add(sending);
      batch = [];
      while (under.size >= BATCHES) await Promise.race(under);
      while (this.#pending.size > WINDOW - BATCH && !this.#ended) await sleep(20);
      await nextTurn();
    };
    for (const cell of cells) {
      if (this.#ended) break;
      if (cell !== null) batch.push(cell);
      if (batch.length >= BATCH) await send();
    }
    if (batch.length > 0 && !this.#ended) await send();
    await Promise.all(under);
    if (this.#ended) return;
    this.#fed = true;
    this.#endIfDone();
  }

  /** Adds cells without a result. Enqueued cells stay, named by fingerprint. */
  async #enqueue(batch: readonly NonNullable<Enqueued>[]): Promise<void> {
    for (const { cell, fingerprint } of batch) {
      this.#pending.set(fingerprint, cell);
      this.#files.add(cell.files);
    }
    const fingerprints = batch.map(({ fingerprint }) => fingerprint);
    await this.#collect(fingerprints);
    await this.#add(fingerprints);
  }

  async #add(fingerprints: readonly string[]): Promise<void> {
    const pending = fingerprints.filter((fingerprint) => this.#pending.has(fingerprint));
    const jobs = pending.map((jobId) => ({
      name: 'cell',
      data: cellData(jobId, this.#pending.get(jobId)!, this.#seal),
      opts: { jobId, attempts: TRIES, removeOnComplete: true, removeOnFail: true },
    }));
    await untilAnswered(() => this.#queue.addBulk(jobs));
  }

  async #listen(from: string): Promise<void> {
    for (let last = from; !this.#ended; ) {
      const read = await this.#news.xread('COUNT', READ_AT_ONCE, 'BLOCK', NEWS_MS, 'STREAMS', this.#keys.done, last);
      const entries = read?.[0]?.[1] ?? [];
      if (entries.length === 0) continue;
      last = entries.at(-1)![0];
      const ends = entries.map(([, fields]) => doneOf(fields, this.#seal));
      if (ends.includes(null)) this.#tellForged();
      await this.#hear(ends.flatMap((end) => (end !== null && this.#pending.has(end.fingerprint) ? [end] : [])));
      if (!this.#ended && entries.length < READ_AT_ONCE) await sleep(GATHER_MS);
    }
  }

  async #hear(news: readonly CellEnd[]): Promise<void> {
    if (news.length > 0) this.#lastNews = performance.now();
    for (const { worker } of news) {
      this.#by.set(worker, (this.#by.get(worker) ?? 0) + 1);
      this.#rate.add(seconds());
    }
    for (const end of news) if (end.failure !== null) this.#doubted.set(end.fingerprint, end);
    await this.#collect(news.flatMap(({ failure, fingerprint }) => (failure === null ? [fingerprint] : [])));
  }

  #tellForged(): void {
    if (!this.#warnedOfForged) this.#hooks.tell('news on the server that no worker of this queue wrote; they are left out');
    this.#warnedOfForged = true;
  }

  async #collect(fingerprints: readonly string[]): Promise<void> {
    if (fingerprints.length === 0) return;
    const { redis } = this.#server;
    const keys = fingerprints.map((fingerprint) => this.#keys.result(fingerprint));
    const entries = await redis.mgetBuffer(keys);
    const taken: string[] = [];
    const refused: string[] = [];
    for (const [at, data] of entries.entries()) {
      const fingerprint = fingerprints[at]!;
      const cell = this.#pending.get(fingerprint);
      if (data === null || cell === undefined) continue;
      const outcome = await this.#outcomeOf(fingerprint, data, cell);
      if (outcome === null) {
        refused.push(fingerprint);
        continue;
      }
      this.#settle(fingerprint, outcome);
      taken.push(keys[at]!);
      if (taken.length % TURN === 0) await nextTurn();
    }
    if (taken.length > 0) await redis.eval(EXPIRE_ALL, taken.length, ...taken, RESULT_TAKEN_S);
    if (refused.length === 0) return;
    await redis.del(refused.map((fingerprint) => this.#keys.result(fingerprint)));
    await this.#add(refused);
  }

  /** Outcome of a result, already stored; null: refused. */
  async #outcomeOf(fingerprint: string, data: Uint8Array, { run }: QueueCell): Promise<Outcome | null> {
    const sent = orUserError(() => resultOf(fingerprint, data, this.#seal));
    const worker = sent instanceof UserError || sent === null ? null : sent.worker;
    if (worker !== null && this.#refusals.isShut(worker)) return null;
    const read = sent ?? new UserError('its result on the server has not the seal of this queue');
    const outcome = read instanceof UserError ? read : this.#store.putEntry(fingerprint, read.entry, (result) => faultOf(result, run));
    if (!(outcome instanceof UserError)) return outcome;
    await this.#refuse(fingerprint, worker, outcome.message);
    return null;
  }

  /** Reports a cell's first refusal, fails the cell at the limit, and may shut out the worker. */
  async #refuse(fingerprint: string, worker: string | null, why: string): Promise<void> {
    const { failed, named, shut } = this.#refusals.add(fingerprint, worker);
    const by = worker === null ? '' : ` by worker ${worker}`;
    if (failed) this.#fail(fingerprint, `refused time and again${by}: ${why}`);
    else if (named) this.#hooks.tell(shortened(visible(`run ${fingerprint.slice(0, DIGITS)}: refused${by}: ${why}; it is run again`)));
    if (!shut) return;
    this.#hooks.tell(`worker ${worker} is shut out: three of its results were refused`);
    await this.#server.redis.set(this.#keys.shut(worker!), this.#seal.over('shut', worker!), 'EX', SHUT_S);
  }

  /** Fails or re-enqueues reported cells. A cell still in the queue has a different end to come. */
  async #settleDoubted(): Promise<void> {
    const ends = [...this.#doubted.values()].filter(({ fingerprint }) => this.#pending.has(fingerprint));
    if (ends.length === 0) return this.#doubted.clear();
    const { cells, prefix } = this.#keys;
    const answers = await answersTo(
      this.#server.redis,
      ends.map(({ fingerprint }) => ['exists', `${prefix}:${cells}:${fingerprint}`]),
    );
    const gone = ends.filter((_, at) => answers[at]![1] === 0);
    // A worker stores a result before removing the cell.
    await this.#collect(gone.map(({ fingerprint }) => fingerprint));
    const again: string[] = [];
    for (const { again: put, failure, fingerprint, worker } of gone) {
      this.#doubted.delete(fingerprint);
      if (!this.#pending.has(fingerprint)) continue;
      if (put === true) await this.#refuse(fingerprint, null, `worker ${worker}: ${failure}`);
      else this.#fail(fingerprint, failure!);
      if (put === true) again.push(fingerprint);
    }
    await this.#add(again);
  }

  #fail(fingerprint: string, reason: string): void {
    const outcome: Outcome = { status: 'failed', reason };
    this.#store.put(fingerprint, outcome);
    this.#settle(fingerprint, outcome);
  }

  #settle(fingerprint: string, outcome: Outcome): void {
    this.#pending.delete(fingerprint);
    this.#hooks.settled(fingerprint, outcome);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#fed && this.#pending.size === 0) this.#end.abort();
  }

  async #watch(): Promise<void> {
    for (let begun = performance.now(); !this.#ended; await this.#pause()) {
      const workers = await this.#beat();
      const counts = await this.#queue.getJobCounts('active', 'waiting', 'delayed');
      this.#hooks.progress({
        running: counts.active ?? 0,
        rate: this.#rate.at(seconds()),
        workers: workers.filter(isAlike).length,
        by: this.#by,
      });
      this.#tellOfOthers(workers, performance.now() - begun);
      await this.#settleDoubted();
      await this.#files.bringWanted(() => this.#beat());
      const there = Object.values(counts).reduce((sum, count) => sum + count, 0);
      if (performance.now() - this.#lastNews > QUIET_MS && this.#fed) {
        this.#lastNews = performance.now();
        await this.#findLost(there);
      }
    }
  }

  async #pause(): Promise<void> {
    await sleep(TICK_MS, this.#end.signal).catch(() => undefined);
  }

  /** Finds results with missed news, and cells lost by a server restart. */
  async #findLost(there: number): Promise<void> {
    await this.#repairActive();
    const all = [...this.#pending.keys()];
    for (let from = 0; from < all.length; from += BATCH) {
      const batch = all.slice(from, from + BATCH);
      await this.#collect(batch);
      if (there === 0) await this.#add(batch);
    }
  }

  /** Restores changed cells: an unparsable cell would circulate for ever. */
  async #repairActive(): Promise<void> {
    const { redis } = this.#server;
    const { cells, prefix } = this.#keys;
    const active = (await redis.lrange(`${prefix}:${cells}:active`, 0, BATCH)).filter((id) => this.#pending.has(id));
    for (const fingerprint of active) {
      const data = JSON.stringify(cellData(fingerprint, this.#pending.get(fingerprint)!, this.#seal));
      await redis.eval(PUT_RIGHT, 1, `${prefix}:${cells}:${fingerprint}`, data);
    }
  }

  /** @returns present workers */
  async #beat(): Promise<Presence[]> {
    const { redis } = this.#server;
    const { sweep, sweeps, worker, workers } = this.#keys;
    await answersTo(redis, [
      ['set', sweep(this.#id), presenceText(`sweep ${this.#id}`, 0), 'EX', BELIEVED_S],
      ['sadd', sweeps, this.#id],
    ]);
    const { gone, present } = await presentIn(redis, workers, worker);
    if (gone.length > 0) await redis.srem(workers, gone);
    return present;
  }

  #tellOfOthers(workers: readonly Presence[], waitedMs: number): void {
    const other = workers.find((worker) => !isAlike(worker));
    if (this.#warnedOfOthers || other === undefined || waitedMs < QUIET_MS || workers.some(isAlike)) return;
    this.#warnedOfOthers = true;
    this.#hooks.tell(
      `worker ${other.name} is moeprof ${other.build}, which does not run cells of ${buildOf()}; install the same version on both`,
    );
  }

  async #leave(): Promise<void> {
    const { redis } = this.#server;
    const { sweep, sweeps } = this.#keys;
    await answersTo(redis, [
      ['del', sweep(this.#id)],
      ['srem', sweeps, this.#id],
    ]);
    const others = await redis.smembers(sweeps);
    if (others.length > 0 && (await redis.exists(...others.map(sweep))) > 0) return;
    await this.#files.remove();
  }
}

const seconds = (): number => performance.now() / 1000;
