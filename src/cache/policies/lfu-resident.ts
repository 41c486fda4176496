// Least frequently used with counts that die with residency, as general cache simulators have it. On MoE routing it freezes on the
// experts that came first: newcomers start at one and are the next victims. Kept for comparison; runtimes mean `lfu`.
import { FrequencyList } from '../frequency-list.js';
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';

class LfuResident implements CachePolicy {
  readonly #residents: FrequencyList;

  constructor(experts: number) {
    this.#residents = new FrequencyList(experts);
  }

  touch(id: number): void {
    this.#residents.increment(id);
  }

  insert(id: number, used: boolean): void {
    this.#residents.add(id, used ? 1 : 0);
  }

  remove(id: number): void {
    this.#residents.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#residents.min(pins);
  }
}

/** In-cache LFU (Aggarwal, Wolf and Yu, 1999; libCacheSim's LFU); ties go to the least recently used. No parameters. */
export const lfuResident: PolicyDefinition = {
  name: 'lfu-resident',
  summary: 'evicts the expert used least often since it became resident, ties by least recent use',
  cites: 'Aggarwal, Wolf and Yu, "Caching on the World Wide Web", IEEE TKDE 11(1), 1999; libCacheSim',
  create: ({ experts }) => new LfuResident(experts),
};
