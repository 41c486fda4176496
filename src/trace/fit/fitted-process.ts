// Draws tokens from an estimated routing model: an exponential race among the experts of each layer.
import { Random } from '../../base/random.js';
import { NULL_EXPERT } from '../trace.js';
import { type Calibration, calibration, type Moments } from './calibrate.js';
import { LayerMemory, type LayerModel, REQUEST_GAP } from './routing-model.js';

/** Size of the noise table, a power of two. */
const NOISE = 1 << 16;

/** A token source with the interface of the synthetic process: {@link begin} a request, draw its rows with {@link next}. */
export class FittedProcess {
  /** Width of a row per layer. */
  readonly topK: number;
  readonly #calibration: Calibration;
  readonly #models: readonly LayerModel[];
  readonly #memories: readonly LayerMemory[];
  readonly #random: Random;
  readonly #noise: Float64Array;
  readonly #keys: Float64Array;
  #clock = 0;
  #opens = false;

  /**
   * @param fitted weights as estimated; they are copied, since steering moves them
   * @param topK width of a row per layer
   */
  constructor(fitted: readonly LayerModel[], targets: readonly Moments[], topK: number, seed: number) {
    const models = fitted.map((model) => ({
      ...model,
      bias: model.bias.slice(),
      ages: model.ages.slice(),
      memories: model.memories.slice(),
    }));
    this.#calibration = calibration(models, targets);
    this.topK = topK;
    this.#models = models;
    this.#memories = models.map((model) => new LayerMemory(model));
    this.#random = new Random(seed, 'trace/fitted/routing');
    // Gumbel noise: the k largest of score + noise are the k first of an exponential race with rates exp(score).
    this.#noise = Float64Array.from({ length: NOISE }, (_, i) => -Math.log(-Math.log((i + 0.5) / NOISE)));
    this.#keys = new Float64Array(topK);
  }

  /** Starts a request: uses in the one before become old, but are not forgotten. */
  begin(): void {
    this.#opens = true;
  }

  /** Writes the next token's row `[layers, topK]` to `ids` from `at`, in rank order. */
  next(ids: Uint16Array, at: number): void {
    this.#clock += this.#opens ? REQUEST_GAP : 1;
    this.#opens = false;
    let before = 0;
    for (let l = 0; l < this.#models.length; l++) {
      const { choices } = this.#models[l]!;
      const memory = this.#memories[l]!;
      const from = at + l * this.topK;
      memory.score(this.#clock, ids, from - this.topK, before);
      this.#race(memory.scores, choices, ids, from);
      for (let k = choices; k < this.topK; k++) ids[from + k] = NULL_EXPERT;
      this.#calibration.event(l, memory, ids, from, choices);
      memory.use(this.#clock, ids, from, choices);
      before = choices;
    }
    this.#calibration.token();
  }

  /** The `count` largest noisy scores, largest first. */
  #race(scores: Float64Array, count: number, ids: Uint16Array, from: number): void {
    const keys = this.#keys;
    let found = 0;
    for (let e = 0; e < scores.length; e++) {
      const key = scores[e]! + this.#noise[this.#random.uint32() & (NOISE - 1)]!;
      if (found === count && key <= keys[count - 1]!) continue;
      let place = found < count ? found++ : count - 1;
      for (; place > 0 && keys[place - 1]! < key; place--) {
        keys[place] = keys[place - 1]!;
        ids[from + place] = ids[from + place - 1]!;
      }
      keys[place] = key;
      ids[from + place] = e;
    }
  }
}
