import { DecayedCounts, RESCALE } from '../decayed-counts.js';
import { Keyed } from '../keyed.js';
import { type PolicyContext, policy } from '../policy.js';
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
 * LFU with counts that halve every `halfLife` passes and outlive residency; 128
 * tokens is llama.cpp's. `hysteresis`: a swap must be worth its transfer (llama.cpp PR 26563).
 */
export const lfuDecay = policy({
  name: 'lfu-decay',
  summary: 'evicts the expert with the smallest decayed count of uses',
  cites: 'Lee et al., "LRFU: a spectrum of policies", IEEE Transactions on Computers 50(12), 2001; llama.cpp expert cache',
  parameters: {
    halfLife: { default: 128, min: 0.01, description: 'passes after which a use counts half' },
    start: {
      default: 'empty',
      values: ['empty', 'popularity'],
      description: 'what lies in it before the run: nothing, or what is popular',
    },
    hysteresis: {
      default: 0,
      min: 0,
      description: "by how much a newcomer's count must exceed its victim's, 0.5: by half; 0: all are admitted",
    },
  },
  needs: ['popularity'],
  needsWith: ({ start }) => (start === 'popularity' ? ['popularity'] : []),
  create: (context, { halfLife, hysteresis, start }) => new LfuDecay(context, halfLife, hysteresis, start === 'popularity'),
});
