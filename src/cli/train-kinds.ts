import { UserError } from '../base/errors.js';
import { byName } from '../base/objects.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import type { ModelSpec } from '../model/door.js';
import type { NetworkOptions } from '../predict/onnx/network.js';
import type { EncoderOptions } from '../predict/onnx/sequence/encoder.js';
import { trainEncoder } from '../predict/onnx/sequence/train.js';
import { type TrainedPredictor, type TrainingBasics, trainPredictor } from '../predict/onnx/train.js';
import type { RoutingTrace } from '../trace/trace.js';
import { parseSeed, positiveCount, type Texts } from './kit/options.js';

/** Limit of the units of a layer, and of the tokens of a step: a wider predictor takes longer than the experts that it predicts. */
const WIDEST = 8192;
/** Limit of the blocks of an encoder: T5-small has six. */
const DEEPEST = 24;

/** Flags of all kinds; sizes of a network are unset unless given. */
export interface TrainingFlags
  extends Texts<'hidden' | 'rank' | 'table' | 'width' | 'inside' | 'blocks' | 'head' | 'epochs' | 'batch' | 'lr' | 'checkpoint'>,
    Pick<NetworkOptions & EncoderOptions, 'gru' | 'observed' | 'history'> {
  readonly kind: string;
  readonly tokenId: boolean;
  readonly seed: string;
}

interface TrainingChoice {
  /** Its description in the report: kind, network and options. */
  readonly reported: Readonly<Record<string, unknown>>;
  readonly checkpoint: string | null;
  describe(trained: Pick<TrainedPredictor, 'tokenIds'>): string;
  train(trace: RoutingTrace, model: ModelSpec, watch: WorkWatch): Promise<TrainedPredictor>;
}

interface TrainKind {
  /** Flags that no other kind takes. */
  readonly flags: readonly (keyof TrainingFlags)[];
  choose(options: TrainingFlags): TrainingChoice;
}

const KINDS = byName<TrainKind>({
  paths: { flags: ['hidden', 'rank', 'gru', 'tokenId', 'observed'], choose: choosePaths },
  rpp: { flags: ['width', 'inside', 'blocks', 'table', 'head', 'history'], choose: chooseEncoder },
});

/** Names of the kinds. */
export const TRAIN_KINDS = Object.keys(KINDS);

/** Reads the flags of a training. @throws UserError if a value is impossible, or a flag belongs to another kind */
export function trainingOf(options: TrainingFlags): TrainingChoice {
  for (const [name, { flags }] of Object.entries(KINDS)) {
    if (name === options.kind) continue;
    for (const flag of flags) {
      const value = options[flag];
      // A switch that is on by default is given if it is off.
      if (value === undefined || value === STANDING[flag]) continue;
      const written = `--${value === false ? 'no-' : ''}${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      throw new UserError(`${written}: belongs to --kind ${name}; leave it out, or train --kind ${name}`);
    }
  }
  return KINDS[options.kind]!.choose(options);
}

const STANDING: Partial<Record<keyof TrainingFlags, boolean>> = { gru: false, tokenId: true, observed: true, history: true };

function choosePaths(options: TrainingFlags): TrainingChoice {
  const basics = basicsOf(options, { epochs: '8', batch: '256', lr: '0.003' });
  const training = {
    network: {
      hidden: positiveCount('--hidden', options.hidden ?? '256', WIDEST),
      rank: positiveCount('--rank', options.rank ?? '64', WIDEST),
      gru: options.gru,
      observed: options.observed,
    },
    tokenIds: options.tokenId,
    ...basics,
  };
  const { gru, hidden, rank } = training.network;
  return {
    ...reportedOf(training, options.kind),
    describe: (trained) =>
      `${gru ? 'GRU across layers' : 'One hidden layer'} of ${hidden}, rank ${rank}, ${trained.tokenIds ? 'with' : 'without'} token ids`,
    train: (trace, model, watch) => trainPredictor(trace, model, training, watch),
  };
}

function chooseEncoder(options: TrainingFlags): TrainingChoice {
  const basics = basicsOf(options, { epochs: '12', batch: '512', lr: '0.004' });
  const training = {
    network: {
      table: positiveCount('--table', options.table ?? '128', WIDEST),
      width: positiveCount('--width', options.width ?? '32', WIDEST),
      inside: positiveCount('--inside', options.inside ?? '2048', WIDEST),
      blocks: positiveCount('--blocks', options.blocks ?? '2', DEEPEST),
      head: positiveCount('--head', options.head ?? '64', WIDEST),
      history: options.history,
    },
    ...basics,
  };
  const { blocks, history, inside, width } = training.network;
  return {
    ...reportedOf(training, options.kind),
    describe: () =>
      `Encoder of token ids, ${blocks === 1 ? 'a block' : `${blocks} blocks`} of ${width} with ${formatCount(inside)} inside` +
      `${history ? ', and histories where they are known' : ''}`,
    train: (trace, model, watch) => trainEncoder(trace, model, training, watch),
  };
}

const reportedOf = ({ checkpoint, ...reported }: TrainingBasics, kind: string) => ({ reported: { kind, ...reported }, checkpoint });

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
    checkpoint: options.checkpoint ?? null,
  };
}
