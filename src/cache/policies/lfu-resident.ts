// Least frequently used with counts that die with residency, as general cache simulators have it. On MoE routing it freezes on the
// experts that came first: newcomers start at one and are the next victims. Kept for comparison; runtimes mean `lfu`.
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';
import { WinnerTree } from '../winner-tree.js';

class LfuResident implements CachePolicy {
  readonly #uses: Float64Array;
  readonly #tree: WinnerTree;
  #now = 0;

  constructor(experts: number) {
    this.#uses = new Float64Array(experts);
    this.#tree = new WinnerTree(experts);
  }

  touch(id: number): void {
    this.#tree.set(id, (this.#uses[id]! += 1), ++this.#now);
  }

  insert(id: number, used: boolean): void {
    this.#tree.set(id, (this.#uses[id] = used ? 1 : 0), ++this.#now);
  }

  remove(id: number): void {
    this.#tree.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#tree.min(pins);
  }
}

/** In-cache LFU (Aggarwal, Wolf and Yu, 1999; libCacheSim's LFU); ties go to the least recently used. No parameters. */
export const lfuResident: PolicyDefinition = {
  name: 'lfu-resident',
  summary: 'evicts the expert used least often since it became resident, ties by least recent use',
  cites: 'Aggarwal, Wolf and Yu, "Caching on the World Wide Web", IEEE TKDE 11(1), 1999; libCacheSim',
  parameters: {},
  needs: [],
  create: ({ experts }) => new LfuResident(experts),
};
