import { type PolicyContext, policy } from '../policy.js';
import { CountedResidents } from '../scored-residents.js';

/** Least sequence score, so that long unused experts keep some worth. Ours. */
const LEAST = 1e-3;

class MoeInfinity extends CountedResidents {
  readonly #uses: Float64Array;
  readonly #context: PolicyContext;
  readonly #nearness: Float64Array;
  protected readonly score: (id: number) => number;

  constructor(context: PolicyContext, halfLife: number) {
    const { experts, layers } = context;
    super(context, halfLife);
    this.#uses = new Float64Array(experts);
    this.#context = context;
    this.#nearness = Float64Array.from({ length: layers }, (_, ahead) => 1 - ahead / (layers + 1));
    this.score = (id) => this.#priority(id);
  }

  override touch(id: number): void {
    this.#uses[id]! += 1;
    super.touch(id);
  }

  #priority(id: number): number {
    const { clock, layers, layerOf, predicted } = this.#context;
    const ahead = layerOf[id]! - clock.layer - 1;
    const expected = predicted === null ? 0 : predicted[id]!;
    const sequence = this.counts.weight[id]! / this.counts.unit + expected;
    return (this.#uses[id]! + 1) * this.#nearness[ahead < 0 ? ahead + layers : ahead]! * (sequence + LEAST);
  }
}

/**
 * MoE-Infinity: evicts the least uses x layer weight x sequence score. The weight falls linearly from the next layer,
 * 1, to the running layer, 1 - (L - 1) / (L + 1); the score is uses decayed by `halfLife` passes, plus a predictor's
 * expectation.
 */
export const moeInfinity = policy({
  name: 'moe-infinity',
  summary: 'evicts the least uses x nearness of the layer x recent activity',
  cites: 'MoE-Infinity, arXiv 2401.14361',
  parameters: { halfLife: { default: 64, min: 0.01, description: 'passes after which recent activity counts half' } },
  takes: ['predicted'],
  create: (context, { halfLife }) => new MoeInfinity(context, halfLife),
});
