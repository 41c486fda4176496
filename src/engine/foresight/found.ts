import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { WORK } from './demand-block.js';
import { EventWindow } from './event-window.js';
import { ForesightGpu } from './foresight.js';
import { KnowingClock, type KnowingMachine } from './knowing-clock.js';
import { loadNsOf, OnDemandGpu, onDemandNs } from './on-demand.js';

/** Inputs of schedules on one GPU. */
export interface FoundGpu {
  readonly machine: KnowingMachine;
  /** Over all layers, at the machine's capacity; receives each event before the schedules. */
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

/**
 * Rounds of foresight beside a CPU, each with the start times of the round before. Ours: a third gains .2 % on the
 * cells of docs/moeprof.md.
 */
const ROUNDS = 2;

/** Speeds per knowledge (L19): LRU, Belady on demand, and known futures; demands are replayed shortly after the run. */
export class FoundSchedules {
  /** Times of the next event, by {@link WORK}. */
  readonly work = new Float64Array(4);
  readonly #window: EventWindow;
  /** Demands left before the run is too long; below 0: too long. */
  #left: number;
  /** Null: the run is LRU on demand itself. */
  readonly #lru: KnowingClock | null;
  /** Belady on demand, during the run or shortly after. */
  readonly #belady: BeladyClock | null;
  readonly #beladyLater: KnowingClock | null;
  readonly #beladyEnds: number[] = [];
  readonly #knowing: readonly KnowingClock[];

  /** @param runIsLru true: the run is LRU on demand, not counted again @param unbounded true: runs of any length */
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

  /**
   * Demand of an event on a GPU, with times in {@link work}. @param ids members by dense id, the first `size` entries
   */
  demand(gpu: number, ids: Int32Array, size: number): void {
    this.#left -= size;
    if (this.#left < 0) return;
    if (gpu === 0 && !this.#window.fits(ids.length)) this.#replay(Math.min(...this.#window.blocks.map(({ most }) => most)));
    if (size > 0 && this.#belady !== null) this.#belady.event(size, this.work);
    this.#window.blocks[gpu]!.append(ids, size, this.work);
  }

  /** Ends an event after the demands of all GPUs. */
  event(): void {
    if (this.#left >= 0) this.#window.event(this.work);
  }

  passEnded(): void {
    if (this.#left < 0) return;
    if (this.#belady !== null) this.#beladyEnds.push(this.#belady.nowNs);
    this.#window.passEnded();
  }

  /** End of each pass per knowledge, after the run. @param passNs the run's own passes @returns null: too long */
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

/** Belady on demand on one GPU with equal loads, from the misses of the Belady bound (L15). */
class BeladyClock {
  /** Without idle time between passes. */
  nowNs = 0;
  readonly #belady: BeladyBound;
  readonly #loadNs: number;
  #hits = 0;

  /** @param belady exact; receives each event before this clock @param loadNs any load */
  constructor(belady: BeladyBound, loadNs: number) {
    this.#belady = belady;
    this.#loadNs = loadNs;
  }

  /** An event of `size` (at least 1) experts, of times {@link WORK}. */
  event(size: number, work: Float64Array): void {
    const { hits } = this.#belady;
    this.nowNs += onDemandNs(size, size - (hits - this.#hits), work[WORK.gpu]! / size, this.#loadNs);
    this.#hits = hits;
  }
}
