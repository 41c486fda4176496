// Least frequently used with perfect counts: they outlive residency, as in engines that count activations per expert.
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';
import { WinnerTree } from '../winner-tree.js';

class Lfu implements CachePolicy {
  readonly #uses: Float64Array;
  readonly #lastUse: Float64Array;
  readonly #tree: WinnerTree;
  #now = 0;

  constructor(experts: number) {
    this.#uses = new Float64Array(experts);
    this.#lastUse = new Float64Array(experts);
    this.#tree = new WinnerTree(experts);
  }

  touch(id: number): void {
    this.#tree.set(id, (this.#uses[id]! += 1), (this.#lastUse[id] = ++this.#now));
  }

  insert(id: number, used: boolean): void {
    if (used) this.touch(id);
    else this.#tree.set(id, this.#uses[id]!, this.#lastUse[id]!);
  }

  streamed(id: number): void {
    this.#uses[id]! += 1;
    this.#lastUse[id] = ++this.#now;
  }

  remove(id: number): void {
    this.#tree.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#tree.min(pins);
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
  parameters: {},
  needs: [],
  create: ({ experts }) => new Lfu(experts),
};
