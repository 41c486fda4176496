// GPU with perfect knowledge: "aggressive" of Cao, Felten, Karlin and Li (SIGMETRICS 1995). An idle link fetches the
// next missing expert; the resident demanded last leaves, if later and worth it (`#before`). With a CPU, only timely
// fetches go ahead, and the CPU computes the rest.
import type { LinkSpec } from '../../hardware/door.js';
import { Awaited } from './awaited.js';
import type { DemandBlock } from './demand-block.js';
import { FutureMemory } from './future-memory.js';
import { type EventTimes, type KnowingGpu, type KnowingMachine, TIME } from './knowing-clock.js';
import { Lanes } from './lanes.js';

/** A memory, its link, and the link's look-ahead. */
interface Level {
  readonly memory: FutureMemory;
  readonly lanes: Lanes;
  /** Demands before this number are resident or in flight. */
  ahead: number;
  aheadEvent: number;
  /** True: no room until an event ends. */
  full: boolean;
}

/** GPU with experts fetched in time, as far as the link allows. */
export class ForesightGpu implements KnowingGpu {
  readonly #block: DemandBlock;
  readonly #times: Float64Array;
  readonly #machine: KnowingMachine;
  readonly #gpu: Level;
  readonly #dram: Level | null;
  readonly #awaited: Awaited;
  /** Demands of fetched experts, in order, modulo the length; demands of ended events are past. */
  readonly #fetched: Int32Array;
  /** Known routings of an earlier round, by event; null: first round. */
  readonly #expected: EventTimes | null;
  #inTime = 0;
  #fetches = 0;
  #past = 0;
  #started = false;

  /** @param times as {@link TIME} @param expected times of an earlier round beside a CPU; null: no earlier round */
  constructor(block: DemandBlock, times: Float64Array, machine: KnowingMachine, expected: EventTimes | null) {
    this.#expected = expected;
    this.#times = times;
    const { capacityBytes, dram, link, sizes } = machine;
    const level = (bytes: number, spec: LinkSpec): Level => ({
      memory: new FutureMemory(block, sizes, bytes),
      lanes: new Lanes(spec),
      ahead: 0,
      aheadEvent: 0,
      full: false,
    });
    this.#block = block;
    this.#machine = machine;
    this.#gpu = level(capacityBytes, link);
    this.#dram = dram === null ? null : level(dram.capacityBytes, dram.link);
    this.#awaited = new Awaited(sizes.length);
    let length = 1;
    while (length <= sizes.length) length *= 2;
    this.#fetched = new Int32Array(length);
  }

