// The library's way to judge predictors: traces to learn from and to judge on in, scores out.
import type { ModelSpec } from '../../model/door.js';
import { comparablePredictors, comparePredictors, type JudgedTimes, type TraceEvaluation, withCorrected } from './compare.js';
import type { EvaluationOptions, EvaluationWatch } from './evaluate.js';
import { openPrediction, type PredictionRequest } from './inputs.js';

/** Layers ahead that predictors are judged at. */
export const DISTANCES: readonly number[] = [1, 2, 4, 8];

/** A request to judge predictors; all but traces is optional. */
export interface JudgingRequest extends Partial<PredictionRequest>, Partial<EvaluationOptions> {
  /** Names with parameters, modules or ONNX files; all that the traces allow unless given. */
  readonly predictors?: readonly string[];
}

/** Scores of all predictors on all traces. */
export interface Judged {
  readonly model: ModelSpec;
  readonly evaluations: readonly TraceEvaluation[];
  /** Measured times of the predictors on this machine. */
  readonly times: readonly JudgedTimes[];
}

/**
 * Evaluates predictors on traces, side by side: `moeprof predict eval`.
 * @throws UserError where something is unknown, or a trace does not carry what a predictor needs
 */
export async function judgedPredictors(request: JudgingRequest, watch: EvaluationWatch = {}): Promise<Judged> {
  const {
    batch = 16,
    distances = DISTANCES,
    every = null,
    holdOut = 0.2,
    judged = [],
    minProbability = 0.15,
    seed = 1,
    training = [],
  } = request;
  const inputs = await openPrediction({ ...request, training, judged, holdOut, seed });
  const { model } = inputs;
  try {
    const { predictors = comparablePredictors([...inputs.training, ...inputs.judged]) } = request;
    const asked = { predictors: withCorrected(predictors), training: inputs.training, judged: inputs.judged };
    return { model, ...(await comparePredictors({ ...asked, model, distances, batch, minProbability, every, seed }, watch)) };
  } finally {
    inputs.close();
  }
}
