// Least frequently used with counts that fade: a use of long ago counts less than one of now, so that the cache follows the topic.
import type { CachePolicy, Clock, Pins, PolicyContext, PolicyDefinition } from '../policy.js';
import { mostResidents } from '../share.js';
import { WinnerTree } from '../winner-tree.js';

/** Weights are scaled down by this much before they grow out of range: 2^512 of the 2^1023 that a number can hold. */
const RESCALE = 2 ** -512;

class LfuDecay implements CachePolicy {
  /** Sum over uses of 2^(pass / halfLife), in units that grow: all age together, so that their order never changes by itself. */
  readonly #weight: Float64Array;
  readonly #tree: WinnerTree;
  readonly #clock: Clock;
  readonly #growth: number;
  /** Weight of a use in pass `#pass`. */
  #use = 1;
  #pass = 0;

  constructor(context: PolicyContext, halfLife: number) {
    this.#weight = new Float64Array(context.experts);
    this.#tree = new WinnerTree(context.experts, mostResidents(context));
    this.#clock = context.clock;
    this.#growth = 2 ** (1 / halfLife);
  }

  touch(id: number): void {
    this.streamed(id);
    this.#tree.update(id, this.#weight[id]!);
  }

  streamed(id: number): void {
    if (this.#clock.pass !== this.#pass) this.#age();
    this.#weight[id]! += this.#use;
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

  /** Instead of all weights fading, those of new uses grow. Scaling by a power of two is exact; the oldest fade to zero. */
  #age(): void {
    for (; this.#pass < this.#clock.pass; this.#pass++) {
      this.#use *= this.#growth;
      if (this.#use <= 1 / RESCALE) continue;
      this.#use *= RESCALE;
      for (let id = 0; id < this.#weight.length; id++) this.#weight[id]! *= RESCALE;
      this.#tree.scale(RESCALE);
    }
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
  parameters: { halfLife: { default: 128, description: 'passes after which a use counts half', min: 0.01 } },
  needs: [],
  create: (context, { halfLife }) => new LfuDecay(context, Number(halfLife)),
};
