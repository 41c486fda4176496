// The time of a run under perfect knowledge of what it demands: "aggressive" of Cao, Felten, Karlin and Li (A study of integrated
// prefetching and caching strategies, SIGMETRICS 1995). Whenever the link is idle it fetches the next missing expert in the order of
// execution, in the place of the one that is asked for last, if that is asked for later. What is demanded is recorded beside the run and
// replayed in blocks; no block knows of the next one.
import type { LinkSpec } from '../../hardware/spec.js';
import { Awaited } from './awaited.js';
import { DemandBlock } from './demand-block.js';
import { Lanes, type Offer } from './lanes.js';
import { ForesightMemory } from './memory.js';

/** What foresight has to work with. */
export interface ForesightMachine {
  /** Bytes of each expert, by dense id. */
  readonly sizes: Float64Array;
  readonly capacityBytes: number;
  readonly link: LinkSpec;
  /** DRAM as a cache of the SSD; null: it holds every expert. */
  readonly dram: { readonly capacityBytes: number; readonly link: LinkSpec } | null;
  /** True: the best experts may be resident before the first event. */
  readonly preloaded: boolean;
  /** Cost in ns, once per event, of handing activations to the CPU and back. */
  readonly handoverNs: number;
}

/** A memory, the link that fills it, and how far ahead that has looked. */
interface Level {
  readonly memory: ForesightMemory;
  readonly lanes: Lanes;
  /** Demand that is looked at next. */
  ahead: number;
  /** Event of it. */
  aheadEvent: number;
}

/** A clock beside the run, on which every expert is fetched in time, as far as the link can. */
export class Foresight {
  readonly #machine: ForesightMachine;
  readonly #block: DemandBlock;
  /** The GPU's memory; behind it DRAM, where that is a cache. */
  readonly #gpu: Level;
  readonly #dram: Level | null;
  readonly #first: Int32Array;
  readonly #awaited: Awaited;
  readonly #endsNs: number[] = [];
  #gapNs = 0;
  #nowNs = 0;
  #started = false;

  constructor(machine: ForesightMachine) {
    const { capacityBytes, dram, link, sizes } = machine;
    const level = (bytes: number, spec: LinkSpec): Level => ({
      memory: new ForesightMemory(sizes, bytes),
      lanes: new Lanes(spec),
      ahead: 0,
      aheadEvent: 0,
    });
    this.#machine = machine;
    this.#block = new DemandBlock(sizes.length);
    this.#gpu = level(capacityBytes, link);
    this.#dram = dram === null ? null : level(dram.capacityBytes, dram.link);
    this.#first = new Int32Array(sizes.length);
    this.#awaited = new Awaited(sizes.length);
  }

  /** The GPU works on what is no expert. */
  dense(ns: number): void {
    this.#gapNs += ns;
  }

