// The run's predictor as schedulers see it: a second instance of the same kind, trained alike, that learns from the same passes. So questions
// of a scheduler about tokens that may run later do not change the predictions for prefetching and caching.

import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import { Pass, type PassLearner, type PathForecast, type Request } from '../../schedule/door.js';
import type { RunPlan } from './plan.js';
import { predictorFor, timeOf } from './predictor.js';

/** A predictor that is asked for paths. */
export class PredictedPaths implements PassLearner, PathForecast {
  readonly costNs: number;
  readonly #predictor: Predictor;
  readonly #layers: number;
  /** The token that is asked about, alone. */
  readonly #token: Pass;

  /** @param token a pass with room for one request, for the use of this object alone */
  constructor(predictor: Predictor, layers: number, time: PredictionTime, token: Pass) {
    this.#token = token;
    this.#predictor = predictor;
    this.#layers = layers;
    this.costNs = time.ns(1, -1, layers - 1);
  }

  learn(pass: Pass): void {
    for (let layer = 0; layer < this.#layers; layer++) this.#predictor.observe(pass, layer);
  }

  forecast(request: Request, scores: Float32Array): void {
    this.#token.preview(request);
    this.#predictor.predict(this.#token, -1, this.#layers, scores);
  }

  close(): void {
    this.#predictor.close?.();
  }
}

/**
 * The forecast of paths for the scheduler of a run; null: the scheduler needs none, or the run predicts nothing.
 * @throws UserError where the predictor lacks what it needs
 */
export async function pathForecastOf(plan: RunPlan): Promise<PredictedPaths | null> {
  const { inputs, record, run, serving } = plan;
  const pool = serving.running > run.workload.batch;
  if (record !== null || !pool || serving.parameters.paths !== 'predicted') return null;
  const predictor = await predictorFor(inputs, run, serving.running);
  if (predictor === null) return null;
  const token = new Pass(inputs.trace, 1, null, run.workload.context ?? 0);
  return new PredictedPaths(predictor, inputs.model.layers.length, timeOf(plan), token);
}
