// `moeprof predict train`: from traces to an ONNX file, and the report on what it is worth.
import { UserError } from '../base/errors.js';
import { AtomicFile } from '../base/files.js';
import { comparablePredictors } from '../predict/compare.js';
import { openPrediction } from '../predict/inputs.js';
import { type PredictorTraining, trainPredictor } from '../predict/onnx/train.js';
import { concatTraces } from '../trace/concat.js';
import type { CliContext } from './context.js';
import { parseSeed } from './options.js';
import { Outputs } from './outputs.js';
import { DISTANCES, environment, headOf, integer, type JudgingOptions, judgePredictors, requestOf } from './predict-eval.js';
import { TRAINING_SCHEMA, trainingReports } from './predict-report.js';
import { watched } from './watched.js';

/** Options of the subcommand. */
export interface TrainOptions extends JudgingOptions {
  readonly output: string;
  readonly report: readonly string[];
  readonly json?: boolean;
  readonly hidden: string;
  readonly rank: string;
  readonly gru: boolean;
  readonly tokenId: boolean;
  readonly observed: boolean;
  readonly epochs: string;
  readonly batch: string;
  readonly lr: string;
  readonly checkpoint?: string;
}

/** Most units of a layer, and tokens of a step: a predictor that is wider takes longer than the experts that it foresees. */
const WIDEST = 8192;

/** What a trained predictor has to beat, shown beside it. */
const BASELINES = ['popularity', 'token-table', 'last-token'];

/** Trains, writes the file, judges it and reports. */
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
        trainPredictor(concatTraces(inputs.training), inputs.model, training, watch),
      );
      if (trained.resumed > 0) context.note(`went on from epoch ${trained.resumed} in ${training.checkpoint}`);
      file.write(trained.bytes);
      file.commit();
      const trainedMs = performance.now() - startedAt;
      const comparable = comparablePredictors([...inputs.training, ...inputs.judged]);
      const baselines = BASELINES.filter((name) => comparable.includes(name));
      const evaluations = await judgePredictors([...baselines, options.output], DISTANCES.slice(0, 1), inputs, options, context);
      const { checkpoint: _checkpoint, ...reported } = training;
      const { bytes, resumed: _resumed, ...facts } = trained;
      outputs.deliver({
        schema: TRAINING_SCHEMA,
        ...headOf(inputs, options),
        options: reported,
        trained: { ...facts, bytes: bytes.length },
        evaluations,
        environment: { ...environment(startedAt), trainingMs: Math.round(trainedMs) },
      });
    } finally {
      inputs.close();
    }
  } finally {
    file?.abort();
    outputs.abort();
  }
}

function trainingOf(options: TrainOptions): PredictorTraining {
  const learningRate = Number(options.lr);
  if (!(learningRate > 0 && learningRate < 1))
    throw new UserError(`--lr ${options.lr}: must be a number between 0 and 1; write e.g. 0.002`);
  return {
    network: {
      hidden: integer('--hidden', options.hidden, WIDEST),
      rank: integer('--rank', options.rank, WIDEST),
      gru: options.gru,
      observed: options.observed,
    },
    tokenIds: options.tokenId,
    epochs: integer('--epochs', options.epochs),
    batch: integer('--batch', options.batch, WIDEST),
    learningRate,
    seed: parseSeed(options.seed),
    checkpoint: options.checkpoint ?? null,
  };
}
