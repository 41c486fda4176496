import { sigmoid } from '../../base/log-odds.js';
import { member } from '../../base/members.js';
import { formatCount } from '../../base/units.js';
import type { ModelSpec } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { evidenceOf, FILE, IDS, KEPT_PATHS, needsOf, PARTS, partsCost, REACH } from '../evidence/evidence-kinds.js';
import { Mixture } from '../evidence/mixture.js';
import type { Evidence, WeightedEvidence } from '../evidence.js';
import { COST, type PredictorDefinition, trainedOn } from '../predictor.js';

/** One token in this many is checked, at each layer, against its prediction. */
const STRIDE = 3;
/**
 * Checks during which corrections are larger after a drift, and how much larger. Ours, for a change of text; on unchanged text it costs: one layer
 * ahead, a boost of 1 gains up to 2.5 points of recall on four traces (see evidence/evidence.ts), one of 6 loses up to 1.3.
 */
const BOOSTED = 4096;
const BOOST = 3;

/**
 * Log-odds of one correction. Fitted on Qwen3-30B-A3B, trained on 3,000 tokens of code, recall one layer ahead: the ensemble has .651 on other code
 * and .564 on mathematics, with corrections of .02 it has .670 and .599, of .05 .667 and .591, of .15 .654 and .577. If expert-map is among the parts
 * (.701 and .654) .02 gives .707 and .664, .05 .693 and .652, and .15 loses: .672 and .636.
 */
const RATE = 0.02;

/** Time of looking up its mistakes, ns per token and expert scored; as EVIDENCE_NS. */
const MEMORY_NS = 1.5;

class Adaptive extends Mixture {
  readonly #memory: ErrorMemory;
  readonly #rate: number;
  readonly #drift = new DriftDetector();
  #checked = 0;
  #boostedUntil = 0;
  /** Sum of the surprise over the checked layers of the running pass, and their number. */
  #surprise = 0;
  #layers = 0;
  #drifts = 0;
  #firstDrift = 0;
  #trained = false;

  constructor(model: ModelSpec, weighted: readonly WeightedEvidence[], rate: number) {
    const memory = new ErrorMemory(model, rate);
    super(model, [...weighted, { evidence: memory, weight: 1 }]);
    this.#memory = memory;
    this.#rate = rate;
  }

  override observe(pass: Pass, layer: number): void {
    if (layer > 0) for (let token = (pass.number + layer) % STRIDE; token < pass.tokens; token += STRIDE) this.#check(pass, token, layer);
    if (layer === this.model.layers.length - 1 && this.#layers > 0) this.#watch(pass);
    super.observe(pass, layer);
  }

  /** Starts the run: drifts count only from here on, not between training traces. */
  trained(): void {
    this.#trained = true;
  }

  override warnings(): readonly Warning[] {
    if (this.#drifts === 0) return super.warnings();
    return [
      ...super.warnings(),
      {
        code: 'routing-drift',
        message:
          `The routing drifted away from what the predictor had learned (${formatCount(this.#drifts)} times, first at pass ${formatCount(this.#firstDrift)}); ` +
          'it was corrected from its recent mistakes. Train it on text like this, or expect the beginning of each new kind of text to be slow.',
      },
    ];
  }

  #check(pass: Pass, token: number, layer: number): void {
    const logits = this.logits(pass, token, layer - 1, layer);
    this.#memory.rate = this.#checked++ < this.#boostedUntil ? BOOST * this.#rate : this.#rate;
    const count = pass.listChosen(token, layer);
    let hit = 0;
    for (let i = 0; i < count; i++) hit += sigmoid(logits[pass.chosen[i]!]!);
    if (count > 0) {
      this.#surprise += 1 - hit / count;
      this.#layers++;
    }
    this.#memory.correct(pass, token, layer, logits);
  }

  #watch(pass: Pass): void {
    if (this.#drift.observe(this.#surprise / this.#layers)) {
      this.#boostedUntil = this.#checked + BOOSTED;
      if (this.#trained && this.#drifts++ === 0) this.#firstDrift = pass.number;
    }
    this.#surprise = 0;
    this.#layers = 0;
  }
}

/** Adaptive: the ensemble with corrections from its recent errors, and a drift test, for runs whose text differs from the training text. */
export const adaptive: PredictorDefinition = {
  ...member('predictor', 'adaptive', {
    parts: PARTS,
    reach: REACH,
    ids: IDS,
    paths: KEPT_PATHS,
    file: FILE,
    rate: { default: RATE, description: 'size of one correction, in log-odds', min: 0, max: 2 },
    costNs: COST,
  }),
  needsWith: needsOf,
  cost: (parameters, folder) => partsCost(parameters, folder, MEMORY_NS),
  async create(context, parameters) {
    const evidence = await evidenceOf(context, parameters);
    const predictor = trainedOn(new Adaptive(context.model, evidence, Number(parameters.rate)), context.training);
    predictor.trained();
    return predictor;
  },
};

/** Share of a correction left each time its key occurs. Ours: .84 costs `adaptive` .2 to 1.7 points of recall (evidence.ts), .96 -.2 to .35. */
const FADING = 0.92;

/** Corrections of log-odds at once after an error (ReLoop2), by layer and the token's first expert a layer before. */
class ErrorMemory implements Evidence {
  readonly #model: ModelSpec;
  /** Rows of layer l start at `#start[l]`: one of `experts[l]` for each expert of the layer before, and one for "nothing known". */
  readonly #start: Float64Array;
  readonly #corrections: Float32Array;
  /** Size of a correction step; raised while the routing drifts. */
  rate: number;

