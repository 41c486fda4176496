// MoE-Infinity's activation-aware cache: how often, how soon in layer order, and how much the present sequence uses an expert.
import type { CachePolicy, Pins, PolicyContext, PolicyDefinition } from '../policy.js';
import { ResidentSet } from '../resident-set.js';

class MoeInfinity implements CachePolicy {
  readonly #uses: Float64Array;
  /** Decayed uses as of `lastPass`: what the sequences that now run activate. */
  readonly #recent: Float64Array;
  readonly #lastPass: Float64Array;
  readonly #residents: ResidentSet;
  readonly #context: PolicyContext;
  readonly #halfLife: number;
  readonly #score: (id: number) => number;

  constructor(context: PolicyContext, halfLife: number) {
    this.#uses = new Float64Array(context.experts);
    this.#recent = new Float64Array(context.experts);
    this.#lastPass = new Float64Array(context.experts);
    this.#residents = new ResidentSet(context.experts);
    this.#context = context;
    this.#halfLife = halfLife;
    this.#score = (id) => this.#priority(id);
  }

  touch(id: number): void {
    this.#uses[id]! += 1;
    this.#recent[id] = this.#decayed(id) + 1;
    this.#lastPass[id] = this.#context.clock.pass;
  }

  streamed(id: number): void {
    this.touch(id);
  }

  insert(id: number, used: boolean): void {
    if (used) this.touch(id);
    this.#residents.add(id);
  }

  remove(id: number): void {
    this.#residents.delete(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.#residents.lowest(pins, this.#score);
  }

  #priority(id: number): number {
    const { clock, layers, layerOf, predicted } = this.#context;
    const ahead = (layerOf[id]! - clock.layer + layers - 1) % layers;
    const sequence = this.#decayed(id) + (predicted?.[id] ?? 0);
    return (this.#uses[id]! + 1) * (1 - ahead / (layers + 1)) * (sequence + 1e-3);
  }

  #decayed(id: number): number {
    return this.#recent[id]! * 2 ** ((this.#lastPass[id]! - this.#context.clock.pass) / this.#halfLife);
  }
}

/**
 * MoE-Infinity (arXiv 2401.14361): evicts the least uses x layer weight x sequence score. The layer weight falls linearly from the
 * next layer, 1, to the running one, which comes round last, 1 - (L - 1) / (L + 1). The sequence score, in the system the match of the
 * request's activation matrix with recorded ones, is here its uses decayed with `halfLife` passes, plus what a predictor expects.
 */
export const moeInfinity: PolicyDefinition = {
  name: 'moe-infinity',
  summary: 'evicts the least uses x nearness of the layer x recent activity',
  cites: 'MoE-Infinity, arXiv 2401.14361',
  parameters: { halfLife: { default: 64, description: 'passes after which recent activity counts half', min: 0.01 } },
  needs: [],
  takes: ['predicted'],
  create: (context, { halfLife }) => new MoeInfinity(context, Number(halfLife)),
};
