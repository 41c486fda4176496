// Least frequently used with perfect counts: they outlive residency, as in engines that count activations per expert.
import { FrequencyList } from '../frequency-list.js';
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';

class Lfu implements CachePolicy {
  readonly #uses: Float64Array;
  readonly #residents: FrequencyList;

  constructor(experts: number) {
    this.#uses = new Float64Array(experts);
    this.#residents = new FrequencyList(experts);
  }

  touch(id: number): void {
    this.#uses[id]! += 1;
    this.#residents.increment(id);
  }

  insert(id: number, used: boolean): void {
    if (used) this.#uses[id]! += 1;
    this.#residents.add(id, this.#uses[id]!);
  }

  streamed(id: number): void {
    this.#uses[id]! += 1;
  }

  remove(id: number): void {
    this.#residents.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#residents.min(pins);
  }
}

/**
 * Perfect LFU (Breslau et al., INFOCOM 1999): counts are kept for all experts, resident or not; ties go to the least recently used.
 * No parameters. Its opposite, whose counts die with residency, is `lfu-resident`.
 */
export const lfu: PolicyDefinition = {
  name: 'lfu',
  summary: 'evicts the expert used least often since the start, ties by least recent use',
  cites: 'Breslau et al., "Web caching and Zipf-like distributions", INFOCOM 1999',
  create: ({ experts }) => new Lfu(experts),
};
