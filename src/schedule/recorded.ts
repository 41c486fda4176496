// Replays the passes that a first run composed, for policies with foresight if passes depend on when earlier ones ended.
import type { KvRoom } from './kv-room.js';
import { RequestQueue } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { Scheduler, Share } from './scheduler.js';

/** The requests of each pass, and the number of tokens of each. */
export class PassRecord {
  /** `Request.index` and tokens of each share, all passes one after another. */
  readonly index: number[] = [];
  readonly tokens: number[] = [];
  /** First entry of each pass; one more than passes. */
  readonly starts: number[] = [0];
  /** Modelled time of composing each pass, ns. */
  readonly costNs: number[] = [];
  /** Requests that were admitted since the pass before, in order. */
  readonly admitted: (readonly number[])[] = [];
  /** The own metrics of the scheduler that composed them, by name of the catalogue. */
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

/** Gives the passes of a record, each as soon as its requests have arrived. */
export class RecordedScheduler implements Scheduler {
  costNs = 0;
  pending = 0;
  readonly #record: PassRecord;
  readonly #arrived = new Map<number, Request>();
  readonly #shares: Share[] = [];
  #pass = 0;
  readonly #queue: RequestQueue;
  /** True if requests may be preempted, or their GPU depends on others: each is admitted before the same pass as in the record. */
  readonly #strict: boolean;
  /** Requests that the record has admitted by now and that have not arrived yet. */
  #late: number[] = [];

  /** @param kv the room that requests are admitted to, as they were when the passes were recorded */
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
    // No pass waits for requests that no pass holds yet.
    const due = [...this.#late, ...admitted];
    for (const request of due) if (this.#arrived.has(request)) this.#queue.admitAgain(request);
    this.#late = due.filter((request) => !this.#arrived.has(request));
    this.costNs = costNs[this.#pass++]!;
    return shares;
  }

  /** The passes are the same, and so is what their scheduler measures of them. */
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
