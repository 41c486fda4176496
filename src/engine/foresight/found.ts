import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { WORK } from './demand-block.js';
import { EventWindow } from './event-window.js';
import { ForesightGpu } from './foresight.js';
import { KnowingClock, type KnowingMachine } from './knowing-clock.js';
import { loadNsOf, OnDemandGpu, onDemandNs } from './on-demand.js';

/** Inputs of a GPU's schedules. */
export interface FoundGpu {
  readonly machine: KnowingMachine;
  /** Receives each event before the schedules. */
  readonly belady: BeladyBound;
}

/** End of each pass, ns. */
export interface FoundEnds {
  readonly lru: Float64Array;
  readonly belady: Float64Array;
  /** By schedule with the future known. */
  readonly knowing: readonly Float64Array[];
}

/** Most demands counted by default: some .3 s. Ours: 1,365 tokens of Qwen3, 10,000 of a small model. */
const UNASKED = 1 << 19;

/** Rounds with a CPU, each with the previous round's start times. Ours: a third gains .2 % in docs/moeprof.md. */
const ROUNDS = 2;

/** L19: LRU, Belady on demand, and known futures; demands are replayed shortly after the run. */
export class FoundSchedules {
  readonly work = new Float64Array(4);
  readonly #window: EventWindow;
  /** Demands left; below 0: the run is too long. */
  #left: number;
  /** Null: the run is LRU on demand itself. */
  readonly #lru: KnowingClock | null;
  readonly #belady: BeladyClock | null;
  readonly #beladyLater: KnowingClock | null;
  readonly #beladyEnds: number[] = [];
  readonly #knowing: readonly KnowingClock[];

  /** @param runIsLru true: the run is LRU on demand, not counted again @param unbounded true: no limit of length */
  constructor(gpus: readonly FoundGpu[], runIsLru: boolean, unbounded = true) {
    this.#left = unbounded ? Number.POSITIVE_INFINITY : UNASKED;
    const window = new EventWindow(gpus.map(({ machine }) => machine.sizes.length));
    this.#window = window;
    const [{ belady, machine }] = gpus as [FoundGpu];
    const loadNs = gpus.length === 1 && belady.exact ? loadNsOf(machine) : 0;
    const onDemand = (knows: 'past' | 'future'): KnowingClock =>
      new KnowingClock(window, (block, clock, g) => new OnDemandGpu(block, clock, gpus[g]!.machine, knows));
    this.#lru = runIsLru ? null : onDemand('past');
    this.#belady = loadNs > 0 ? new BeladyClock(belady, loadNs) : null;
    this.#beladyLater = loadNs > 0 ? null : onDemand('future');
    const foresight = (before: KnowingClock | null): KnowingClock =>
      new KnowingClock(window, (block, clock, g) => new ForesightGpu(block, clock, gpus[g]!.machine, before?.knownNs ?? null));
    const knowing = [foresight(null)];
    if (machine.cpu && machine.dram === null) for (let round = 0; round < ROUNDS; round++) knowing.push(foresight(knowing.at(-1)!));
    this.#knowing = knowing;
  }

  dense(ns: number): void {
    if (this.#belady !== null) this.#belady.nowNs += ns;
    this.#window.dense(ns);
  }

  /** @param ids members by dense id, the first `size` entries; times in {@link work} */
  demand(gpu: number, ids: Int32Array, size: number): void {
    this.#left -= size;
    if (this.#left < 0) return;
    if (gpu === 0 && !this.#window.fits(ids.length)) this.#replay(Math.min(...this.#window.blocks.map(({ most }) => most)));
    if (size > 0 && this.#belady !== null) this.#belady.event(size, this.work);
    this.#window.blocks[gpu]!.append(ids, size, this.work);
  }

  event(): void {
    if (this.#left >= 0) this.#window.event(this.work);
  }

  passEnded(): void {
    if (this.#left < 0) return;
    if (this.#belady !== null) this.#beladyEnds.push(this.#belady.nowNs);
    this.#window.passEnded();
  }

  /** @param passNs the run's passes @returns pass ends by knowledge; null: run too long */
  ends(passNs: Float64Array): FoundEnds | null {
    if (this.#left < 0) return null;
    this.#replay(this.#window.events);
    return {
      lru: this.#lru?.ends() ?? sums(passNs),
      belady: this.#beladyLater?.ends() ?? Float64Array.from(this.#beladyEnds),
      knowing: this.#knowing.map((clock) => clock.ends()),
    };
  }

  #replay(until: number): void {
    const clocks = [this.#lru, this.#beladyLater, ...this.#knowing].filter((clock) => clock !== null);
    for (const block of this.#window.blocks) block.link(until);
    for (const clock of clocks) clock.replay(until);
    for (const block of this.#window.blocks) block.moveOn();
    for (const clock of clocks) clock.end(until);
    this.#window.forget(until);
  }
}

function sums(values: Float64Array): Float64Array {
  let sum = 0;
  return values.map((value) => {
    sum += value;
    return sum;
  });
}

/** Belady on demand on a GPU with equal loads, from misses of the Belady bound (L15). */
class BeladyClock {
  /** Without idle time between passes. */
  nowNs = 0;
  readonly #belady: BeladyBound;
  readonly #loadNs: number;
  #hits = 0;

  /** @param belady exact; receives each event before the clock @param loadNs any load */
  constructor(belady: BeladyBound, loadNs: number) {
    this.#belady = belady;
    this.#loadNs = loadNs;
  }

  event(size: number, work: Float64Array): void {
    const { hits } = this.#belady;
    this.nowNs += onDemandNs(size, size - (hits - this.#hits), work[WORK.gpu]! / size, this.#loadNs);
    this.#hits = hits;
  }
}
