import { UserError, userErrorOf } from '../../base/errors.js';
import { resolveParameters } from '../../base/parameters.js';
import { shownTrace } from '../../base/profiles.js';
import type { ModelSpec } from '../../model/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { PredictorChoice } from '../predictors/create.js';
import { createPredictor, loadPredictor, missingNeeds, parsePredictor, predictorKnows } from '../predictors/create.js';
import { PREDICTORS } from '../predictors/index.js';
import { type Evaluation, type EvaluationOptions, type EvaluationWatch, evaluatePredictor, type PredictionTimes } from './evaluate.js';
import { openPrediction, type PredictionInputs, type PredictionRequest } from './inputs.js';

/** A trace learned from or judged on. */
export interface TraceReference {
  readonly path: string;
  readonly sha256: string;
  readonly tokens: number;
}

/** All predictors on one trace. */
export interface TraceEvaluation {
  readonly trace: TraceReference;
  readonly options: EvaluationOptions;
  readonly predictors: readonly JudgedPredictor[];
  /** Predictors without a needed trace field. */
  readonly unjudged: readonly { readonly predictor: string; readonly reason: string }[];
}

type JudgedPredictor = { readonly predictor: string } & Evaluation;

/** Measured times of a predictor on a trace, on this machine. */
export interface JudgedTimes extends PredictionTimes {
  readonly trace: string;
  readonly predictor: string;
}

interface ComparisonRequest extends Omit<EvaluationOptions, 'every'>, Pick<PredictionInputs, 'model' | 'training' | 'judged'> {
  readonly predictors: readonly string[];
  /** Stride of tokens judged during the pass; null: about {@link AHEAD_TOKENS} tokens. */
  readonly every: number | null;
  readonly seed: number;
}

/** Default tokens judged during the pass. Ours: enough for a third decimal. */
const AHEAD_TOKENS = 500;

/** Predictors filled up to 2k names by popularity. */
const FILLED = ['last-token', 'previous-layer'];
const POPULAR = parsePredictor('popularity');

/** Judged only by name: `onnx` needs a file, `whole-layer` names every expert. */
const NEVER = ['onnx', 'whole-layer'];

/** Registered predictors usable on every trace, without oracles. */
export const comparablePredictors = (traces: readonly RoutingTrace[]): string[] =>
  PREDICTORS.filter(({ name, needs, needsWith, parameters }) => {
    if (NEVER.includes(name)) return false;
    const chosen = { text: name, name, parameters: resolveParameters(name, parameters) };
    const wanted = needsWith?.(chosen.parameters) ?? needs ?? [];
    return traces.every(
      (trace) => missingNeeds(wanted, trace) === null && ['nothing', 'recorded'].includes(predictorKnows(chosen, trace).knows),
    );
  }).map(({ name }) => name);

/** Inserts `ensemble` before each `adaptive`, same parameters: the difference is the correction's gain. */
export function withCorrected(named: readonly string[]): string[] {
  const all: string[] = [];
  for (const text of named) {
    const adaptive = /^adaptive(?::(.*))?$/.exec(text);
    if (adaptive !== null) {
      const parts = (adaptive[1] ?? '').split(',').filter((part) => part !== '' && !/^(rate|costNs)=/.test(part));
      const corrected = parts.length === 0 ? 'ensemble' : `ensemble:${parts.join(',')}`;
      if (!named.includes(corrected) && !all.includes(corrected)) all.push(corrected);
    }
    all.push(text);
  }
  return all;
}

/** @throws UserError for an unknown predictor, or if no predictor fits */
export async function comparePredictors(
  request: ComparisonRequest,
  watch: EvaluationWatch = {},
): Promise<{ readonly evaluations: TraceEvaluation[]; readonly times: JudgedTimes[] }> {
  const { batch, every, judged, minProbability, model, predictors, seed, training } = request;
  const choices = await Promise.all(predictors.map((text) => loadPredictor(chosenOf(text))));
  const evaluations: TraceEvaluation[] = [];
  const allTimes: JudgedTimes[] = [];
  let done = 0;
  for (const trace of judged) {
    const options: EvaluationOptions = {
      distances: request.distances.filter((distance) => distance < model.layers.length),
      batch,
      minProbability,
      every: every ?? Math.max(1, Math.ceil(trace.tokens / AHEAD_TOKENS)),
    };
    const rows: JudgedPredictor[] = [];
    const refusals: { predictor: string; error: UserError }[] = [];
    for (const chosen of choices) {
      const common = { model, trace, slots: 1, seed, training };
      const predictor = await createPredictor({ chosen, ...common }).catch(userErrorOf);
      if (predictor instanceof UserError) refusals.push({ predictor: chosen.text, error: predictor });
      else {
        const filler = FILLED.includes(chosen.name) ? await createPredictor({ chosen: POPULAR, ...common }) : null;
        try {
          const before = done;
          const progress = (tokens: number): void => watch.progress?.(before + tokens);
          const { times, ...found } = await evaluatePredictor(predictor!, trace, model, options, { ...watch, progress }, filler);
          rows.push({ predictor: chosen.text, ...found });
          allTimes.push({ trace: shownTrace(trace.path), predictor: chosen.text, ...times });
        } finally {
          predictor!.close?.();
        }
      }
      done += trace.tokens;
    }
    const [first] = refusals;
    if (first !== undefined && rows.length === 0) throw first.error;
    const unjudged = refusals.map(({ error, predictor }) => ({ predictor, reason: error.message }));
    evaluations.push({ trace: referenceOf(trace), options, predictors: rows, unjudged });
  }
  return { evaluations, times: allTimes };
}

/** Reference to a trace in reports. */
export function referenceOf(trace: RoutingTrace): TraceReference {
  return { path: shownTrace(trace.path), sha256: trace.sha256(), tokens: trace.tokens };
}

function chosenOf(text: string): PredictorChoice {
  const chosen = parsePredictor(text);
  if (chosen.name === 'none') throw new UserError('predictor none: predicts nothing, so there is nothing to judge');
  return chosen;
}

/** Default distances of judged predictions, layers ahead. */
export const DISTANCES: readonly number[] = [1, 2, 4, 8];

/** A request to judge predictors; only traces are required. */
export interface JudgingRequest extends Partial<PredictionRequest>, Partial<EvaluationOptions> {
  /** Names with parameters, modules or ONNX files; absent: all that the traces allow. */
  readonly predictors?: readonly string[];
}

/** Scores of all predictors on all traces. */
export interface Judged {
  readonly model: ModelSpec;
  readonly evaluations: readonly TraceEvaluation[];
  readonly times: readonly JudgedTimes[];
}

/** `moeprof predict eval`. @throws UserError for an unknown name or a missing trace field */
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
