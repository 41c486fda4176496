import { member } from '../../base/members.js';
import { DecayedCounts, RESCALE } from '../decayed-counts.js';
import { Keyed } from '../keyed.js';
import type { PolicyContext, PolicyDefinition } from '../policy.js';
import { mostPopular } from '../share.js';

class LfuDecay extends Keyed {
  protected readonly keys: Float64Array;
  readonly #counts: DecayedCounts;
  /** Absent: all are admitted. */
  readonly admits?: (incoming: number, victim: number) => boolean;
  /** All experts by popularity; absent: an empty start. */
  readonly preload?: () => Iterable<number>;

  constructor(context: PolicyContext, halfLife: number, hysteresis: number, warm: boolean) {
    super(context);
    this.#counts = new DecayedCounts(context.experts, halfLife, context.clock);
    this.keys = this.#counts.weight;
    if (warm) this.preload = () => mostPopular(context.popularity!);
    if (hysteresis > 0) {
      const { keys } = this;
      this.admits = (incoming, victim) => keys[incoming]! > (1 + hysteresis) * keys[victim]!;
    }
  }

  streamed(id: number): void {
    if (this.#counts.settle()) this.tree.scale(RESCALE);
    this.#counts.add(id);
  }
}

/**
 * LFU with counts that halve every `halfLife` passes and outlive residency, so that the cache follows the topic (Lee et
 * al., "LRFU", IEEE TC 50(12), 2001); 128 tokens is llama.cpp's. `hysteresis`: a swap must be worth its transfer
 * (llama.cpp PR 26563).
 */
export const lfuDecay: PolicyDefinition = {
  ...member('policy', 'lfu-decay'),
  needs: ['popularity'],
  needsWith: ({ start }) => (start === 'popularity' ? ['popularity'] : []),
  create: (context, { halfLife, hysteresis, start }) => new LfuDecay(context, Number(halfLife), Number(hysteresis), start === 'popularity'),
};
