// `moeprof predict`: trains a path predictor from traces, and judges predictors on others.
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { AtomicFile } from '../base/files.js';
import { parseCount, parseShare } from '../base/units.js';
import { comparablePredictors, comparePredictors, referenceOf } from '../predict/compare.js';
import type { EvaluationWatch } from '../predict/evaluate.js';
import { openPrediction, type PredictionInputs } from '../predict/inputs.js';
import { type PredictorTraining, trainPredictor } from '../predict/onnx/train.js';
import { EVALUATION_SCHEMA, evaluationReports, TRAINING_SCHEMA, trainingReports } from '../predict/report.js';
import { VERSION } from '../result/version.js';
import { concatTraces } from '../trace/concat.js';
import type { CliContext } from './context.js';
import { addOutputOptions, collect, type OutputOptions, stdoutFormat } from './options.js';
import { Outputs } from './outputs.js';
import type { Progress } from './progress.js';

/** Options of both subcommands. */
interface CommonOptions {
  readonly model?: string;
  readonly trace: readonly string[];
  readonly traceFormat?: string;
  readonly eval: readonly string[];
  readonly holdout: string;
  readonly batchAccuracy: string;
  readonly every?: string;
  readonly minProbability: string;
  readonly seed: string;
}

interface TrainOptions extends CommonOptions {
  readonly output: string;
  readonly report: readonly string[];
  readonly format?: string;
  readonly json?: boolean;
  readonly hidden: string;
  readonly rank: string;
  readonly gru: boolean;
  readonly tokenId: boolean;
  readonly observed: boolean;
  readonly epochs: string;
  readonly batch: string;
  readonly lr: string;
  readonly threads: string;
  readonly checkpoint?: string;
}

/** Layers ahead that `eval` judges. */
const DISTANCES = [1, 2, 4, 8];
/** What a trained predictor has to beat, shown beside it. */
const BASELINES = ['popularity', 'token-table', 'last-token'];

const EVAL_EXAMPLES = `
Examples:
  moeprof predict eval -t train.safetensors --eval test.safetensors
  moeprof predict eval transition:reach=4 predictor.onnx \\
    -t code.safetensors#:6000 --eval code.safetensors#6000:
  moeprof predict eval ensemble -t requests.safetensors --holdout 25% --json

A trace with #FROM:TO is that range of its rows. Without --eval a share of the
traces (whole requests, drawn by the seed) is held out and judged on.
`;

const TRAIN_EXAMPLES = `
Examples:
  moeprof predict train -t train.safetensors --eval test.safetensors -o p.onnx
  moeprof predict train -t train.safetensors -o p.onnx --report training.json
  moeprof predict train -t train.safetensors -o p.onnx --gru --checkpoint state
  moeprof run -t test.safetensors --predictor p.onnx

See docs/onnx-predictor.md for the contract that the file keeps, and for models
of your own.
`;

