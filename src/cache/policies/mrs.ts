import { Keyed } from '../keyed.js';
import { type PolicyContext, policy } from '../policy.js';

class Mrs extends Keyed {
  /** ln of the score plus decay since pass 0: the order of two experts changes only at a use. */
  protected readonly keys: Float64Array;
  readonly #context: PolicyContext;
  readonly #source: Float32Array;
  readonly #alpha: number;
  readonly #decayPerPass: number;

  constructor(context: PolicyContext, source: Float32Array, alpha: number) {
    super(context);
    this.#context = context;
    this.#source = source;
    this.#alpha = alpha;
    this.#decayPerPass = -Math.log(1 - alpha);
    this.keys = new Float64Array(context.experts).fill(-1e300);
  }

  streamed(id: number): void {
    // In logs, as of pass 0: S e^(d p) becomes S e^(d p) + alpha score e^(d p'), d = -ln(1 - alpha).
    const before = this.keys[id]!;
    const added = Math.log(Math.max(1e-9, this.#alpha * this.#source[id]!)) + this.#decayPerPass * this.#context.clock.pass;
    const larger = Math.max(before, added);
    this.keys[id] = larger + Math.log1p(Math.exp(-Math.abs(before - added)));
  }
}

/**
 * Minus recent score of HybriMoE: S = alpha x TopP(score) + (1 - alpha) x S per pass, the smallest leaves. TopP is the
 * top k of the trace, not 2 k. `score=predicted` replaces gate weights by predicted probabilities.
 */
export const mrs = policy({
  name: 'mrs',
  summary: 'evicts the expert with the smallest decayed sum of gate scores',
  cites: 'MRS of HybriMoE, arXiv 2504.05897',
  parameters: {
    alpha: { default: 0.1, min: 0.001, max: 0.999, description: 'weight of the newest score against those before' },
    score: {
      default: 'weights',
      values: ['weights', 'predicted'],
      description: 'gate weights of the trace, or predicted probabilities',
    },
  },
  needs: ['weights'],
  needsWith: ({ score }) => (score === 'weights' ? ['weights'] : ['predicted']),
  create(context, { alpha, score }) {
    return new Mrs(context, score === 'weights' ? context.gates! : context.predicted!, alpha);
  },
});
