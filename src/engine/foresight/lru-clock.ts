// The time of a run under LRU on demand, over all layers: what headroom is measured from. It ticks beside the run's own clock.
import { Awaited } from './awaited.js';
import type { ForesightMachine } from './foresight.js';
import { Lanes } from './lanes.js';

/** Residents of one memory by their last use. */
class LruMemory {
  readonly resident: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #capacityBytes: number;
  /** By dense id: number of its last use. */
  readonly #lastUse: Int32Array;
  /** Uses in their order, by number modulo the length; those that were not the last of their expert are passed over. */
  readonly #uses: Int32Array;
  readonly #mask: number;
  #newest = 0;
  #oldest = 0;
  #usedBytes = 0;

  constructor(sizes: Float64Array, capacityBytes: number) {
    this.resident = new Uint8Array(sizes.length);
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
    this.#lastUse = new Int32Array(sizes.length).fill(-1);
    let length = 4096;
    while (length < 4 * sizes.length) length *= 2;
    this.#uses = new Int32Array(length);
    this.#mask = length - 1;
  }

  /** Number of the next use: members of the running event were used at it or later. */
  get now(): number {
    return this.#newest;
  }

  /** A resident is used. */
  touch(id: number): void {
    if (this.#newest - this.#oldest > this.#mask) this.#compact();
    this.#uses[this.#newest & this.#mask] = id;
    this.#lastUse[id] = this.#newest++;
  }

  /**
   * Takes an expert in, unless only members of the event could leave for it.
   * @param since number of the event's first use
   */
  admit(id: number, since: number): void {
    const bytes = this.#sizes[id]!;
    while (this.#usedBytes + bytes > this.#capacityBytes) {
      this.#pass();
      if (this.#oldest >= since) return;
      const victim = this.#uses[this.#oldest++ & this.#mask]!;
      this.resident[victim] = 0;
      this.#usedBytes -= this.#sizes[victim]!;
    }
    this.resident[id] = 1;
    this.#usedBytes += bytes;
    this.touch(id);
  }

  /** Moves the oldest end on to a last use of a resident. */
  #pass(): void {
    const uses = this.#uses;
    const mask = this.#mask;
    let oldest = this.#oldest;
    while (oldest < this.#newest) {
      const id = uses[oldest & mask]!;
      if (this.#lastUse[id] === oldest && this.resident[id] === 1) break;
      oldest++;
    }
    this.#oldest = oldest;
  }

  /** Numbers the last uses of residents anew, without gaps, up to the newest. */
  #compact(): void {
    const uses = this.#uses;
    const mask = this.#mask;
    let to = this.#newest;
    for (let from = this.#newest - 1; from >= this.#oldest; from--) {
      const id = uses[from & mask]!;
      if (this.#lastUse[id] !== from || this.resident[id] === 0) continue;
      uses[--to & mask] = id;
      this.#lastUse[id] = to;
    }
    this.#oldest = to;
  }
}

/** The clock. */
export class LruClock {
  /** Without idle time between passes. */
  nowNs = 0;
  readonly #sizes: Float64Array;
  readonly #gpu: LruMemory;
  readonly #lanes: Lanes;
  readonly #dram: LruMemory | null;
  readonly #ssd: Lanes | null;
  readonly #handoverNs: number;
  readonly #awaited: Awaited;

  constructor({ capacityBytes, dram, handoverNs, link, sizes }: ForesightMachine) {
    this.#sizes = sizes;
    this.#gpu = new LruMemory(sizes, capacityBytes);
    this.#lanes = new Lanes(link);
    this.#dram = dram === null ? null : new LruMemory(sizes, dram.capacityBytes);
    this.#ssd = dram === null ? null : new Lanes(dram.link);
    this.#handoverNs = handoverNs;
    this.#awaited = new Awaited(sizes.length);
  }

  /** One event, whose routing is known now: as {@link Foresight.event}. */
  event(ids: Int32Array, size: number, gpuNs: number, cpuNs: number): void {
    const gpu = this.#gpu;
    const since = gpu.now;
    const dramSince = this.#dram?.now ?? 0;
    const knownNs = this.nowNs;
    let hits = 0;
    let cpuEndNs = knownNs + this.#handoverNs;
    let onCpu = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      if (gpu.resident[id] === 1) {
        gpu.touch(id);
        hits++;
        continue;
      }
      const bytes = this.#sizes[id]!;
      const offer = this.#lanes.offer(bytes, this.#inDram(id, knownNs, dramSince));
      if (cpuEndNs + cpuNs - gpuNs <= offer.endNs) {
        cpuEndNs += cpuNs;
        onCpu++;
        continue;
      }
      this.#lanes.take();
      this.#awaited.add(offer.endNs);
      gpu.admit(id, since);
    }
    const endNs = this.#awaited.execute(knownNs + hits * gpuNs, gpuNs);
    this.nowNs = onCpu > 0 ? Math.max(endNs, cpuEndNs) : endNs;
  }

  /** When an expert is in DRAM, ns; it is read from the SSD where it is not. */
  #inDram(id: number, atNs: number, since: number): number {
    const dram = this.#dram;
    if (dram === null) return atNs;
    if (dram.resident[id] === 1) {
      dram.touch(id);
      return atNs;
    }
    const { endNs } = this.#ssd!.offer(this.#sizes[id]!, atNs);
    this.#ssd!.take();
    dram.admit(id, since);
    return endNs;
  }
}
