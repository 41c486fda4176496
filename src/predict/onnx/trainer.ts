import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { type ParameterSpec, sizeOf } from './network.js';
import { loadOnnxRuntime, type Ort, SESSION_OPTIONS } from './runtime.js';
import { ADAM, MOMENTS, type TrainingGraphs } from './training-graph.js';

/** Options of the training loop. */
export interface StepOptions {
  readonly epochs: number;
  /** Highest learning rate: rises over the first steps, falls to 0 along a cosine. */
  readonly learningRate: number;
  readonly seed: number;
}

/** One call of a training graph. */
export interface Step {
  readonly feeds: Record<string, Ort.Tensor>;
  readonly fetches?: Readonly<Record<string, Ort.Tensor>>;
  /** Weight of the loss in the mean. */
  readonly weight: number;
}

/** Source of training steps; a step is valid until the next. */
export interface StepSource {
  /** Tokens to learn from, and held-out tokens. */
  readonly learned: number;
  readonly heldOut: number;
  readonly steps: number;
  /** Steps of an epoch; `random` is the only source of chance. */
  epoch(random: Random): Iterable<Step>;
  /** Held-out steps, equal at each call. */
  measured(): Iterable<Step>;
}

/** A trainable network: graphs and steps. */
export interface Trainable {
  readonly graphs: TrainingGraphs;
  source(ort: typeof Ort): StepSource;
}

/** A pass over the data. */
export interface Epoch {
  readonly epoch: number;
  /** Mean loss, nats per expert. */
  readonly loss: number;
  readonly heldOutLoss: number;
}

interface Learned {
  readonly epochs: readonly Epoch[];
  /** Epoch of the least held-out loss, from 1, and the weights after the epoch. */
  readonly bestEpoch: number;
  readonly best: ReadonlyMap<string, Float32Array>;
}

/** Epochs without a better held-out loss before training stops. Ours. */
const PATIENCE = 2;
/** Steps with a rising learning rate. Ours. */
const WARM_UP = 20;

/** @param watch progress in steps @throws UserError if runtime or data is missing, or the loss is NaN */
export async function train(
  { graphs, source: sourceOf }: Trainable,
  { epochs: most, learningRate, seed }: StepOptions,
  watch: WorkWatch,
): Promise<Learned> {
  const ort = await loadOnnxRuntime();
  const source = sourceOf(ort);
  if (source.learned === 0 || source.heldOut === 0)
    throw new UserError(`the training traces have ${source.learned + source.heldOut} tokens; a predictor needs hundreds to learn from`);
  const sessions = {
    step: await ort.InferenceSession.create(graphs.step, SESSION_OPTIONS),
    loss: await ort.InferenceSession.create(graphs.loss, SESSION_OPTIONS),
  };
  const trainer = new Trainer(ort, sessions, graphs.parameters, seed);
  const epochs: Epoch[] = [];
  let bestEpoch = 0;
  let best: Learned['best'] = new Map();
  const total = source.steps * most;
  try {
    while (epochs.length < most && epochs.length - bestEpoch < PATIENCE) {
      const epoch = epochs.length + 1;
      let number = (epoch - 1) * source.steps;
      let sum = 0;
      let weight = 0;
      for (const step of source.epoch(new Random(seed, `predict/train/epoch-${epoch}`))) {
        sum += (await trainer.learn(step, rateOf(learningRate, ++number, total))) * step.weight;
        weight += step.weight;
        watch.progress?.(number, total);
        await watch.breathe?.();
      }
      const heldOutLoss = await trainer.loss(source.measured());
      const loss = sum / weight;
      if (!Number.isFinite(loss) || !Number.isFinite(heldOutLoss))
        throw new UserError(`training: the loss is no longer a number in epoch ${epoch}; take a smaller --lr`);
      epochs.push({ epoch, loss, heldOutLoss });
      if (bestEpoch > 0 && heldOutLoss >= epochs[bestEpoch - 1]!.heldOutLoss) continue;
      bestEpoch = epoch;
      best = trainer.weights();
    }
    return { epochs, bestEpoch, best };
  } finally {
    await sessions.step.release();
    await sessions.loss.release();
  }
}

function rateOf(highest: number, step: number, total: number): number {
  const rise = Math.min(1, step / WARM_UP);
  const fall = 0.5 + 0.5 * Math.cos((Math.PI * step) / total);
  const correction = Math.sqrt(1 - ADAM.beta2 ** step) / (1 - ADAM.beta1 ** step);
  return highest * rise * fall * correction;
}

class Trainer {
  readonly #ort: typeof Ort;
  readonly #sessions: Readonly<Record<'step' | 'loss', Ort.InferenceSession>>;
  readonly #parameters: readonly ParameterSpec[];
  #now: ReadonlyMap<string, Ort.Tensor>;
  #next: ReadonlyMap<string, Ort.Tensor>;

  constructor(
    ort: typeof Ort,
    sessions: Readonly<Record<'step' | 'loss', Ort.InferenceSession>>,
    parameters: readonly ParameterSpec[],
    seed: number,
  ) {
    this.#ort = ort;
    this.#sessions = sessions;
    this.#parameters = parameters;
    const random = new Random(seed, 'predict/train/weights');
    const zeros = ({ shape }: ParameterSpec): Float32Array => new Float32Array(sizeOf(shape));
    const tensors = (of: (parameter: ParameterSpec) => Float32Array): Map<string, Ort.Tensor> =>
      new Map(
        parameters.flatMap((parameter) =>
          ['', ...MOMENTS].map((ending) => {
            const data = ending === '' ? of(parameter) : zeros(parameter);
            return [parameter.name + ending, new ort.Tensor('float32', data, parameter.shape)];
          }),
        ),
      );
    this.#now = tensors((parameter) => parameter.initial(random));
    this.#next = tensors(zeros);
  }

  async learn({ feeds, fetches: carried }: Step, rate: number): Promise<number> {
    feeds.rate = new this.#ort.Tensor('float32', Float32Array.of(rate), []);
    const fetches: Record<string, Ort.Tensor | null> = { ...carried, loss: null };
    for (const [name, tensor] of this.#now) {
      feeds[name] = tensor;
      fetches[`${name}.next`] = this.#next.get(name)!;
    }
    const { loss } = await this.#sessions.step.run(feeds, fetches);
    [this.#now, this.#next] = [this.#next, this.#now];
    return (loss!.data as Float32Array)[0]!;
  }

  async loss(steps: Iterable<Step>): Promise<number> {
    let sum = 0;
    let all = 0;
    for (const { feeds, fetches, weight } of steps) {
      for (const { name } of this.#parameters) feeds[name] = this.#now.get(name)!;
      const { loss } = await this.#sessions.loss.run(feeds, { ...fetches, loss: null });
      sum += (loss!.data as Float32Array)[0]! * weight;
      all += weight;
    }
    return sum / all;
  }

  weights(): Map<string, Float32Array> {
    return new Map(this.#parameters.map(({ name }) => [name, (this.#now.get(name)!.data as Float32Array).slice()]));
  }
}