const EXAMPLES = `
Examples:
  moeprof predict train -t train.safetensors -o p.onnx
  moeprof predict eval p.onnx transition -t train.safetensors
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command.addHelpText('after', EXAMPLES);
  const evaluate = common(
    command
      .command('eval')
      .summary('judge predictors on traces, side by side')
      .description('Judge predictors on traces: recall before and during the pass, batch accuracy, precision, calibration.')
      .argument('[predictor...]', 'names with parameters, or .onnx files; none: all that the traces allow'),
  );
  addOutputOptions(evaluate, evaluationReports)
    .addHelpText('after', EVAL_EXAMPLES)
    .action((predictors: readonly string[], options: CommonOptions & OutputOptions) => runEval(predictors, options, context));

  common(
    command
      .command('train')
      .summary('train a path predictor into an ONNX file')
      .description('Train a path predictor from traces into an ONNX file, and judge it on others.'),
  )
    .optionsGroup('Network:')
    .option('--hidden <n>', 'units of the hidden layer', '256')
    .option('--rank <n>', 'width of the low-rank encodings', '64')
    .option('--gru', 'recurrence across layers in place of one output matrix', false)
    .option('--no-token-id', 'do not look at token ids')
    .option('--no-observed', 'do not look at the running pass: no correction, but one prediction per pass')
    .optionsGroup('Training:')
    .option('--epochs <n>', 'most passes over the traces; training stops early where held-out loss rises', '8')
    .option('--batch <n>', 'tokens per step', '128')
    .option('--lr <rate>', 'highest learning rate', '0.002')
    .option('--threads <n>', 'threads of the runtime; the result does not depend on them', '1')
    .option('--checkpoint <file>', 'keep the state here after every epoch, and go on from it')
    .optionsGroup('Output:')
    .requiredOption('-o, --output <file.onnx>', 'where the predictor goes')
    .option('--report <[format=]path>', 'write the report to a file, repeatable (.json, .txt)', collect, [])
    .option('--json', 'print the report as JSON', false)
    .addHelpText('after', TRAIN_EXAMPLES)
    .action((options: TrainOptions) => runTrain(options, context));
}

function common(command: Command): Command {
  return command
    .optionsGroup('What is judged, after what:')
    .option('-m, --model <model>', 'model: a bundled name or a file; may be left out where the trace names it')
    .option('-t, --trace <trace>', 'trace to learn from, repeatable; trace#FROM:TO for a range of rows', collect, [])
    .option('--eval <trace>', 'trace to be judged on, repeatable', collect, [])
    .option('--holdout <share>', 'part of the traces to be judged on where there is no --eval', '20%')
    .option('--trace-format <format>', 'format of the traces, instead of recognising it')
    .option('--batch-accuracy <n>', 'tokens per batch whose union of paths is judged', '16')
    .option('--every <n>', 'judge predictions during the pass on every nth token (default: so that about 500 are)')
    .option('--min-probability <p>', 'precision is that of predictions at least so probable', '0.15')
    .option('--seed <n>', 'seed of everything that is drawn', '1');
}

async function runEval(named: readonly string[], options: CommonOptions & OutputOptions, context: CliContext): Promise<void> {
  const startedAt = performance.now();
  const outputs = Outputs.open(context, evaluationReports, options.output, stdoutFormat(options));
  try {
    const inputs = await openPrediction(requestOf(options));
    try {
      const predictors = named.length > 0 ? named : comparablePredictors([...inputs.training, ...inputs.judged]);
      const evaluations = await judge(predictors, DISTANCES, inputs, options, context);
      outputs.deliver({ schema: EVALUATION_SCHEMA, ...headOf(inputs, options), evaluations, environment: environment(startedAt) });
    } finally {
      inputs.close();
    }
  } finally {
    outputs.abort();
  }
}

async function runTrain(options: TrainOptions, context: CliContext): Promise<void> {
  const startedAt = performance.now();
  const training = trainingOf(options);
  if (!/\.onnx$/i.test(options.output))
    throw new UserError(`-o ${options.output}: a predictor is an .onnx file; write e.g. -o predictor.onnx`);
  const outputs = Outputs.open(context, trainingReports, options.report, options.json === true ? 'json' : null);
  let file: AtomicFile | null = null;
  const dropFile = (): void => file?.abort();
  const forget = context.onInterrupt(dropFile);
  try {
    file = new AtomicFile(options.output);
    if (options.trace.length === 0) throw new UserError('no trace to learn from is given; name one with --trace');
    const inputs = await openPrediction(requestOf(options));
    try {
      const trained = await watched(context, 'training', 'steps', (watch) =>
        trainPredictor(concatTraces(inputs.training), inputs.model, training, watch),
      );
      if (trained.resumed > 0) context.note(`went on from epoch ${trained.resumed} in ${training.checkpoint}`);
      file.write(trained.bytes);
      file.commit();
      const trainedMs = performance.now() - startedAt;
      const comparable = comparablePredictors([...inputs.training, ...inputs.judged]);
      const baselines = BASELINES.filter((name) => comparable.includes(name));
      const evaluations = await judge([...baselines, options.output], DISTANCES.slice(0, 1), inputs, options, context);
      const { checkpoint: _checkpoint, threads, ...reported } = training;
      const { bytes, resumed: _resumed, ...facts } = trained;
      outputs.deliver({
        schema: TRAINING_SCHEMA,
        ...headOf(inputs, options),
        options: reported,
        trained: { ...facts, bytes: bytes.length },
        evaluations,
        environment: { ...environment(startedAt), threads, trainingMs: Math.round(trainedMs) },
      });
    } finally {
      inputs.close();
    }
  } finally {
    dropFile();
    forget();
    outputs.abort();
  }
}

function judge(
  predictors: readonly string[],
  distances: readonly number[],
  { judged, model, training }: PredictionInputs,
  options: CommonOptions,
  context: CliContext,
) {
  const request = {
    predictors,
    model,
    training,
    judged,
    distances,
    batch: integer('--batch-accuracy', options.batchAccuracy),
    minProbability: parseShare(options.minProbability, '--min-probability'),
    every: options.every === undefined ? null : integer('--every', options.every),
    seed: seedOf(options),
  };
  const total = predictors.length * judged.reduce((sum, trace) => sum + trace.tokens, 0);
  return watched(context, 'judging', 'tokens', (watch) =>
    comparePredictors(request, { ...watch, progress: (done) => watch.progress(done, total) }),
  );
}

/** Shows a bar while work of so many units is done. */
async function watched<T>(
  context: CliContext,
  label: string,
  unit: string,
  work: (watch: { progress(done: number, total: number): void } & Pick<EvaluationWatch, 'breathe'>) => Promise<T>,
): Promise<T> {
  let bar: Progress | null = null;
  const progress = (done: number, total: number): void => {
    bar ??= context.progress(label, total, unit);
    bar.update(done);
  };
  try {
    return await work({ progress, breathe: () => context.breathe() });
  } finally {
    (bar as Progress | null)?.finish();
  }
}

function requestOf(options: CommonOptions) {
  const holdOut = parseShare(options.holdout, '--holdout');
  if (holdOut <= 0 || holdOut >= 1) throw new UserError(`--holdout ${options.holdout}: must leave something on both sides; write e.g. 20%`);
  return {
    training: options.trace,
    judged: options.eval,
    holdOut,
    model: options.model,
    traceFormat: options.traceFormat,
    seed: seedOf(options),
  };
}

function trainingOf(options: TrainOptions): PredictorTraining {
  const learningRate = Number(options.lr);
  if (!(learningRate > 0 && learningRate < 1))
    throw new UserError(`--lr ${options.lr}: must be a number between 0 and 1; write e.g. 0.002`);
  return {
    network: {
      hidden: integer('--hidden', options.hidden),
      rank: integer('--rank', options.rank),
      gru: options.gru,
      observed: options.observed,
    },
    tokenIds: options.tokenId,
    epochs: integer('--epochs', options.epochs),
    batch: integer('--batch', options.batch),
    learningRate,
    seed: seedOf(options),
    threads: integer('--threads', options.threads),
    checkpoint: options.checkpoint ?? null,
  };
}

function headOf({ model, training }: PredictionInputs, options: CommonOptions) {
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
    seed: seedOf(options),
  } as const;
}

function environment(startedAt: number): Record<string, string | number> {
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    wallMs: Math.round(performance.now() - startedAt),
  };
}

function seedOf({ seed }: CommonOptions): number {
  if (!/^-?\d+$/.test(seed)) throw new UserError(`--seed ${seed}: must be an integer`);
  return Number(seed);
}

function integer(flag: string, text: string): number {
  const value = parseCount(text, flag);
  if (value < 1) throw new UserError(`${flag} ${text}: must be at least 1`);
  return value;
}
