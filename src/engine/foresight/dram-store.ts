// DRAM as a cache of the SSD, for clocks on demand: it is asked only for experts that the GPU misses.
import type { DemandBlock } from './demand-block.js';
import { BeladyMemory } from './on-demand-memory.js';

/** The experts in DRAM. */
export interface DramStore {
  begin(): void;
  end(): void;
  /** The event of demands [from, to) begins. */
  judged(from: number, to: number): void;
  /** True: DRAM holds the expert of a demand. False: it is read from the SSD, and kept where that is worth it. */
  ask(demand: number, from: number, to: number): boolean;
}

/** Keeps the experts that are demanded soonest. */
export class BeladyStore implements DramStore {
  readonly #memory: BeladyMemory;

  /** @param sizes bytes of each expert */
  constructor(block: DemandBlock, sizes: Float64Array, capacityBytes: number) {
    this.#memory = new BeladyMemory(block, sizes, capacityBytes, false);
  }

  begin(): void {
    this.#memory.begin();
  }

  end(): void {
    this.#memory.end();
  }

  judged(from: number, to: number): void {
    this.#memory.judged(from, to);
  }

  ask(demand: number): boolean {
    if (!this.#memory.missing.has(demand)) return true;
    this.#memory.admit(demand);
    return false;
  }
}

/** Keeps the experts that were asked for last. It counts its uses itself, since no block lists the misses of the GPU. */
export class LruStore implements DramStore {
  readonly #block: DemandBlock;
  readonly #sizes: Float64Array;
  readonly #capacityBytes: number;
  /** Residents, the one asked for longest ago first. */
  readonly #residents = new Set<number>();
  #usedBytes = 0;

  /** @param sizes bytes of each expert */
  constructor(block: DemandBlock, sizes: Float64Array, capacityBytes: number) {
    this.#block = block;
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
  }

  begin(): void {}

  end(): void {}

  judged(): void {}

  ask(demand: number, from: number, to: number): boolean {
    const id = this.#block.ids[demand]!;
    const held = this.#residents.delete(id);
    if (!held && !this.#makeRoom(this.#sizes[id]!, from, to)) return false;
    this.#residents.add(id);
    return held;
  }

  /** Makes room at the cost of those asked for longest ago, members of [from, to) excepted. */
  #makeRoom(bytes: number, from: number, to: number): boolean {
    if (bytes > this.#capacityBytes) return false;
    const members = this.#block.ids.subarray(from, to);
    for (const id of this.#residents) {
      if (this.#usedBytes + bytes <= this.#capacityBytes) break;
      if (members.includes(id)) continue;
      this.#residents.delete(id);
      this.#usedBytes -= this.#sizes[id]!;
    }
    if (this.#usedBytes + bytes > this.#capacityBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }
}
