import { member } from '../../base/members.js';
import { FrequencyList } from '../frequency-list.js';
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';

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

/**
 * In-cache LFU (Aggarwal, Wolf and Yu, 1999; libCacheSim's LFU), for comparison: counts that end with residency freeze
 * on the first experts. Ties to the least recently used. No parameters.
 */
export const lfuResident: PolicyDefinition = { ...member('policy', 'lfu-resident'), create: ({ experts }) => new LfuResident(experts) };

/**
 * Perfect LFU (Breslau et al., INFOCOM 1999), the LFU of runtimes: counts outlive residency; ties to the least recently
 * used.
 */
export const lfu: PolicyDefinition = { ...member('policy', 'lfu'), create: ({ experts }) => new Lfu(experts) };
