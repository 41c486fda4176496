import { newSha256 } from '../../base/host/hash.js';
import { Random } from '../../base/random.js';
import type { WorkWatch } from '../../base/work-watch.js';
import type { ModelSpec } from '../../model/door.js';
import { VERSION } from '../../result/version.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { rowBatches } from './batch.js';
import { holdOut, PathDataset } from './dataset.js';
import { type NetworkOptions, type PathShape, sizeOf } from './network.js';
import { type Epoch, type StepOptions, type Trainable, train } from './trainer.js';
import { buildTrainingGraphs, exportPredictor } from './training-graph.js';

/** Training options of any network. */
export interface TrainingBasics extends StepOptions {
  readonly batch: number;
}

/** Training options of the network of paths. */
export interface PredictorTraining extends TrainingBasics {
  readonly network: Omit<NetworkOptions, 'tokenRows'>;
  /** True: use the trace's token ids, if present. */
  readonly tokenIds: boolean;
}

/** Result of a training. */
export interface TrainedPredictor {
  /** Bytes of the `.onnx` file: equal for equal data, options and seed. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly parameters: number;
  readonly tokenIds: boolean;
  /** Tokens learned from, and tokens held out for early stopping. */
  readonly learned: number;
  readonly heldOut: number;
  readonly epochs: readonly Epoch[];
  readonly bestEpoch: number;
}

/** Most rows of the token table; larger vocabularies share rows. Ours. */
const TOKEN_ROWS = 8192;
/** Share of training tokens held out for early stopping. Ours. */
const STOP_SHARE = 0.1;

/** Rows of a trace for training and early stopping, and the network's shape. */
export interface TrainingRows {
  readonly dataset: PathDataset;
  readonly learn: Int32Array;
  readonly held: Int32Array;
  readonly shape: PathShape;
}

/** A network to be trained on given rows. */
export interface TrainingPlan extends Trainable {
  readonly training: Readonly<Record<string, unknown>> & { readonly network: unknown };
  readonly tokenIds: boolean;
  export(weights: ReadonlyMap<string, Float32Array>, metadata: Readonly<Record<string, string>>): Uint8Array;
}

/** Trains the network of paths. @throws UserError as {@link trainNetwork} */
export function trainPredictor(
  trace: RoutingTrace,
  model: ModelSpec,
  options: PredictorTraining,
  watch: WorkWatch = {},
): Promise<TrainedPredictor> {
  const { batch, epochs, learningRate, seed } = options;
  const plan = ({ dataset, held, learn, shape }: TrainingRows): TrainingPlan => {
    const tokenRows = options.tokenIds && dataset.tokenIds !== null ? rowsForIds(dataset.tokenIds, TOKEN_ROWS) : null;
    const network: NetworkOptions = { ...options.network, tokenRows };
    return {
      training: { network, epochs, batch, learningRate, seed },
      tokenIds: tokenRows !== null,
      graphs: buildTrainingGraphs(network, shape),
      source: (ort) => rowBatches(ort, dataset, network, { learn, held }, batch),
      export: (weights, metadata) => exportPredictor(network, shape, weights, metadata),
    };
  };
  return trainNetwork(trace, model, options, plan, watch);
}

/** Training with early stopping. @throws UserError if runtime or data is missing */
export async function trainNetwork(
  trace: RoutingTrace,
  model: ModelSpec,
  { epochs, learningRate, seed }: TrainingBasics,
  planOf: (rows: TrainingRows) => TrainingPlan,
  watch: WorkWatch,
): Promise<TrainedPredictor> {
  const dataset = new PathDataset(trace, model);
  const random = new Random(seed, 'predict/train/stop');
  const { held, learn } = holdOut(trace.requests, STOP_SHARE, () => random.next());
  const shape = { layers: model.layers, experts: model.experts, frequency: dataset.frequency(learn) };
  const plan = planOf({ dataset, learn, held, shape });
  const state = await train(plan, { epochs, learningRate, seed }, watch);
  const bytes = plan.export(state.best, {
    'moeprof.version': VERSION,
    'moeprof.model': model.name,
    'moeprof.trace': trace.sha256(),
    'moeprof.network': JSON.stringify(plan.training.network),
    'moeprof.seed': String(seed),
  });
  return {
    bytes,
    sha256: newSha256().update(bytes).digest('hex'),
    parameters: plan.graphs.parameters.reduce((sum, { shape: size }) => sum + sizeOf(size), 0),
    tokenIds: plan.tokenIds,
    learned: learn.length,
    heldOut: held.length,
    epochs: state.epochs,
    bestEpoch: state.bestEpoch,
  };
}

/** Table rows for the occurring ids, at most `most`. */
export const rowsForIds = (tokenIds: Int32Array, most: number): number =>
  Math.min(most, tokenIds.reduce((highest, id) => Math.max(highest, id), 0) + 1);
