import { FrequencyList } from '../frequency-list.js';
import { type CachePolicy, type Pins, policy } from '../policy.js';

class LfuResident implements CachePolicy {
  protected readonly residents: FrequencyList;

  constructor(experts: number) {
    this.residents = new FrequencyList(experts);
  }

  touch(id: number): void {
    this.residents.increment(id);
  }

  insert(id: number, used: boolean): void {
    this.residents.add(id, used ? 1 : 0);
  }

  remove(id: number): void {
    this.residents.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.residents.min(pins);
  }
}

class Lfu extends LfuResident {
  readonly #uses: Float64Array;

  constructor(experts: number) {
    super(experts);
    this.#uses = new Float64Array(experts);
  }

  override touch(id: number): void {
    this.#uses[id]! += 1;
    this.residents.increment(id);
  }

  override insert(id: number, used: boolean): void {
    if (used) this.#uses[id]! += 1;
    this.residents.add(id, this.#uses[id]!);
  }

  streamed(id: number): void {
    this.#uses[id]! += 1;
  }
}

/** Counts that end with residency freeze on the first experts. Ties to the least recently used. */
export const lfuResident = policy({
  name: 'lfu-resident',
  summary: 'evicts the expert used least often since it became resident, ties by least recent use',
  cites: 'Aggarwal, Wolf and Yu, "Caching on the World Wide Web", IEEE TKDE 11(1), 1999; libCacheSim',
  create: ({ experts }) => new LfuResident(experts),
});

/** Perfect LFU, the LFU of runtimes: counts outlive residency; ties to the least recently used. */
export const lfu = policy({
  name: 'lfu',
  summary: 'evicts the expert used least often since the start, ties by least recent use',
  cites: 'Breslau et al., "Web caching and Zipf-like distributions", INFOCOM 1999',
  create: ({ experts }) => new Lfu(experts),
});
