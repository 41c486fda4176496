import { type Clock, type PolicyContext, policy } from '../policy.js';
import { CountedResidents } from '../scored-residents.js';

/** Bits of a double; the second word begins with the exponent. */
const BITS = new Float64Array(1);
const WORDS = new Int32Array(BITS.buffer);
/** log2(1 + passes). */
const WAITS = Float64Array.from({ length: 1024 }, (_, passes) => Math.log2(1 + passes));

class RecencyFrequency extends CountedResidents {
  /** Pass of each expert's last use, or of arrival. */
  readonly #last: Float64Array;
  readonly #clock: Clock;
  protected readonly score: (id: number, least: number) => number;

  constructor(context: PolicyContext, halfLife: number, recency: number) {
    super(context, halfLife);
    this.#last = new Float64Array(context.experts);
    this.#clock = context.clock;
    this.score = (id, least) => {
      const { unit, weight } = this.counts;
      const wait = this.#clock.pass - this.#last[id]!;
      const recent = -recency * (wait < WAITS.length ? WAITS[wait]! : Math.log2(1 + wait));
      const uses = 1 + weight[id]! / unit;
      BITS[0] = uses;
      // Exponent and fraction: at most .09 below the logarithm, which most residents do not need.
      const less = WORDS[1]! * 2 ** -20 - 1023 - 1e-9 + recent;
      return less > least ? less : Math.log2(uses) + recent;
    };
  }

  override touch(id: number): void {
    super.touch(id);
    this.#last[id] = this.#clock.pass;
  }

  override insert(id: number, used: boolean): void {
    this.#last[id] = this.#clock.pass;
    super.insert(id, used);
  }
}

/**
 * Evicts the least log2(1 + decayed uses) - recency x log2(1 + passes since the last use), from the inputs of
 * FlashMoE's network. Recency: ratio of logistic weights for Belady's order on first fifths of mini-finegrained-64x12l,
 * mini-mixtral-8x8l, Qwen3-30B-A3B (code, mathematics), gpt-oss-20b: .42, .24, .42, .35, 1.0; default: the median.
 * Half-life: llama.cpp's.
 */
export const recencyFrequency = policy({
  name: 'recency-frequency',
  summary: 'evicts the expert whose recency and frequency, weighed as learned from recorded routing, promise least',
  cites: 'FlashMoE, arXiv 2601.17063',
  parameters: {
    halfLife: { default: 128, min: 0.01, description: 'passes after which a use counts half' },
    recency: {
      default: 0.42,
      min: 0,
      max: 100,
      description: 'what twice as long a wait counts, in doublings of the count of uses',
    },
  },
  create: (context, { halfLife, recency }) => new RecencyFrequency(context, halfLife, recency),
});
