// Replays a first run's passes, for policies with foresight.
import type { KvRoom } from './kv-room.js';
import { RequestQueue } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { Scheduler, Share } from './scheduler.js';

/** Requests and tokens of each pass. */
export class PassRecord {
  /** `Request.index` and tokens of each share, pass after pass. */
  readonly index: number[] = [];
  readonly tokens: number[] = [];
  /** First entry of each pass, plus an end entry. */
  readonly starts: number[] = [0];
  readonly costNs: number[] = [];
  /** Requests admitted before each pass, in order. */
  readonly admitted: (readonly number[])[] = [];
  metrics: Readonly<Record<string, number>> = {};

  append(shares: readonly Share[], costNs: number, admitted: readonly number[]): void {
    this.admitted.push(admitted);
    for (const { request, tokens } of shares) {
      this.index.push(request.index);
      this.tokens.push(tokens);
    }
    this.starts.push(this.index.length);
    this.costNs.push(costNs);
  }
}

/** Gives recorded passes once the requests have arrived. */
export class RecordedScheduler implements Scheduler {
  costNs = 0;
  pending = 0;
  readonly #record: PassRecord;
  readonly #arrived = new Map<number, Request>();
  readonly #shares: Share[] = [];
  #pass = 0;
  readonly #queue: RequestQueue;
  /** True: admission order matters (preemption or several GPUs). */
  readonly #strict: boolean;
  /** Recorded admissions that have not arrived yet. */
  #late: number[] = [];

  /** @param kv as at the recording */
  constructor(record: PassRecord, kv: KvRoom) {
    this.#record = record;
    this.#queue = new RequestQueue({ kv });
    this.#strict = kv.growth !== 'static' || kv.gpus.length > 1;
  }

  add(request: Request): void {
    this.#queue.add(request);
    this.#arrived.set(request.index, request);
    this.pending++;
  }

  next(): readonly Share[] {
    const shares = this.#shares;
    shares.length = 0;
    const { costNs, index, starts, tokens } = this.#record;
    if (this.#pass + 1 >= starts.length) return shares;
    for (let at = starts[this.#pass]!; at < starts[this.#pass + 1]!; at++) {
      const request = this.#arrived.get(index[at]!);
      if (request === undefined) return [];
      shares.push({ request, tokens: tokens[at]!, rejected: 0 });
    }
    const admitted = this.#record.admitted[this.#pass]!;
    if (this.#strict && !admitted.every((request) => this.#arrived.has(request))) return [];
    // Passes wait only for their own requests.
    const due = [...this.#late, ...admitted];
    for (const request of due) if (this.#arrived.has(request)) this.#queue.admitAgain(request);
    this.#late = due.filter((request) => !this.#arrived.has(request));
    this.costNs = costNs[this.#pass++]!;
    return shares;
  }

  /** Equal passes have equal metrics. */
  metrics(): Readonly<Record<string, number>> {
    return this.#record.metrics;
  }

  finished(shares: readonly Share[]): void {
    this.#queue.sweep();
    for (const { request } of shares) {
      if (!request.finished) continue;
      this.#arrived.delete(request.index);
      this.pending--;
    }
  }
}
