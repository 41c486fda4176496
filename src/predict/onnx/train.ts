// From traces to an `.onnx` file: what to learn from, what to stop by, where to go on after an interruption, and what goes into the file.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/spec.js';
import { VERSION } from '../../result/version.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { type Epoch, freshCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { holdOut, PathDataset } from './dataset.js';
import { type NetworkOptions, sizeOf } from './network.js';
import { type TrainingOptions, type TrainingWatch, train } from './trainer.js';
import { buildTrainingGraphs, exportPredictor, MOMENTS } from './training-graph.js';

/** What to train. */
export interface PredictorTraining extends Omit<TrainingOptions, 'network'> {
  readonly network: Omit<NetworkOptions, 'tokenRows'>;
  /** Look at token ids, where the trace has them. */
  readonly tokenIds: boolean;
  /** File that the state is kept in after every epoch, and resumed from; null: none. */
  readonly checkpoint: string | null;
}

/** What came out. */
export interface TrainedPredictor {
  /** Bytes of the `.onnx` file: the same for the same data, options and seed. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Trained numbers in it. */
  readonly parameters: number;
  readonly tokenIds: boolean;
  /** Tokens learned from, and tokens held out to stop by. */
  readonly learned: number;
  readonly heldOut: number;
  readonly epochs: readonly Epoch[];
  /** Epoch whose weights are in the file. */
  readonly bestEpoch: number;
  /** Epochs that had been trained before, according to the checkpoint. */
  readonly resumed: number;
}

/** Most rows of the table of token embeddings: a vocabulary larger than this shares rows. */
const TOKEN_ROWS = 8192;
/** Share of the training tokens that training is stopped by. */
const STOP_SHARE = 0.1;

/**
 * Trains a path predictor.
 * @throws UserError where the runtime is missing, the trace is too short, or the checkpoint does not belong to this training
 */
export async function trainPredictor(
  trace: RoutingTrace,
  model: ModelSpec,
  options: PredictorTraining,
  watch: Pick<TrainingWatch, 'progress' | 'breathe'> = {},
): Promise<TrainedPredictor> {
  const dataset = new PathDataset(trace, model);
  const random = new Random(options.seed, 'predict/train/stop');
  const { held, learn } = holdOut(trace.requests, STOP_SHARE, () => random.next());
  const shape = { layers: model.layers, experts: model.experts, frequency: dataset.frequency(learn) };
  const tokenRows = options.tokenIds && dataset.tokenIds !== null ? tableRows(dataset.tokenIds) : null;
  const network: NetworkOptions = { ...options.network, tokenRows };
  const { batch, checkpoint, epochs, learningRate, seed } = options;
  const training: TrainingOptions = { network, epochs, batch, learningRate, seed };
  const identity = { version: VERSION, trace: trace.sha256(), layers: model.layers, training };
  const fingerprint = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
  const { parameters } = buildTrainingGraphs(network, shape);
  const resume =
    checkpoint === null || !existsSync(checkpoint)
      ? null
      : loadCheckpoint(checkpoint, fingerprint, freshCheckpoint(parameters, MOMENTS, seed));
  const resumed = resume?.epochs.length ?? 0;
  const state = await train({ dataset, shape, learn, held }, training, resume, {
    ...watch,
    epoch: (reached) => {
      if (checkpoint !== null) saveCheckpoint(checkpoint, fingerprint, reached);
    },
  });
  const bytes = exportPredictor(network, shape, state.best, {
    'moeprof.version': VERSION,
    'moeprof.model': model.name,
    'moeprof.trace': trace.sha256(),
    'moeprof.network': JSON.stringify(network),
    'moeprof.seed': String(seed),
  });
  return {
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    parameters: parameters.reduce((sum, { shape: size }) => sum + sizeOf(size), 0),
    tokenIds: tokenRows !== null,
    learned: learn.length,
    heldOut: held.length,
    epochs: state.epochs,
    bestEpoch: state.bestEpoch,
    resumed,
  };
}

/** Rows for the ids that occur, as many as are needed or allowed. */
function tableRows(tokenIds: Int32Array): number {
  return Math.min(TOKEN_ROWS, tokenIds.reduce((most, id) => Math.max(most, id), 0) + 1);
}
