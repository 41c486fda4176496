// `moeprof predict eval`: its options, and the evaluation of predictors, which `predict train` uses as well.

import { UserError } from '../base/errors.js';
import { arch, cpus, platform, runtimeVersion } from '../base/host/machine.js';
import { parseShare } from '../base/units.js';
import { comparablePredictors, comparePredictors, type JudgedTimes, referenceOf, withCorrected } from '../predict/evaluation/compare.js';
import { openPrediction, type PredictionInputs, type PredictionRequest } from '../predict/evaluation/inputs.js';
import { DISTANCES } from '../predict/evaluation/judged.js';
import { VERSION } from '../result/version.js';
import { parseColumns } from '../trace/formats/columns.js';
import type { CliContext } from './kit/context.js';
import { type OutputOptions, parseSeed, positiveCount, type TraceFlags } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { EVALUATION_SCHEMA, evaluationReports, type ReportEnvironment } from './predict-report.js';

/** Options of both subcommands. */
export interface JudgingOptions extends TraceFlags {
  readonly trace: readonly string[];
  readonly eval: readonly string[];
  readonly holdout: string;
  readonly batchAccuracy: string;
  readonly every?: string;
  readonly minProbability: string;
  readonly seed: string;
}

/** Judges predictors and reports the scores. */
export async function runEval(named: readonly string[], options: JudgingOptions & OutputOptions, context: CliContext): Promise<void> {
  const startedAt = performance.now();
  await deliver(context, evaluationReports, options, async () => {
    const inputs = await openPrediction(requestOf(options));
    if (inputs.modelNote !== null) context.note(inputs.modelNote);
    try {
      const predictors = withCorrected(named.length > 0 ? named : comparablePredictors([...inputs.training, ...inputs.judged]));
      const { evaluations, times } = await judgePredictors(predictors, DISTANCES, inputs, options, context);
      return { schema: EVALUATION_SCHEMA, ...headOf(inputs, options), evaluations, environment: environment(startedAt, times) };
    } finally {
      inputs.close();
    }
  });
}

/** Judges predictors as the options say, behind a progress bar. */
export function judgePredictors(
  predictors: readonly string[],
  distances: readonly number[],
  { judged, model, training }: PredictionInputs,
  options: JudgingOptions,
  context: CliContext,
): ReturnType<typeof comparePredictors> {
  const request = {
    predictors,
    model,
    training,
    judged,
    distances,
    batch: positiveCount('--batch-accuracy', options.batchAccuracy),
    minProbability: parseShare(options.minProbability, '--min-probability'),
    every: options.every === undefined ? null : positiveCount('--every', options.every),
    seed: parseSeed(options.seed),
  };
  const total = predictors.length * judged.reduce((sum, trace) => sum + trace.tokens, 0);
  return watched(context, 'judging', 'tokens', (watch) =>
    comparePredictors(request, { ...watch, progress: (done) => watch.progress(done, total) }),
  );
}

/** The prediction request of the command's options. */
export function requestOf(options: JudgingOptions): PredictionRequest {
  const holdOut = parseShare(options.holdout, '--holdout');
  if (holdOut <= 0 || holdOut >= 1) throw new UserError(`--holdout ${options.holdout}: must leave something on both sides; write e.g. 20%`);
  return {
    training: options.trace,
    judged: options.eval,
    holdOut,
    model: options.model,
    traceFormat: options.traceFormat,
    traceColumns: options.traceColumns === undefined ? undefined : parseColumns(options.traceColumns),
    seed: parseSeed(options.seed),
  };
}

/** The common head of the reports. */
export function headOf({ model, training }: PredictionInputs, options: JudgingOptions) {
  const widest = (of: (layer: (typeof model.layers)[number]) => number): number => Math.max(...model.layers.map(of));
  return {
    tool: { name: 'moeprof', version: VERSION },
    model: {
      name: model.name,
      layers: model.layers.length,
      experts: widest((layer) => layer.experts),
      topK: widest((layer) => layer.topK),
    },
    training: training.map(referenceOf),
    seed: parseSeed(options.seed),
  } as const;
}

/** Place and duration of the evaluation, and times of the predictors. */
export function environment(startedAt: number, predictNs: readonly JudgedTimes[]): ReportEnvironment {
  return {
    node: runtimeVersion,
    platform: `${platform}-${arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    wallMs: Math.round(performance.now() - startedAt),
    predictNs,
  };
}
