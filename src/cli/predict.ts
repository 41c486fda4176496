import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { AtomicFile } from '../base/files.js';
import { arch, cpus, platform, runtimeVersion } from '../base/host/machine.js';
import { parseShare } from '../base/units.js';
import type { JudgedTimes } from '../predict/evaluation/compare.js';
import { comparablePredictors, comparePredictors, DISTANCES, referenceOf, withCorrected } from '../predict/evaluation/compare.js';
import { openPrediction, type PredictionInputs, type PredictionRequest } from '../predict/evaluation/inputs.js';
import { VERSION } from '../result/version.js';
import { concatTraces } from '../trace/concat.js';
import { parseColumns } from '../trace/formats/columns.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { output, PICTURES } from './kit/groups.js';
import { namedModel, parseSeed, positiveCount } from './kit/options.js';
import { deliver, Outputs } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { EVALUATION_SCHEMA, evaluationReports, type ReportEnvironment, TRAINING_SCHEMA, trainingReports } from './predict-report.js';
import { JUDGED, TRAIN, type TrainOptions } from './train-flags.js';
import { trainingOf } from './train-kinds.js';

const EVAL = options({
  '[predictor...]': 'names with parameters, or .onnx files; none: all that the traces allow',
  ...JUDGED,
  ...output(evaluationReports),
  ...PICTURES,
});

const EVAL_HELP = `Examples:
  moeprof predict eval -t train.safetensors --eval test.safetensors
  moeprof predict eval transition:reach=4 predictor.onnx \\
    -t code.safetensors#:6000 --eval code.safetensors#6000:
  moeprof predict eval ensemble -t requests.safetensors --holdout 25% --json

A trace with #FROM:TO is that range of its rows. Without --eval a share of the
traces (whole requests, drawn by the seed) is held out and judged on.`;

const TRAIN_HELP = `Examples:
  moeprof predict train -t train.safetensors --eval test.safetensors -o p.onnx
  moeprof predict train -t train.safetensors -o p.onnx --report training.json
  moeprof predict train --kind rpp -t train.safetensors -o rpp.onnx
  moeprof run -t test.safetensors --predictor p.onnx

moeprof profiles show predictor/onnx names what the file takes.`;

/** Help. */
export const help = `Examples:
  moeprof predict train -t train.safetensors -o p.onnx
  moeprof predict eval p.onnx transition -t train.safetensors`;

/** `moeprof predict`: trains a path predictor, and judges predictors. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'eval', EVAL, {
    help: EVAL_HELP,
    first: ['-t', '--eval', '-m', '-o'],
    summary: 'judge predictors on traces, side by side',
    description: 'Judge predictors on traces: recall before and during the pass, batch accuracy, precision, calibration.',
  }).action((predictors: readonly string[], options: OptionsOf<typeof EVAL>) => runEval(predictors, options, context));

  subcommand(command, 'train', TRAIN, {
    help: TRAIN_HELP,
    first: ['-t', '--eval', '--kind', '-o'],
    summary: 'train a path predictor into an ONNX file',
    description: 'Train a path predictor from traces into an ONNX file, and judge it on others.',
  }).action((options: TrainOptions) => runTrain(options, context));
}

/** Baselines that a trained predictor is compared with. */
const BASELINES = ['popularity', 'token-table', 'last-token'];

/** Trains, writes the file, judges and reports. */
export async function runTrain(options: TrainOptions, context: CliContext): Promise<void> {
  const startedAt = performance.now();
  const training = trainingOf(options);
  if (!/\.onnx$/i.test(options.output))
    throw new UserError(`-o ${options.output}: a predictor is an .onnx file; write e.g. -o predictor.onnx`);
  const outputs = Outputs.open(context, trainingReports, options.report, options.json === true ? 'json' : null);
  let file: AtomicFile | null = null;
  try {
    file = new AtomicFile(options.output);
    if (options.trace.length === 0) throw new UserError('no trace to learn from is given; name one with --trace');
    const inputs = await openPrediction(requestOf(options));
    if (inputs.modelNote !== null) context.note(inputs.modelNote);
    try {
      const trained = await watched(context, 'training', 'steps', (watch) =>
        training.train(concatTraces(inputs.training), inputs.model, watch),
      );
      file.write(trained.bytes);
      file.commit();
      const trainedMs = performance.now() - startedAt;
      const comparable = comparablePredictors([...inputs.training, ...inputs.judged]);
      const baselines = BASELINES.filter((name) => comparable.includes(name));
      const { evaluations, times } = await judgePredictors([...baselines, options.output], DISTANCES.slice(0, 1), inputs, options, context);
      const { bytes, ...facts } = trained;
      await outputs.deliver({
        schema: TRAINING_SCHEMA,
        ...headOf(inputs, options),
        options: training.reported,
        network: training.describe(facts),
        trained: { ...facts, bytes: bytes.length },
        evaluations,
        environment: { ...environment(startedAt, times), trainingMs: Math.round(trainedMs) },
      });
    } finally {
      inputs.close();
    }
  } finally {
    file?.abort();
    outputs.abort();
  }
}

/** Options of both subcommands. */
export type JudgingOptions = OptionsOf<typeof JUDGED>;

/** Judges predictors and reports the scores. */
export async function runEval(named: readonly string[], options: OptionsOf<typeof EVAL>, context: CliContext): Promise<void> {
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

/** Judges predictors, with a progress bar. */
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

/** Prediction request of the options. */
export function requestOf(options: JudgingOptions): PredictionRequest {
  const holdOut = parseShare(options.holdout, '--holdout');
  if (holdOut <= 0 || holdOut >= 1) throw new UserError(`--holdout ${options.holdout}: must leave something on both sides; write e.g. 20%`);
  return {
    training: options.trace,
    judged: options.eval,
    holdOut,
    model: namedModel(options),
    traceFormat: options.traceFormat,
    traceColumns: options.traceColumns === undefined ? undefined : parseColumns(options.traceColumns),
    seed: parseSeed(options.seed),
  };
}

/** Common head of the reports. */
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

/** Place, duration and predictor times of an evaluation. */
export const environment = (startedAt: number, predictNs: readonly JudgedTimes[]): ReportEnvironment => ({
  node: runtimeVersion,
  platform: `${platform}-${arch}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  wallMs: Math.round(performance.now() - startedAt),
  predictNs,
});
