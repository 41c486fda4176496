import { DemandBits } from './demand-bits.js';
import type { DemandBlock } from './demand-block.js';
import { FutureMemory } from './future-memory.js';

/** LRU or Belady's MIN with bypass, for bound clocks. Demands are numbered by block. */
export interface OnDemandMemory {
  readonly missing: DemandBits;
  begin(): void;
  end(until: number): void;
  /** Judges the event of demands [from, to); misses stay only if admitted. @returns misses */
  judged(from: number, to: number): number;
  admitAll(from: number, to: number): void;
  /** Admits a missed expert if worth it. @param from @param to demands of the event */
  admit(demand: number, from: number, to: number): void;
}

/** DRAM as a cache of the SSD, for misses of the GPU. Absent methods: no work. */
export interface DramStore extends Partial<Pick<OnDemandMemory, 'begin' | 'end' | 'judged'>> {
  /** False: an SSD read, kept if worth it. */
  ask(demand: number, from: number, to: number): boolean;
}

/** Evicts the expert with the farthest next demand. */
export class BeladyMemory implements OnDemandMemory, DramStore {
  readonly missing: DemandBits;
  readonly #block: DemandBlock;
  readonly #memory: FutureMemory;
  /** True: the best experts still enter before the first event. */
  #preloads: boolean;

  constructor(block: DemandBlock, sizes: Float64Array, capacityBytes: number, preloaded: boolean) {
    this.#block = block;
    this.#memory = new FutureMemory(block, sizes, capacityBytes);
    this.missing = this.#memory.missing;
    this.#preloads = preloaded;
  }

  begin(): void {
    this.#memory.begin();
    if (this.#preloads) this.#memory.preload();
    this.#preloads = false;
  }

  end(): void {
    this.#memory.end();
  }

  judged(from: number, to: number): number {
    const misses = this.#memory.missed(from, to);
    this.#memory.used(to);
    return misses;
  }

  admitAll(from: number, to: number): void {
    const { missing } = this;
    for (let d = missing.nextFrom(from, to); d < to; d = missing.nextFrom(d + 1, to)) this.admit(d);
  }

  admit(demand: number): void {
    const { ids, next } = this.#block;
    const id = ids[demand]!;
    if (this.#memory.makeRoom(id, next[demand]! + 1)) this.#memory.insert(id, next[demand]!);
  }

  ask(demand: number): boolean {
    if (!this.missing.has(demand)) return true;
    this.admit(demand);
    return false;
  }
}

/** Evicts the least recently used expert: oldest use in the block without a later use yet. */
export class LruMemory implements OnDemandMemory {
  readonly missing: DemandBits;
  readonly #block: DemandBlock;
  readonly #sizes: Float64Array;
  /** Bytes of any expert; 0: unequal sizes. */
  readonly #alikeBytes: number;
  readonly #capacityBytes: number;
  #usedBytes = 0;
  /** Residents at the block's begin, oldest first, their first demands, and number passed. */
  #before: readonly number[] = [];
  #beforeFirst = new Int32Array(0);
  #passed = 0;
  #oldest = 0;

  constructor(block: DemandBlock, sizes: Float64Array, capacityBytes: number) {
    this.#block = block;
    this.#sizes = sizes;
    this.#alikeBytes = sizes.every((bytes) => bytes === sizes[0]) ? sizes[0]! : 0;
    this.#capacityBytes = capacityBytes;
    this.missing = new DemandBits(block.limit + sizes.length);
  }

  begin(): void {
    const { first } = this.#block;
    const { missing } = this;
    missing.clear();
    for (const demand of first) missing.add(demand);
    this.#beforeFirst = Int32Array.from(this.#before, (id) => first[id]!);
    for (const demand of this.#beforeFirst) missing.delete(demand);
    this.#passed = this.#oldest = 0;
  }

  end(until: number): void {
    const from = this.#block.starts[until]!;
    const residents: number[] = [];
    for (let demand = this.#victim(from, from); demand >= 0; demand = this.#victim(from, from))
      residents.push(this.#block.expertOf(demand));
    this.#before = residents;
  }

  judged(from: number, to: number): number {
    return this.missing.addNext(from, to, this.#block.next);
  }

  admitAll(from: number, to: number): void {
    const { missing } = this;
    for (let d = missing.nextFrom(from, to); d < to; d = missing.nextFrom(d + 1, to)) this.admit(d, from, to);
  }

  admit(demand: number, from: number, to: number): void {
    const { ids, next } = this.#block;
    const bytes = this.#sizes[ids[demand]!]!;
    if (bytes > this.#capacityBytes) return;
    while (this.#usedBytes + bytes > this.#capacityBytes) {
      const victim = this.#victim(from, to);
      if (victim < 0) return;
      this.#usedBytes -= this.#alikeBytes || this.#sizes[this.#block.expertOf(victim)]!;
      this.missing.add(victim);
    }
    this.#usedBytes += bytes;
    this.missing.delete(next[demand]!);
  }

  /** @returns next demand of the least recently used resident outside [from, to); -1: no resident */
  #victim(from: number, to: number): number {
    const { next } = this.#block;
    const { missing } = this;
    while (this.#passed < this.#beforeFirst.length) {
      const demand = this.#beforeFirst[this.#passed++]!;
      if (demand >= to) return demand;
    }
    let oldest = this.#oldest;
    while (oldest < from) {
      const demand = next[oldest++]!;
      if (demand < to || missing.has(demand)) continue;
      this.#oldest = oldest;
      return demand;
    }
    this.#oldest = oldest;
    return -1;
  }
}

/** LRU over its own uses: no block lists the GPU's misses. */
export class LruStore implements DramStore {
  readonly #block: DemandBlock;
  readonly #sizes: Float64Array;
  readonly #capacityBytes: number;
  readonly #residents = new Set<number>();
  #usedBytes = 0;

  constructor(block: DemandBlock, sizes: Float64Array, capacityBytes: number) {
    this.#block = block;
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
  }

  ask(demand: number, from: number, to: number): boolean {
    const id = this.#block.ids[demand]!;
    const held = this.#residents.delete(id);
    if (!held && !this.#makeRoom(this.#sizes[id]!, from, to)) return false;
    this.#residents.add(id);
    return held;
  }

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
