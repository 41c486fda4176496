import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { WORK } from './demand-block.js';
import { EventWindow } from './event-window.js';
import { type FloorMark, FloorWork } from './floor.js';
import { ForesightGpu } from './foresight.js';
import { KnowingClock, type KnowingMachine } from './knowing-clock.js';
import { loadNsOf, OnDemandGpu, onDemandNs } from './on-demand.js';

/** Inputs of the bounds of one GPU. */
export interface KnownGpu {
  readonly machine: KnowingMachine;
  /** Over all layers, at the capacity of the machine. */
  readonly belady: BeladyBound;
  /** True: only this object passes events to it. */
  readonly own: boolean;
  /** Most experts that the memory holds. */
  readonly slots: number;
  /** Time for which one transfer of the smallest expert holds the whole link, ns. */
  readonly transferNs: number;
}

/** End of each pass, ns. */
export interface KnowledgeEnds {
  readonly lru: Float64Array;
  readonly belady: Float64Array;
  readonly foresight: Float64Array;
}

/** Speeds under a given knowledge (L19): LRU, Belady on demand, foresight, the floor; demands are recorded and replayed a little later. */
export class KnowledgeBounds {
  /** Times of the next event, see {@link WORK}. */
  readonly work = new Float64Array(4);
  readonly #gpus: readonly KnownGpu[];
  readonly #floors: readonly FloorWork[];
  readonly #window: EventWindow;
  /** Null: the run itself is LRU on demand. */
  readonly #lru: KnowingClock | null;
  /** Belady on demand: with the run, or a little later. */
  readonly #belady: BeladyClock | null;
  readonly #beladyLater: KnowingClock | null;
  readonly #beladyEnds: number[] = [];
  readonly #foresight: KnowingClock;

  /** @param runIsLru true: the run itself is LRU on demand, so it is not counted again */
  constructor(gpus: readonly KnownGpu[], runIsLru: boolean) {
    this.#gpus = gpus;
    this.#floors = gpus.map(({ belady, slots, transferNs }) => new FloorWork(belady, slots, transferNs));
    const window = new EventWindow(gpus.map(({ machine }) => machine.sizes.length));
    this.#window = window;
    const [{ belady, machine }] = gpus as [KnownGpu];
    const loadNs = gpus.length === 1 && belady.exact ? loadNsOf(machine) : 0;
    const onDemand = (knows: 'past' | 'future'): KnowingClock =>
      new KnowingClock(window, (block, clock, g) => new OnDemandGpu(block, clock, gpus[g]!.machine, knows));
    this.#lru = runIsLru ? null : onDemand('past');
    this.#belady = loadNs > 0 ? new BeladyClock(belady, loadNs) : null;
    this.#beladyLater = loadNs > 0 ? null : onDemand('future');
    this.#foresight = new KnowingClock(window, (block, clock, g) => new ForesightGpu(block, clock, gpus[g]!.machine));
  }

  get onCpu(): boolean {
    return this.#floors.some(({ onCpu }) => onCpu);
  }

  /** A moment from which a later floor is measured. */
  mark(): FloorMark[] {
    return this.#floors.map((floor) => floor.mark());
  }

  /** Least time of any run with the demand since these marks, ns; null: since the run began. */
  floorNs(marks: readonly FloorMark[] | null): number {
    return this.#floors.reduce((most, floor, gpu) => Math.max(most, floor.sinceNs(marks?.[gpu] ?? null)), 0);
  }

  dense(ns: number): void {
    for (let g = 0; g < this.#floors.length; g++) this.#floors[g]!.denseNs += ns;
    if (this.#belady !== null) this.#belady.nowNs += ns;
    this.#window.dense(ns);
  }

  /** Adds the demand of an event on a GPU, with its times in {@link work}. @param ids members by dense id, the first `size` entries */
  demand(gpu: number, layer: number, ids: Int32Array, size: number): void {
    if (gpu === 0 && !this.#window.fits(ids.length)) this.#replay(Math.min(...this.#window.blocks.map(({ most }) => most)));
    if (size > 0) {
      const { belady, own: isOwn } = this.#gpus[gpu]!;
      if (isOwn) belady.event(layer, ids, size);
      this.#floors[gpu]!.demand(size, this.work);
      if (this.#belady !== null) this.#belady.event(size, this.work);
    }
    this.#window.blocks[gpu]!.append(ids, size, this.work);
  }

  /** Ends an event whose demands on all GPUs have been added. */
  event(): void {
    this.#window.event(this.work);
  }

  passEnded(): void {
    if (this.#belady !== null) this.#beladyEnds.push(this.#belady.nowNs);
    this.#window.passEnded();
  }

  /** The end of each pass under each knowledge; the run has ended. @param passNs how long each pass of the run itself has taken, ns */
  ends(passNs: Float64Array): KnowledgeEnds {
    this.#replay(this.#window.events);
    return {
      lru: this.#lru?.ends() ?? sums(passNs),
      belady: this.#beladyLater?.ends() ?? Float64Array.from(this.#beladyEnds),
      foresight: this.#foresight.ends(),
    };
  }

  #replay(until: number): void {
    const clocks = [this.#lru, this.#beladyLater, this.#foresight].filter((clock) => clock !== null);
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
