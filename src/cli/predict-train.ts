// `moeprof predict train`: from traces to an ONNX file, and a report on its scores.
import { UserError } from '../base/errors.js';
import { AtomicFile } from '../base/files.js';
import { comparablePredictors } from '../predict/evaluation/compare.js';
import { openPrediction } from '../predict/evaluation/inputs.js';
import { DISTANCES } from '../predict/evaluation/judged.js';
import { concatTraces } from '../trace/concat.js';
import type { CliContext } from './kit/context.js';
import { Outputs } from './kit/outputs.js';
import { watched } from './kit/watched.js';
import { environment, headOf, type JudgingOptions, judgePredictors, requestOf } from './predict-eval.js';
import { TRAINING_SCHEMA, trainingReports } from './predict-report.js';
import { type TrainingFlags, trainingOf } from './train-kinds.js';

/** Options of the subcommand. */
export interface TrainOptions extends JudgingOptions, TrainingFlags {
  readonly output: string;
  readonly report: readonly string[];
  readonly json?: boolean;
}

/** Baselines that a trained predictor is shown beside. */
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
        training.train(concatTraces(inputs.training), inputs.model, watch),
      );
      if (trained.resumed > 0) context.note(`went on from epoch ${trained.resumed} in ${training.checkpoint}`);
      file.write(trained.bytes);
      file.commit();
      const trainedMs = performance.now() - startedAt;
      const comparable = comparablePredictors([...inputs.training, ...inputs.judged]);
      const baselines = BASELINES.filter((name) => comparable.includes(name));
      const { evaluations, times } = await judgePredictors([...baselines, options.output], DISTANCES.slice(0, 1), inputs, options, context);
      const { bytes, resumed: _resumed, ...facts } = trained;
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