  /**
   * An event.
   * @param ids members by dense id, the first `size` entries, at least one
   * @param gpuNs time of one of them on the GPU; each is taken to need as much as the others
   * @param cpuNs the same on the CPU; Infinity: they are not computed there
   */
  event(ids: Int32Array, size: number, gpuNs: number, cpuNs: number): void {
    if (!this.#block.fits(size)) this.#replay();
    this.#block.append(ids, size, this.#gapNs, gpuNs, cpuNs);
    this.#gapNs = 0;
  }

  /** A pass has ended. */
  passEnded(): void {
    const { passEvents, tailsNs, events } = this.#block;
    passEvents.push(events);
    tailsNs.push(this.#gapNs);
    this.#gapNs = 0;
  }

  /** End of each pass so far, on a clock without idle time between passes, ns. */
  passEnds(): readonly number[] {
    this.#replay();
    return this.#endsNs;
  }

  /** Replays the block, and begins a new one. */
  #replay(): void {
    const block = this.#block;
    const { demands, events, passEvents, tailsNs } = block;
    block.lookBack(this.#first);
    for (const level of this.#dram === null ? [this.#gpu] : [this.#gpu, this.#dram]) {
      level.ahead = level.aheadEvent = 0;
      level.memory.begin(block.ids, demands, this.#first);
    }
    if (!this.#started && this.#machine.preloaded) this.#preload();
    this.#started = true;
    let event = 0;
    for (let pass = 0; pass < passEvents.length; pass++) {
      for (const end = passEvents[pass]!; event < end; event++) this.#run(event);
      this.#nowNs += tailsNs[pass]!;
      this.#endsNs.push(this.#nowNs);
    }
    // A pass that the block ends within goes on in the next one.
    for (; event < events; event++) this.#run(event);
    block.clear();
  }

  /** One event, from the end of the one before. */
  #run(event: number): void {
    const { ids, next, starts, times } = this.#block;
    const { memory } = this.#gpu;
    const { arrivalNs, resident } = memory;
    const from = starts[event]!;
    const to = starts[event + 1]!;
    const gpuNs = times[3 * event + 1]!;
    const cpuNs = times[3 * event + 2]!;
    const startNs = this.#nowNs;
    const knownNs = startNs + times[3 * event]!;
    this.#prefetch(event, startNs, knownNs);
    let hits = 0;
    let onCpu = 0;
    let cpuEndNs = knownNs + this.#machine.handoverNs;
    for (let d = from; d < to; d++) {
      const id = ids[d]!;
      if (resident[id] === 1) {
        if (arrivalNs[id]! <= knownNs) hits++;
        else this.#awaited.add(arrivalNs[id]!);
        continue;
      }
      const readyNs = this.#load(d, knownNs, cpuEndNs + cpuNs - gpuNs);
      if (readyNs >= 0) this.#awaited.add(readyNs);
      else {
        cpuEndNs += cpuNs;
        onCpu++;
      }
    }
    let endNs = this.#awaited.execute(knownNs + hits * gpuNs, gpuNs);
    if (onCpu > 0) endNs = Math.max(endNs, cpuEndNs);
    this.#prefetch(event + 1, knownNs, endNs);
    // Until here members stood at demands that are past, so that none of them could leave.
    for (let d = from; d < to; d++) {
      memory.nextIs(ids[d]!, next[d]!);
      this.#dram?.memory.nextIs(ids[d]!, next[d]!);
    }
    this.#nowNs = endNs;
  }

  /**
   * Loads an expert that the running event waits for, from where it lies; it stays where that is worth it.
   * @param demand of the running event
   * @param orNs the CPU would be as far by then
   * @returns when it is there, ns; -1: the CPU computes it
   */
  #load(demand: number, atNs: number, orNs: number): number {
    const bytes = this.#machine.sizes[this.#block.ids[demand]!]!;
    const fromNs = this.#dram === null ? atNs : this.#intoDram(this.#dram, demand, atNs);
    const offer = this.#gpu.lanes.offer(bytes, fromNs);
    return orNs <= offer.endNs ? -1 : this.#take(this.#gpu, demand, offer);
  }

  /** When an expert that the running event demands is in DRAM, ns; it is read from the SSD where it is not. */
  #intoDram(dram: Level, demand: number, atNs: number): number {
    const id = this.#block.ids[demand]!;
    const { arrivalNs, resident } = dram.memory;
    if (resident[id] === 1) return Math.max(atNs, arrivalNs[id]!);
    return this.#take(dram, demand, dram.lanes.offer(this.#machine.sizes[id]!, atNs));
  }

  /** Takes what a link has offered; the expert stays where that is worth it. @returns when it is there, ns */
  #take({ lanes, memory }: Level, demand: number, { endNs, startNs }: Offer): number {
    const id = this.#block.ids[demand]!;
    lanes.take();
    if (memory.makeRoom(id, this.#block.next[demand]! + 1, startNs)) memory.insert(id, demand, endNs);
    return endNs;
  }

  /** Lets links that are free before `untilNs` fetch what is missing for event `least` and those after it, in their order. */
  #prefetch(least: number, fromNs: number, untilNs: number): void {
    if (this.#dram !== null) this.#fetch(this.#dram, null, least, fromNs, untilNs);
    this.#fetch(this.#gpu, this.#dram, least, fromNs, untilNs);
  }

  #fetch(level: Level, below: Level | null, least: number, fromNs: number, untilNs: number): void {
    const { lanes, memory } = level;
    const { demands, ids, starts } = this.#block;
    const { resident } = memory;
    // Most often the link is still busy: then nobody needs to look what is missing.
    if (lanes.freeNs >= untilNs) return;
    let demand = Math.max(level.ahead, starts[least]!);
    for (;;) {
      while (demand < demands && resident[ids[demand]!] === 1) demand++;
      level.ahead = demand;
      if (demand === demands) return;
      const id = ids[demand]!;
      let startNs = Math.max(lanes.freeNs, fromNs);
      if (below !== null) {
        if (below.memory.resident[id] === 0) return;
        startNs = Math.max(startNs, below.memory.arrivalNs[id]!);
      }
      if (startNs >= untilNs) return;
      while (starts[level.aheadEvent + 1]! <= demand) level.aheadEvent++;
      // Who is asked for in the same event is as near.
      if (!memory.makeRoom(id, starts[level.aheadEvent + 1]!, startNs)) return;
      memory.insert(id, demand, lanes.start(this.#machine.sizes[id]!, startNs));
    }
  }

  /** Fills the cache with what is asked for first. */
  #preload(): void {
    const first = this.#first;
    const { memory } = this.#gpu;
    const order = Array.from(first.keys()).sort((a, b) => first[a]! - first[b]!);
    for (const id of order) if (memory.makeRoom(id, Number.POSITIVE_INFINITY, 0)) memory.insert(id, first[id]!, 0);
  }
}
