import { sigmoid } from '../../base/log-odds.js';
import { formatCount } from '../../base/units.js';
import type { ModelSpec } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { evidenceOf, FILE, IDS, KEPT_PATHS, needsOf, PARTS, partsCost, REACH } from '../evidence/evidence-kinds.js';
import { Mixture } from '../evidence/mixture.js';
import type { Evidence, WeightedEvidence } from '../evidence.js';
import { COST, predictor, trainedOn } from '../predictor.js';

/** Stride of checked tokens, at each layer. Ours. */
const STRIDE = 3;
/**
 * Checks with larger corrections after a drift, by {@link BOOST}. Ours, for a change of text; on unchanged text, one
 * layer ahead, a boost of 1 gains up to 2.5 points of recall on four traces, 6 loses up to 1.3 (evidence.ts).
 */
const BOOSTED = 4096;
/** Factor of corrections after a drift. Ours. */
const BOOST = 3;

/**
 * Step of a correction, log-odds. Fitted on Qwen3-30B-A3B, trained on 3,000 tokens of code, recall one layer ahead: the
 * ensemble has .651 on other code and .564 on mathematics; steps of .02 give .670 and .599, .05 .667 and .591, .15 .654
 * and .577. With expert-map (.701 and .654), .02 gives .707 and .664, .05 .693 and .652, .15 .672 and .636.
 */
const RATE = 0.02;

/** Lookup of mistakes, ns per token and expert scored; as EVIDENCE_NS. */
const MEMORY_NS = 1.5;

class Adaptive extends Mixture {
  readonly #memory: ErrorMemory;
  readonly #rate: number;
  readonly #drift = new DriftDetector();
  #checked = 0;
  #boostedUntil = 0;
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

  /** Starts the run: drifts between training traces do not count. */
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

/** The ensemble, corrected by recent errors, with a drift test: for text unlike the training text. */
export const adaptive = predictor({
  name: 'adaptive',
  summary: 'the ensemble, corrected by its recent mistakes and watched for drift',
  cites: 'error memory of ReLoop2, arXiv 2306.08808; Page-Hinkley test for drift',
  parameters: {
    parts: PARTS,
    reach: REACH,
    ids: IDS,
    paths: KEPT_PATHS,
    file: FILE,
    rate: { default: RATE, description: 'size of one correction, in log-odds', min: 0, max: 2 },
    costNs: COST,
  },
  needsWith: needsOf,
  cost: (parameters, folder) => partsCost(parameters, folder, MEMORY_NS),
  async create(context, parameters) {
    const evidence = await evidenceOf(context, parameters);
    const predictor = trainedOn(new Adaptive(context.model, evidence, parameters.rate), context.training);
    predictor.trained();
    return predictor;
  },
});

/**
 * Share of a correction left at each occurrence of the key. Ours: .84 costs `adaptive` .2 to 1.7 points of recall
 * (evidence.ts), .96 -.2 to .35.
 */
const FADING = 0.92;

/** Corrections of log-odds (ReLoop2), by layer and the token's first expert a layer before. */
class ErrorMemory implements Evidence {
  readonly #model: ModelSpec;
  /** First row of each layer: a row for no knowledge, then for each expert of the layer before. */
  readonly #start: Float64Array;
  readonly #corrections: Float32Array;
  /** Size of a correction step; larger after a drift. */
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

  /** {@link correct} learns from the whole prediction instead. */
  learn(): void {}

  /** Down the gradient of the log-loss. @param logits corrected prediction of `layer` with layer - 1 known */
  correct(pass: Pass, token: number, layer: number, logits: Float64Array): void {
    const { experts } = this.#model.layers[layer]!;
    const row = this.#row(pass, token, layer - 1, layer);
    const corrections = this.#corrections;
    for (let e = 0; e < experts; e++) corrections[row + e] = FADING * corrections[row + e]! - this.rate * sigmoid(logits[e]!);
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) corrections[row + pass.chosen[i]!]! += this.rate;
  }

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

// All three ours; effect: test/predict/parts.test.ts.

/** Tolerated excess over the mean, in units of surprise (0 to 1). */
const TOLERANCE = 0.02;
/** Accumulated excess of a drift: fifty observations 0.1 above the mean, or twenty 0.22 above. */
const THRESHOLD = 4;
/** Observations before any judgement. */
const WARM_UP = 128;

/** Page-Hinkley drift test: sums the loss beyond mean and tolerance (Page, Biometrika 41, 1954; Hinkley, 58, 1971). */
export class DriftDetector {
  #count = 0;
  #mean = 0;
  #sum = 0;
  #lowest = 0;

  /** @param surprise prediction error, 0 (perfect) to 1 @returns true: a drift; the test starts over */
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
