import type { ModelSpec } from '../../model/door.js';
import type { Predictor } from '../../predict/predictor.js';
import type { Pass } from '../../schedule/door.js';
import { PredictedUse } from '../lookahead/predicted-use.js';
import { copyLayer, type Shard } from '../memory/shard.js';

/** Called once per whole pass; each GPU plans and ranks its own experts. */
export class SharedPredictions {
  readonly predictor: Predictor;
  readonly model: ModelSpec;
  /** By whole-model id. */
  readonly scores: Float32Array;
  /** Null: unused by policies. */
  readonly predictedUse: PredictedUse | null;
  calls = 0;
  #observedPass = 0;
  #observedLayer = -1;
  #pass = 0;
  #after = Number.NaN;
  #drafted = 0;
  #horizon = 0;

  constructor(predictor: Predictor, model: ModelSpec, shown: boolean) {
    this.predictor = predictor;
    this.model = model;
    this.scores = new Float32Array(model.experts);
    this.predictedUse = shown ? new PredictedUse(model) : null;
  }

  /** Learns from a layer at the first call only. */
  observe(pass: Pass, layer: number): void {
    if (pass.number === this.#observedPass && layer === this.#observedLayer) return;
    this.#observedPass = pass.number;
    this.#observedLayer = layer;
    this.predictor.observe(pass, layer);
    this.predictedUse?.done(pass, layer, this.predictor);
  }

  predict(pass: Pass, after: number, horizon: number): void {
    const same = pass.number === this.#pass && pass.drafted === this.#drafted;
    if (same && after === this.#after && horizon === this.#horizon) return;
    this.#pass = pass.number;
    this.#drafted = pass.drafted;
    this.#after = after;
    this.#horizon = horizon;
    const { calls } = this.predictor;
    this.predictor.predict(pass, after, horizon, this.scores);
    if (calls === undefined || this.predictor.calls !== calls) this.calls++;
    if (this.predictedUse !== null)
      for (let layer = after + 1; layer <= after + horizon; layer++) this.predictedUse.ahead(layer, this.scores);
  }
}

/** Shared predictions for a GPU. A replica sees m of n tokens: probability p becomes 1 - (1 - p)^(m/n). */
export class ShardPredictor implements Predictor {
  calls = 0;
  readonly #shared: SharedPredictions;
  readonly #shard: Shard;
  #share = 1;
  #pass = 0;
  #seen = 0;

  constructor(shared: SharedPredictions, shard: Shard) {
    this.#shared = shared;
    this.#shard = shard;
  }

  get drafts(): true | undefined {
    return this.#shared.predictor.drafts;
  }

  get network(): Predictor['network'] {
    return this.#shared.predictor.network;
  }

  observe(pass: Pass, layer: number): void {
    this.#shared.observe(pass, layer);
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    this.#shared.predict(pass, after, horizon);
    if (this.#shared.calls !== this.#seen) this.calls++;
    this.#seen = this.#shared.calls;
    this.#count(pass);
    for (let layer = after + 1; layer <= after + horizon; layer++) {
      copyLayer(this.#shard, layer, this.#shared.scores, scores);
      if (this.#share < 1) for (const id of this.#shard.replicas[layer]!) scores[id] = 1 - (1 - scores[id]!) ** this.#share;
    }
  }

  #count({ gpu, number, tokens }: Pass): void {
    if (number === this.#pass) return;
    this.#pass = number;
    let count = 0;
    for (let token = 0; token < tokens; token++) if (gpu[token] === this.#shard.gpu) count++;
    this.#share = count / tokens;
  }
}

class ShardPredictedUse extends PredictedUse {
  readonly #whole: PredictedUse;
  readonly #shard: Shard;

  constructor(whole: PredictedUse, shard: Shard) {
    super(shard.model);
    this.#whole = whole;
    this.#shard = shard;
  }

  override ahead(layer: number): void {
    this.#copy(layer);
  }

  override done(_pass: Pass, layer: number): void {
    this.#copy(layer);
  }

  #copy(layer: number): void {
    copyLayer(this.#shard, layer, this.#whole.predicted, this.predicted);
    this.version[layer]! += 1;
  }
}

/** @param shown true: policies see predictions */
export function sharedPredictions(predictor: Predictor, model: ModelSpec, shown: boolean) {
  const shared = new SharedPredictions(predictor, model, shown);
  return (shard: Shard | null) => ({
    predictor: new ShardPredictor(shared, shard!),
    predictedUse: shared.predictedUse === null ? null : new ShardPredictedUse(shared.predictedUse, shard!),
  });
}
