// Least frequently used with counts that fade: a use of long ago counts less than one of now, so that the cache follows the topic.
import type { CachePolicy, Clock, Pins, PolicyContext, PolicyDefinition } from '../policy.js';
import { mostResidents } from '../share.js';
import { WinnerTree } from '../winner-tree.js';

class LfuDecay implements CachePolicy {
  /** log2 of the sum over uses of 2^(pass / halfLife): ages together, so that the order never changes by itself. */
  readonly #weight: Float64Array;
  readonly #tree: WinnerTree;
  readonly #clock: Clock;
  readonly #halfLife: number;

  constructor(context: PolicyContext, halfLife: number) {
    const { experts, clock } = context;
    this.#weight = new Float64Array(experts).fill(-1e300);
    this.#tree = new WinnerTree(experts, mostResidents(context));
    this.#clock = clock;
    this.#halfLife = halfLife;
  }

  touch(id: number): void {
    this.streamed(id);
    this.#tree.update(id, this.#weight[id]!);
  }

  streamed(id: number): void {
    const before = this.#weight[id]!;
    const use = this.#clock.pass / this.#halfLife;
    // log2(2^a + 2^b) = max + log2(1 + 2^-|a - b|); `use` is never below the latest use, so it is near or above `before`.
    this.#weight[id] = Math.max(before, use) + Math.log2(1 + 2 ** -Math.abs(before - use));
  }

  insert(id: number, used: boolean): void {
    if (used) this.streamed(id);
    this.#tree.add(id, this.#weight[id]!);
  }

  remove(id: number): void {
    this.#tree.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#tree.min(pins);
  }
}

/**
 * Exponentially decayed counts (Lee et al., "LRFU", IEEE TC 50(12), 2001, with one use halving its weight every `halfLife` passes).
 * 128 tokens is the half-life of llama.cpp's expert cache. Counts outlive residency.
 */
export const lfuDecay: PolicyDefinition = {
  name: 'lfu-decay',
  summary: 'evicts the expert with the smallest decayed count of uses',
  cites: 'Lee et al., "LRFU: a spectrum of policies", IEEE Transactions on Computers 50(12), 2001; llama.cpp expert cache',
  parameters: { halfLife: { default: 128, description: 'passes after which a use counts half', min: 1e-3 } },
  needs: [],
  create: (context, { halfLife }) => new LfuDecay(context, Number(halfLife)),
};
