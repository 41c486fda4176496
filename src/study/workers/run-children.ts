// After a death, cells rerun alone to find the cause. Short cells share messages, long travel singly.
import { whileAlive } from '../../base/host/clock.js';
import { type CellProcesses, type CellTask, NotNow, type Ran } from '../queue/worker-side.js';
import type { FromChild, RunChild } from './run-child.js';

/** Running time after which later cells are requested back, ms; ours. */
const LONG_MS = 2000;
/** Time between looks for long cells, ms; ours. */
const LOOK_MS = 500;

/** Most processor time queued at a process, ms; ours. */
const AHEAD_MS = 480;
/** Most cells queued at a process; ours. */
const MOST = 32;
/** Weight of the last cell in the mean; ours. */
const NEWEST = 0.2;

/** Recent processor time of cells. */
export class CellPace {
  #meanMs = Number.POSITIVE_INFINITY;

  add(ms: number): void {
    this.#meanMs = Number.isFinite(this.#meanMs) ? this.#meanMs + NEWEST * (ms - this.#meanMs) : ms;
  }

  /** Adds the time so far of an unfinished cell, ms. */
  atLeast(ms: number): void {
    this.#meanMs = Math.max(this.#meanMs, ms);
  }

  /** Cells per process, from 1 on. */
  get depth(): number {
    return Math.min(MOST, Math.max(1, Math.floor(AHEAD_MS / this.#meanMs)));
  }
}

interface Wish {
  readonly task: CellTask;
  resolve(ran: Ran): void;
  reject(error: Error): void;
  /** True: the cell was in a process that died. */
  alone: boolean;
}

/** Starts a process, as {@link RunChild}. */
export type StartChild = (
  hear: (said: FromChild) => void,
  lost: (how: string) => void,
) => Pick<RunChild, 'give' | 'askBack' | 'end' | 'kill'>;

interface Place {
  readonly child: ReturnType<StartChild>;
  readonly has: Map<number, Wish>;
  /** Time of the last message, or of the first cell after a pause, ms. */
  since: number;
}

/** A pool of processes, started on demand. */
export class RunChildren implements CellProcesses {
  readonly #most: number;
  readonly #startChild: StartChild;
  readonly #places = new Set<Place>();
  readonly #waiting: Wish[] = [];
  readonly #pace = new CellPace();
  #next = 0;
  #killed = false;
  /** Null: no looks at long cells. */
  #endLooks: (() => void) | null = null;

  /** @param most processes */
  constructor(most: number, start: StartChild) {
    this.#most = most;
    this.#startChild = start;
  }

  get room(): number {
    return this.#most * this.#pace.depth;
  }

  /** Rejects with the last output if the process dies, or with {@link NotNow} before a long wait. */
  run(task: CellTask): Promise<Ran> {
    if (this.#killed) return Promise.reject(new NotNow('the worker ends'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject, alone: false });
      this.#deal();
    });
  }

  close(): void {
    this.#endLooks?.();
    for (const { child } of this.#places) child.end();
  }

  kill(): void {
    this.#killed = true;
    this.#endLooks?.();
    const wishes = [...this.#waiting.splice(0), ...[...this.#places].flatMap(({ has }) => [...has.values()])];
    for (const { child } of this.#places) child.kill();
    this.#places.clear();
    for (const wish of wishes) wish.reject(new NotNow('the worker ends'));
  }

  #deal(): void {
    while (this.#waiting.length > 0) {
      const place = this.#freest(this.#waiting[0]!.alone);
      if (place === null) break;
      const wish = this.#waiting.shift()!;
      if (place.has.size === 0) place.since = performance.now();
      const id = this.#next++;
      place.has.set(id, wish);
      place.child.give(id, wish.task);
    }
    const busy = [...this.#places].some(({ has }) => has.size > 1);
    if (busy) this.#endLooks ??= whileAlive(() => this.#look(), LOOK_MS);
    else {
      this.#endLooks?.();
      this.#endLooks = null;
    }
  }

  /** Process for the next cell; null: wait. */
  #freest(alone: boolean): Place | null {
    const places = [...this.#places].sort((place, other) => place.has.size - other.has.size);
    const [first] = places;
    if (first?.has.size === 0) return first;
    if (places.length < this.#most) return this.#start();
    if (alone) return null;
    const { depth } = this.#pace;
    return places.find(({ has }) => has.size < depth && ![...has.values()].some((wish) => wish.alone)) ?? null;
  }

  #start(): Place {
    const place: Place = {
      child: this.#startChild(
        (message) => this.#hear(place, message),
        (how) => this.#lose(place, how),
      ),
      has: new Map(),
      since: 0,
    };
    this.#places.add(place);
    return place;
  }

  #hear(place: Place, { ran, returned }: FromChild): void {
    place.since = performance.now();
    for (const [id, outcome, ms] of ran) {
      this.#pace.add(ms);
      place.has.get(id)?.resolve(outcome);
      place.has.delete(id);
    }
    const back = returned.flatMap((id) => place.has.get(id) ?? []);
    for (const id of returned) place.has.delete(id);
    this.#waiting.unshift(...back);
    this.#deal();
    for (const wish of back) {
      const at = this.#waiting.indexOf(wish);
      if (at < 0) continue;
      this.#waiting.splice(at, 1);
      wish.reject(new NotNow('waits behind a long cell'));
    }
  }

  #lose(place: Place, how: string): void {
    this.#places.delete(place);
    if (this.#killed) return;
    const had = [...place.has.values()];
    if (had.length === 1) had[0]!.reject(new Error(`its process ${how}`));
    else for (const wish of had) this.#waiting.unshift(Object.assign(wish, { alone: true }));
    this.#deal();
  }

  /** Requests cells queued after a long cell: a different worker may be free. */
  #look(): void {
    const now = performance.now();
    for (const { child, has, since } of this.#places) {
      if (has.size < 2 || now - since < LONG_MS) continue;
      this.#pace.atLeast(now - since);
      child.askBack();
    }
  }
}
