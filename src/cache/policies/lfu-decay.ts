// Least frequently used with counts that fade: a use of long ago counts less than one of now, so that the cache follows the topic.
import { DecayedCounts, RESCALE } from '../decayed-counts.js';
import type { CachePolicy, Pins, PolicyContext, PolicyDefinition } from '../policy.js';
import { mostPopular, mostResidents } from '../share.js';
import { WinnerTree } from '../winner-tree.js';

class LfuDecay implements CachePolicy {
  readonly #counts: DecayedCounts;
  readonly #tree: WinnerTree;
  /** Refuses newcomers that are not used enough; absent: all are admitted. */
  readonly admits?: (incoming: number, victim: number) => boolean;
  /** All experts, most popular first; absent: it starts empty. */
  readonly preload?: () => Iterable<number>;

  constructor(context: PolicyContext, halfLife: number, hysteresis: number, warm: boolean) {
    this.#counts = new DecayedCounts(context.experts, halfLife, context.clock);
    this.#tree = new WinnerTree(context.experts, mostResidents(context));
    if (warm) this.preload = () => mostPopular(context.popularity!);
    if (hysteresis > 0) {
      const { weight } = this.#counts;
      this.admits = (incoming, victim) => weight[incoming]! > (1 + hysteresis) * weight[victim]!;
    }
  }

  touch(id: number): void {
    this.streamed(id);
    this.#tree.update(id, this.#counts.weight[id]!);
  }

  streamed(id: number): void {
    if (this.#counts.settle()) this.#tree.scale(RESCALE);
    this.#counts.add(id);
  }

  insert(id: number, used: boolean): void {
    if (used) this.streamed(id);
    this.#tree.add(id, this.#counts.weight[id]!);
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
 * 128 tokens is the half-life of llama.cpp's expert cache. Counts outlive residency. `hysteresis`
 * keeps experts from changing places for every use: a swap has to be worth its transfer (llama.cpp PR 26563).
 */
export const lfuDecay: PolicyDefinition = {
  name: 'lfu-decay',
  summary: 'evicts the expert with the smallest decayed count of uses',
  cites: 'Lee et al., "LRFU: a spectrum of policies", IEEE Transactions on Computers 50(12), 2001; llama.cpp expert cache',
  parameters: {
    halfLife: { default: 128, description: 'passes after which a use counts half', min: 0.01 },
    start: {
      default: 'empty',
      description: 'what lies in it before the run: nothing, or what is popular',
      values: ['empty', 'popularity'],
    },
    hysteresis: {
      default: 0,
      description: "by how much a newcomer's count must exceed its victim's, 0.5: by half; 0: all are admitted",
      min: 0,
    },
  },
  needs: ['popularity'],
  needsWith: ({ start }) => (start === 'popularity' ? ['popularity'] : []),
  create: (context, { halfLife, hysteresis, start }) => new LfuDecay(context, Number(halfLife), Number(hysteresis), start === 'popularity'),
};
