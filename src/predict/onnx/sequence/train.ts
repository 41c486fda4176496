import { UserError } from '../../../base/errors.js';
import type { WorkWatch } from '../../../base/work-watch.js';
import type { ModelSpec } from '../../../model/door.js';
import type { RoutingTrace } from '../../../trace/trace.js';
import { rowsForIds, type TrainedPredictor, type TrainingBasics, type TrainingPlan, type TrainingRows, trainNetwork } from '../train.js';
import type { EncoderOptions } from './encoder.js';
import { encoderGraphs, exportEncoder, noisePlaces } from './graphs.js';
import { piecesOf, SequenceWindows } from './windows.js';

/** Training options of an encoder. */
export interface EncoderTraining extends TrainingBasics {
  readonly network: Omit<EncoderOptions, 'tokenRows'>;
}

/** Most rows of the token table: twice the vocabulary of T5. Larger vocabularies share rows. */
const TOKEN_ROWS = 65_536;
/** Tokens of a window; gradients stay within a window, states pass on. Ours. */
const WINDOW = 32;
/** Share of inner values set to 0 in training. Ours, chosen on our 64-expert router. */
const DROPOUT = 0.2;
/** Share of token ids hidden in training. Ours, chosen likewise. */
const HIDDEN = 0.02;

/**
 * ExpertFlow's encoder, on windows of requests. @throws UserError without ids or runtime, or as {@link trainNetwork}
 */
export function trainEncoder(
  trace: RoutingTrace,
  model: ModelSpec,
  options: EncoderTraining,
  watch: WorkWatch = {},
): Promise<TrainedPredictor> {
  if (!trace.has.tokenIds)
    throw new UserError(`${trace.path}: carries no token ids, which --kind rpp reads; train --kind paths, which does without`);
  const { batch, epochs, learningRate, seed } = options;
  const plan = ({ dataset, held, learn, shape }: TrainingRows): TrainingPlan => {
    const network: EncoderOptions = { ...options.network, tokenRows: rowsForIds(dataset.tokenIds!, TOKEN_ROWS) };
    const pieces = { learn: piecesOf(learn, dataset), held: piecesOf(held, dataset) };
    const window = Math.min(WINDOW, batch);
    const streams = Math.max(1, Math.min(Math.floor(batch / window), pieces.learn.length));
    const layout = { streams, window, state: network.blocks * network.width, noise: noisePlaces(network), history: network.history };
    return {
      training: { kind: 'rpp', network, epochs, batch, learningRate, seed },
      tokenIds: true,
      graphs: encoderGraphs(network, shape, streams, window),
      source: (ort) => new SequenceWindows(ort, dataset, pieces, { ...layout, dropout: DROPOUT, hidden: HIDDEN }),
      export: (weights, metadata) => exportEncoder(network, shape, weights, metadata),
    };
  };
  return trainNetwork(trace, model, options, plan, watch);
}
