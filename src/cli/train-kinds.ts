import { UserError } from '../base/errors.js';
import { byName } from '../base/objects.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import type { ModelSpec } from '../model/door.js';
import { trainEncoder } from '../predict/onnx/sequence/train.js';
import { type TrainedPredictor, type TrainingBasics, trainPredictor } from '../predict/onnx/train.js';
import type { RoutingTrace } from '../trace/trace.js';
import { parseSeed, positiveCount } from './kit/options.js';
import type { TrainOptions } from './train-flags.js';

/** Most units of a layer, and tokens of a step. Ours: a wider predictor is slower than the experts. */
const WIDEST = 8192;
/** Sizes of the token encoder, as in ExpertFlow (docs/extend.md). */
const ENCODER = { table: 128, width: 32, inside: 2048, blocks: 2, head: 64 };

/** Flags of all kinds; sizes of a network are unset unless given. */
export type TrainingFlags = Pick<
  TrainOptions,
  'hidden' | 'rank' | 'epochs' | 'batch' | 'lr' | 'kind' | 'seed' | 'tokenId' | 'observed' | 'history'
>;

interface TrainingChoice {
  readonly reported: Readonly<Record<string, unknown>>;
  describe(trained: Pick<TrainedPredictor, 'tokenIds'>): string;
  train(trace: RoutingTrace, model: ModelSpec, watch: WorkWatch): Promise<TrainedPredictor>;
}

interface TrainKind {
  readonly flags: readonly (keyof TrainingFlags)[];
  choose(options: TrainingFlags): TrainingChoice;
}

const KINDS = byName<TrainKind>({
  paths: { flags: ['hidden', 'rank', 'tokenId', 'observed'], choose: choosePaths },
  rpp: { flags: ['history'], choose: chooseEncoder },
});

/** Names of the kinds. */
export const TRAIN_KINDS: readonly string[] = Object.keys(KINDS);

/** @throws UserError for an impossible value, or a flag of another kind */
export function trainingOf(options: TrainingFlags): TrainingChoice {
  for (const [name, { flags }] of Object.entries(KINDS)) {
    if (name === options.kind) continue;
    for (const flag of flags) {
      const value = options[flag];
      // A switch on by default counts as given if off.
      if (value === undefined || value === STANDING[flag]) continue;
      const written = `--${value === false ? 'no-' : ''}${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      throw new UserError(`${written}: belongs to --kind ${name}; leave it out, or train --kind ${name}`);
    }
  }
  return KINDS[options.kind]!.choose(options);
}

const STANDING: Partial<Record<keyof TrainingFlags, boolean>> = { tokenId: true, observed: true, history: true };

function choosePaths(options: TrainingFlags): TrainingChoice {
  const basics = basicsOf(options, { epochs: '8', batch: '256', lr: '0.003' });
  const training = {
    network: {
      hidden: positiveCount('--hidden', options.hidden ?? '256', WIDEST),
      rank: positiveCount('--rank', options.rank ?? '64', WIDEST),
      observed: options.observed,
    },
    tokenIds: options.tokenId,
    ...basics,
  };
  const { hidden, rank } = training.network;
  return {
    reported: { kind: options.kind, ...training },
    describe: (trained) => `One hidden layer of ${hidden}, rank ${rank}, ${trained.tokenIds ? 'with' : 'without'} token ids`,
    train: (trace, model, watch) => trainPredictor(trace, model, training, watch),
  };
}

function chooseEncoder(options: TrainingFlags): TrainingChoice {
  const basics = basicsOf(options, { epochs: '12', batch: '512', lr: '0.004' });
  const { history } = options;
  const training = { network: { ...ENCODER, history }, ...basics };
  const { blocks, inside, width } = ENCODER;
  return {
    reported: { kind: options.kind, ...training },
    describe: () =>
      `Encoder of token ids, ${blocks} blocks of ${width} with ${formatCount(inside)} inside` +
      `${history ? ', and histories where they are known' : ''}`,
    train: (trace, model, watch) => trainEncoder(trace, model, training, watch),
  };
}

function basicsOf(
  options: TrainingFlags,
  defaults: { readonly epochs: string; readonly batch: string; readonly lr: string },
): TrainingBasics {
  const rate = options.lr ?? defaults.lr;
  const learningRate = Number(rate);
  if (!(learningRate > 0 && learningRate < 1)) throw new UserError(`--lr ${rate}: must be a number between 0 and 1; write e.g. 0.002`);
  return {
    epochs: positiveCount('--epochs', options.epochs ?? defaults.epochs),
    batch: positiveCount('--batch', options.batch ?? defaults.batch, WIDEST),
    learningRate,
    seed: parseSeed(options.seed),
  };
}
