// Draws tokens from an estimated routing model: an exponential race among the experts of each layer.
import { Random } from '../../base/random.js';
import { NULL_EXPERT } from '../trace.js';
import { calibration, type Moments } from './calibrate.js';
import { LayerMemory, type LayerModel, REQUEST_GAP } from './routing-model.js';

/** Size of the noise table, a power of two. */
const NOISE = 1 << 16;

/**
 * A token source with the interface of the synthetic process: `begin` a request, draw its rows with `next`.
 * @param fitted weights as estimated; they are copied, since steering moves them
 * @param topK width of a row per layer
 */
export function fittedProcess(fitted: readonly LayerModel[], targets: readonly Moments[], topK: number, seed: number) {
  const models = fitted.map((model) => ({
    ...model,
    bias: model.bias.slice(),
    ages: model.ages.slice(),
    memories: model.memories.slice(),
  }));
  const steering = calibration(models, targets);
  const memories = models.map((model) => new LayerMemory(model));
  const random = new Random(seed, 'trace/fitted/routing');
  // Gumbel noise: the k largest of score + noise are the k first of an exponential race with rates exp(score).
  const noise = Float64Array.from({ length: NOISE }, (_, i) => -Math.log(-Math.log((i + 0.5) / NOISE)));
  const keys = new Float64Array(topK);
  let clock = 0;
  let opens = false;
  /** The `count` largest noisy scores, largest first. */
  const race = (scores: Float64Array, count: number, ids: Uint16Array, from: number): void => {
    let found = 0;
    for (let e = 0; e < scores.length; e++) {
      const key = scores[e]! + noise[random.uint32() & (NOISE - 1)]!;
      if (found === count && key <= keys[count - 1]!) continue;
      let place = found < count ? found++ : count - 1;
      for (; place > 0 && keys[place - 1]! < key; place--) {
        keys[place] = keys[place - 1]!;
        ids[from + place] = ids[from + place - 1]!;
      }
      keys[place] = key;
      ids[from + place] = e;
    }
  };
  return {
    /** Starts a request: uses in the one before become old, but are not forgotten. */
    begin(): void {
      opens = true;
    },
    /** Writes the next token's row `[layers, topK]` to `ids` from `at`, in rank order. */
    next(ids: Uint16Array, at: number): void {
      clock += opens ? REQUEST_GAP : 1;
      opens = false;
      let before = 0;
      for (const [l, { choices }] of models.entries()) {
        const memory = memories[l]!;
        const from = at + l * topK;
        memory.score(clock, ids, from - topK, before);
        race(memory.scores, choices, ids, from);
        for (let k = choices; k < topK; k++) ids[from + k] = NULL_EXPERT;
        steering.event(l, memory, ids, from, choices);
        memory.use(clock, ids, from, choices);
        before = choices;
      }
      steering.token();
    },
  };
}