  constructor(model: ModelSpec, rate: number) {
    this.#model = model;
    this.rate = rate;
    this.#start = new Float64Array(model.layers.length);
    let size = 0;
    for (const { index, experts } of model.layers) {
      this.#start[index] = size;
      size += (1 + (model.layers[index - 1]?.experts ?? 0)) * experts;
    }
    this.#corrections = new Float32Array(size);
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    const { experts } = this.#model.layers[layer]!;
    const row = this.#row(pass, token, after, layer);
    for (let e = 0; e < experts; e++) into[e]! += weight * this.#corrections[row + e]!;
    return true;
  }

  /** Corrections are learned from the whole prediction, by {@link correct}. */
  learn(): void {}

  /** Moves the corrections of a token's prediction down the gradient of the log-loss. @param logits of `layer` when layer - 1 was known, corrected */
  correct(pass: Pass, token: number, layer: number, logits: Float64Array): void {
    const { experts } = this.#model.layers[layer]!;
    const row = this.#row(pass, token, layer - 1, layer);
    const corrections = this.#corrections;
    for (let e = 0; e < experts; e++) corrections[row + e] = FADING * corrections[row + e]! - this.rate * sigmoid(logits[e]!);
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) corrections[row + pass.chosen[i]!]! += this.rate;
  }

  /** The row of a token's first expert at the layer before; one row for all tokens if that is unknown. */
  #row(pass: Pass, token: number, after: number, layer: number): number {
    const { experts } = this.#model.layers[layer]!;
    let key = 0;
    if (layer > 0 && after === layer - 1) {
      const first = pass.choices[token * pass.row + after * pass.topK]!;
      if (first !== NULL_EXPERT) key = first + 1;
    }
    return this.#start[layer]! + key * experts;
  }
}

// All three are ours; test/predict/parts.test.ts tests their effect.

/** Tolerated excess over the mean, in units of surprise (0 to 1). */
const TOLERANCE = 0.02;
/** Accumulated excess that counts as drift: fifty observations that are 0.1 worse than the mean, or twenty that are 0.22 worse. */
const THRESHOLD = 4;
/** Observations before anything is judged. */
const WARM_UP = 128;

/** Detects drift by a Page-Hinkley test: the loss beyond mean and tolerance adds up (Page, Biometrika 41, 1954; Hinkley, 58, 1971). */
export class DriftDetector {
  #count = 0;
  #mean = 0;
  #sum = 0;
  #lowest = 0;

  /** Takes one observation. @param surprise how badly a token was predicted, 0 (perfectly) to 1 @returns true: a drift; the test starts over */
  observe(surprise: number): boolean {
    this.#count++;
    this.#mean += (surprise - this.#mean) / this.#count;
    if (this.#count < WARM_UP) return false;
    this.#sum += surprise - this.#mean - TOLERANCE;
    if (this.#sum < this.#lowest) this.#lowest = this.#sum;
    if (this.#sum - this.#lowest < THRESHOLD) return false;
    this.#count = 0;
    this.#mean = 0;
    this.#sum = 0;
    this.#lowest = 0;
    return true;
  }
}