  begin(): void {
    for (const { memory } of this.#levels()) memory.begin();
    if (!this.#started && this.#machine.preloaded) this.#gpu.memory.preload();
    this.#started = true;
  }

  end(until: number): void {
    const gone = this.#block.starts[until]!;
    for (const level of this.#levels()) {
      level.memory.end();
      level.ahead = Math.max(0, level.ahead - gone);
      level.aheadEvent = Math.max(0, level.aheadEvent - until);
    }
    this.#inTime = 0;
    const fetched = this.#fetched;
    for (let i = this.#past; i < this.#fetches; i++) fetched[i & (fetched.length - 1)]! -= gone;
  }

  #levels(): readonly Level[] {
    return this.#dram === null ? [this.#gpu] : [this.#gpu, this.#dram];
  }

  run(event: number): void {
    const { starts, times } = this.#block;
    const clock = this.#times;
    const from = starts[event]!;
    const to = starts[event + 1]!;
    this.#prefetch(event, TIME.start);
    const late = this.#late(to);
    const first = this.#gpu.memory.missing.nextFrom(from, to);
    if (first < to || this.#machine.cpu) this.#load(event, first, late);
    else {
      const gpuNs = times[2 * event]!;
      let endNs = clock[TIME.known]! + (to - from - late) * gpuNs;
      if (late > 0) endNs = this.#awaited.execute(endNs, gpuNs);
      clock[TIME.end] = Math.max(clock[TIME.end]!, endNs);
    }
  }

  ended(event: number): void {
    const { starts } = this.#block;
    this.#prefetch(event + 1, TIME.known);
    // Members up to here were filed under past demands: none could leave.
    const to = starts[event + 1]!;
    this.#gpu.memory.used(to);
    this.#gpu.full = false;
    if (this.#dram === null) return;
    this.#dram.memory.missed(starts[event]!, to);
    this.#dram.memory.used(to);
    this.#dram.full = false;
  }

  /** Loads missing experts, if sooner or if it shortens the event. @param first missing demand @param late in flight */
  #load(event: number, first: number, late: number): void {
    const { starts, times } = this.#block;
    const { missing } = this.#gpu.memory;
    const clock = this.#times;
    const to = starts[event + 1]!;
    const gpuNs = times[2 * event]!;
    const cpuNs = times[2 * event + 1]!;
    const knownNs = clock[TIME.known]!;
    let cpuEndNs = knownNs + this.#machine.handoverNs;
    let hits = to - starts[event]! - late;
    let onCpu = 0;
    for (let d = first; d < to; d = missing.nextFrom(d + 1, to)) {
      hits--;
      // The CPU reads from the SSD as the GPU does.
      const fromNs = this.#dram === null ? knownNs : this.#intoDram(this.#dram, d, knownNs);
      const byCpuNs = Math.max(cpuEndNs, fromNs) + cpuNs;
      const readyNs = this.#loadOne(d, fromNs, byCpuNs - gpuNs);
      if (readyNs >= 0) this.#awaited.add(readyNs);
      else {
        cpuEndNs = byCpuNs;
        onCpu++;
      }
    }
    this.#gpu.memory.missed(first, to);
    while (this.#dram === null && hits > 0 && cpuEndNs + cpuNs < knownNs + hits * gpuNs) {
      cpuEndNs += cpuNs;
      hits--;
      onCpu++;
    }
    const endNs = this.#awaited.execute(knownNs + hits * gpuNs, gpuNs);
    clock[TIME.end] = Math.max(clock[TIME.end]!, onCpu > 0 ? Math.max(endNs, cpuEndNs) : endNs);
  }

  /** @returns in-flight fetches at the known routing, for demands before `to` */
  #late(to: number): number {
    const knownNs = this.#times[TIME.known]!;
    const fetched = this.#fetched;
    const mask = fetched.length - 1;
    const { arrivalNs } = this.#gpu.memory;
    let late = 0;
    while (this.#past < this.#fetches && fetched[this.#past & mask]! < to) {
      const ns = arrivalNs[this.#block.ids[fetched[this.#past++ & mask]!]!]!;
      if (ns <= knownNs) continue;
      this.#awaited.add(ns);
      late++;
    }
    return late;
  }

  /** @returns arrival, ns; -1: computed by the CPU by `orNs` */
  #loadOne(demand: number, fromNs: number, orNs: number): number {
    const { endNs } = this.#gpu.lanes.offer(this.#machine.sizes[this.#block.ids[demand]!]!, fromNs);
    return orNs <= endNs ? -1 : this.#take(this.#gpu, demand);
  }

  /** @returns arrival in DRAM, ns */
  #intoDram(dram: Level, demand: number, atNs: number): number {
    const id = this.#block.ids[demand]!;
    const { arrivalNs, missing } = dram.memory;
    if (!missing.has(demand)) return Math.max(atNs, arrivalNs[id]!);
    dram.lanes.offer(this.#machine.sizes[id]!, atNs);
    return this.#take(dram, demand);
  }

  #take({ lanes, memory }: Level, demand: number): number {
    const id = this.#block.ids[demand]!;
    const { endNs, startNs } = lanes.take();
    memory.atNs[0] = startNs;
    if (memory.makeRoom(id, this.#block.next[demand]! + 1)) {
      // Room may be made at once during execution: the expert was handed over, never kept.
      memory.missing.delete(demand);
      memory.insert(id, this.#block.next[demand]!);
      memory.arrivalNs[id] = endNs;
    }
    return endNs;
  }

  /** Free links fetch missing experts from event `least` on, in order, before the next {@link TIME}. */
  #prefetch(least: number, since: number): void {
    const untilNs = this.#times[since + 1]!;
    if (this.#dram !== null && !this.#dram.full && this.#dram.lanes.freeNs < untilNs) this.#fetch(this.#dram, null, least, since);
    if (!this.#gpu.full && this.#gpu.lanes.freeNs < untilNs) this.#fetch(this.#gpu, this.#dram, least, since);
  }

  /**
   * First later demand whose expert may leave for `demand`'s: late enough to hide the transfer's rest, at equal gaps.
   */
  #before({ aheadEvent, lanes, memory }: Level, demand: number, least: number, since: number): number {
    const { events, ids, limit, next, starts, times } = this.#block;
    const clock = this.#times;
    const gapNs = clock[TIME.known]! - clock[TIME.start]!;
    const gaps = aheadEvent - least + (since === TIME.known ? 1 : 0);
    let lackNs = lanes.durationNs(this.#machine.sizes[ids[demand]!]!) - (clock[since + 1]! - memory.atNs[0]!) - gaps * gapNs;
    for (let e = least; lackNs > 0 && e < aheadEvent; e++) lackNs -= (starts[e + 1]! - starts[e]!) * times[2 * e]!;
    if (lackNs <= 0) return starts[aheadEvent + 1]!;
    lackNs -= gapNs;
    let event = aheadEvent + 1;
    for (; lackNs >= 0 && event < events; event++) lackNs -= gapNs + (starts[event + 1]! - starts[event]!) * times[2 * event]!;
    return Math.min(lackNs < 0 ? starts[event]! : limit, next[demand]! + 1);
  }

  #expectedFrom(expected: EventTimes, ns: number, least: number, since: number): number {
    const { events } = this.#block;
    const running = since === TIME.start ? least : least - 1;
    const aheadNs = expected.at(running) - this.#times[TIME.known]!;
    let event = Math.max(this.#inTime, least);
    while (event > least && expected.at(event - 1) - aheadNs >= ns) event--;
    while (event < events && expected.at(event) - aheadNs < ns) event++;
    this.#inTime = event;
    return event;
  }

  /** {@link #fetch} with expected times, beside a CPU: timely fetches over later uses. */
  #fetchInTime(expected: EventTimes, least: number, since: number): void {
    const { lanes, memory } = this.#gpu;
    const { demands, events, ids, starts } = this.#block;
    const untilNs = this.#times[since + 1]!;
    for (;;) {
      const startNs = Math.max(lanes.freeNs, this.#times[since]!);
      if (startNs >= untilNs) return;
      let event = this.#expectedFrom(expected, startNs + lanes.durationNs(this.#machine.sizes[0]!), least, since);
      if (event === events) return;
      const demand = memory.missing.nextFrom(starts[event]!, demands);
      if (demand === demands) return;
      while (starts[event + 1]! <= demand) event++;
      const id = ids[demand]!;
      memory.atNs[0] = startNs;
      if (!memory.makeRoom(id, starts[event + 1]!)) {
        this.#gpu.full = true;
        return;
      }
      memory.insert(id, demand);
      memory.arrivalNs[id] = lanes.start(this.#machine.sizes[id]!, startNs);
      this.#fetched[this.#fetches++ & (this.#fetched.length - 1)] = demand;
    }
  }

  #fetch(level: Level, below: Level | null, least: number, since: number): void {
    if (this.#expected !== null) {
      this.#fetchInTime(this.#expected, least, since);
      return;
    }
    const { lanes, memory } = level;
    const { demands, ids, starts } = this.#block;
    const fromNs = this.#times[since]!;
    const untilNs = this.#times[since + 1]!;
    let demand = Math.max(level.ahead, starts[least]!);
    for (;;) {
      demand = memory.missing.nextFrom(demand, demands);
      level.ahead = demand;
      if (demand === demands) return;
      const id = ids[demand]!;
      let startNs = Math.max(lanes.freeNs, fromNs);
      if (below !== null) {
        if (below.memory.missing.has(demand)) return;
        startNs = Math.max(startNs, below.memory.arrivalNs[id]!);
      }
      if (startNs >= untilNs) return;
      while (starts[level.aheadEvent + 1]! <= demand) level.aheadEvent++;
      memory.atNs[0] = startNs;
      if (!memory.makeRoom(id, this.#before(level, demand, least, since))) {
        level.full = true;
        return;
      }
      memory.insert(id, demand);
      memory.arrivalNs[id] = lanes.start(this.#machine.sizes[id]!, startNs);
      if (below === null && level !== this.#gpu) continue;
      this.#fetched[this.#fetches++ & (this.#fetched.length - 1)] = demand;
    }
  }
}
