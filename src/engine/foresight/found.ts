import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { WORK } from './demand-block.js';
import { EventWindow } from './event-window.js';
import { ForesightGpu } from './foresight.js';
import { KnowingClock, type KnowingMachine } from './knowing-clock.js';
import { loadNsOf, OnDemandGpu, onDemandNs } from './on-demand.js';

/** Inputs of the schedules on one GPU. */
export interface FoundGpu {
  readonly machine: KnowingMachine;
  /** Over all layers, at the capacity of the machine; it receives each event before the schedules do. */
  readonly belady: BeladyBound;
}

/** End of each pass, ns. */
export interface FoundEnds {
  readonly lru: Float64Array;
  readonly belady: Float64Array;
  /** Of each schedule with the future known. */
  readonly knowing: readonly Float64Array[];
}

/** Demands up to which schedules are counted by default: some .3 s. Ours: 1,365 tokens of Qwen3, 10,000 of a small model. */
const UNASKED = 1 << 19;

/** Rounds of foresight beside a CPU, each with the start times of the round before. Ours: a third one gains .2 % on the cells of docs/moeprof.md. */
const ROUNDS = 2;

/** Speeds under a given knowledge (L19): LRU, Belady on demand, and schedules with the future known; demands are replayed a little later. */
export class FoundSchedules {
  /** Times of the next event, see {@link WORK}. */
  readonly work = new Float64Array(4);
  readonly #window: EventWindow;
  /** Demands that may still come; below 0: the run is too long. */
  #left: number;
  /** Null: the run itself is LRU on demand. */
  readonly #lru: KnowingClock | null;
  /** Belady on demand: with the run, or a little later. */
  readonly #belady: BeladyClock | null;
  readonly #beladyLater: KnowingClock | null;
  readonly #beladyEnds: number[] = [];
  readonly #knowing: readonly KnowingClock[];

  /** @param runIsLru true: the run itself is LRU on demand, so it is not counted again @param unbounded true: however long the run is */
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

  /** Adds the demand of an event on a GPU, with its times in {@link work}. @param ids members by dense id, the first `size` entries */
  demand(gpu: number, ids: Int32Array, size: number): void {
    this.#left -= size;
    if (this.#left < 0) return;
    if (gpu === 0 && !this.#window.fits(ids.length)) this.#replay(Math.min(...this.#window.blocks.map(({ most }) => most)));
    if (size > 0 && this.#belady !== null) this.#belady.event(size, this.work);
    this.#window.blocks[gpu]!.append(ids, size, this.work);
  }

  /** Ends an event whose demands on all GPUs have been added. */
  event(): void {
    if (this.#left >= 0) this.#window.event(this.work);
  }

  passEnded(): void {
    if (this.#left < 0) return;
    if (this.#belady !== null) this.#beladyEnds.push(this.#belady.nowNs);
    this.#window.passEnded();
  }

  /** The end of each pass under each knowledge; the run has ended. @param passNs of each pass of the run itself @returns null: it was too long */
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

/** Time under Belady on demand on one GPU whose loads all take equally long: the Belady bound (L15) counts the misses of an event already. */
class BeladyClock {
  /** Without idle time between passes. */
  nowNs = 0;
  readonly #belady: BeladyBound;
  readonly #loadNs: number;
  #hits = 0;

  /** @param belady exact; it receives each event before this clock does @param loadNs time of any load */
  constructor(belady: BeladyBound, loadNs: number) {
    this.#belady = belady;
    this.#loadNs = loadNs;
  }

  /** An event of `size` experts, at least one, see {@link WORK}. */
  event(size: number, work: Float64Array): void {
    const { hits } = this.#belady;
    this.nowNs += onDemandNs(size, size - (hits - this.#hits), work[WORK.gpu]! / size, this.#loadNs);
    this.#hits = hits;
  }
}
