// The training loop: shuffled batches through the step graph, a falling learning rate, the best weights by held-out loss. Random numbers
// depend on the seed and the epoch only, so that a training that is resumed from a checkpoint ends with the same weights.
import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { type Checkpoint, freshCheckpoint } from './checkpoint.js';
import { loadOnnxRuntime, type Ort, SESSION_OPTIONS } from './runtime.js';
import { ADAM, MOMENTS, type TrainingGraphs } from './training-graph.js';

/** How to train. */
export interface StepOptions {
  readonly epochs: number;
  /** Highest learning rate; it rises over the first steps and falls to 0 along a cosine. */
  readonly learningRate: number;
  readonly seed: number;
}

/** One call of a training graph. */
export interface Step {
  /** The network's inputs, and `target`, `mask` and `scale`. */
  readonly feeds: Record<string, Ort.Tensor>;
  /** Outputs beside the loss, and the tensors that they are written to. */
  readonly fetches?: Readonly<Record<string, Ort.Tensor>>;
  /** Weight of its loss in the mean. */
  readonly weight: number;
}

/** A source of training steps, each valid until the next is asked for. */
export interface StepSource {
  /** Tokens to learn from, and tokens to stop by. */
  readonly learned: number;
  readonly heldOut: number;
  /** Steps of an epoch. */
  readonly steps: number;
  /** The steps of an epoch; all that is drawn comes from `random`. */
  epoch(random: Random): Iterable<Step>;
  /** The steps that measure the loss by which training stops: the same every time. */
  measured(): Iterable<Step>;
}

/** A trainable network: graphs, and a source of steps for them. */
export interface Trainable {
  readonly graphs: TrainingGraphs;
  source(ort: typeof Ort): StepSource;
}

/** How a training is watched. Progress is told in steps. */
export interface TrainingWatch extends WorkWatch {
  /** Called after every epoch with what a resumed training needs. */
  epoch?(checkpoint: Checkpoint): void;
}

/** Epochs without a better held-out loss after which training stops. */
const PATIENCE = 2;
/** Steps in which the learning rate rises. Ours, like the number of epochs before it. */
const WARM_UP = 20;

/**
 * Trains a network.
 * @param resume state after an earlier epoch; null: from the beginning
 * @returns the state at the end; its `best` weights are the result
 * @throws UserError where the runtime is missing, there is nothing to learn from, or the loss is no longer a number
 */
export async function train(
  trainable: Trainable,
  options: StepOptions,
  resume: Checkpoint | null,
  watch: TrainingWatch,
): Promise<Checkpoint> {
  const trainer = await Trainer.open(trainable, options, resume);
  try {
    return await trainer.run(watch);
  } finally {
    await trainer.close();
  }
}

class Trainer {
  readonly #source: StepSource;
  readonly #options: StepOptions;
  readonly #ort: typeof Ort;
  readonly #step: Ort.InferenceSession;
  readonly #loss: Ort.InferenceSession;
  readonly #state: Checkpoint;
  /** Weights and moments by name, twice: a step reads one set and writes the other. */
  #now: ReadonlyMap<string, Ort.Tensor>;
  #next: ReadonlyMap<string, Ort.Tensor>;

  private constructor(
    source: StepSource,
    options: StepOptions,
    ort: typeof Ort,
    sessions: readonly [Ort.InferenceSession, Ort.InferenceSession],
    state: Checkpoint,
  ) {
    this.#source = source;
    this.#options = options;
    this.#ort = ort;
    [this.#step, this.#loss] = sessions;
    this.#state = state;
    const tensors = (fill: boolean): Map<string, Ort.Tensor> =>
      new Map(
        [...state.tensors].map(([name, { data: values, shape }]) => [
          name,
          new ort.Tensor('float32', fill ? values.slice() : new Float32Array(values.length), shape),
        ]),
      );
    this.#now = tensors(true);
    this.#next = tensors(false);
  }

  static async open({ graphs, source }: Trainable, options: StepOptions, resume: Checkpoint | null): Promise<Trainer> {
    const ort = await loadOnnxRuntime();
    const steps = source(ort);
    if (steps.learned === 0 || steps.heldOut === 0) {
      throw new UserError(`the training traces have ${steps.learned + steps.heldOut} tokens; a predictor needs hundreds to learn from`);
    }
    const step = await ort.InferenceSession.create(graphs.step, SESSION_OPTIONS);
    const loss = await ort.InferenceSession.create(graphs.loss, SESSION_OPTIONS);
    return new Trainer(steps, options, ort, [step, loss], resume ?? freshCheckpoint(graphs.parameters, MOMENTS, options.seed));
  }

  async close(): Promise<void> {
    await this.#step.release();
    await this.#loss.release();
  }

  async run(watch: TrainingWatch): Promise<Checkpoint> {
    const { epochs, seed } = this.#options;
    const source = this.#source;
    const total = source.steps * epochs;
    const state = this.#state;
    while (state.epochs.length < epochs && state.epochs.length - state.bestEpoch < PATIENCE) {
      const epoch = state.epochs.length + 1;
      let number = (epoch - 1) * source.steps;
      let sum = 0;
      let weight = 0;
      for (const step of source.epoch(new Random(seed, `predict/train/epoch-${epoch}`))) {
        sum += (await this.#runStep(step, ++number, total)) * step.weight;
        weight += step.weight;
        watch.progress?.(number, total);
        await watch.breathe?.();
      }
      const heldOutLoss = await this.#heldOutLoss();
      const loss = sum / weight;
      if (!Number.isFinite(loss) || !Number.isFinite(heldOutLoss)) {
        throw new UserError(`training: the loss is no longer a number in epoch ${epoch}; take a smaller --lr`);
      }
      state.epochs.push({ epoch, loss, heldOutLoss });
      for (const [name, tensor] of this.#now) state.tensors.get(name)!.data.set(tensor.data as Float32Array);
      if (state.bestEpoch === 0 || heldOutLoss < state.epochs[state.bestEpoch - 1]!.heldOutLoss) {
        state.bestEpoch = epoch;
        for (const [name, best] of state.best) best.set(state.tensors.get(name)!.data);
      }
      watch.epoch?.(state);
    }
    return state;
  }

  async #runStep({ feeds, fetches: carried }: Step, step: number, total: number): Promise<number> {
    const { learningRate } = this.#options;
    const rise = Math.min(1, step / WARM_UP);
    const fall = 0.5 + 0.5 * Math.cos((Math.PI * step) / total);
    const correction = Math.sqrt(1 - ADAM.beta2 ** step) / (1 - ADAM.beta1 ** step);
    feeds.rate = new this.#ort.Tensor('float32', Float32Array.of(learningRate * rise * fall * correction), []);
    const fetches: Record<string, Ort.Tensor | null> = { ...carried, loss: null };
    for (const [name, tensor] of this.#now) {
      feeds[name] = tensor;
      fetches[`${name}.next`] = this.#next.get(name)!;
    }
    const { loss } = await this.#step.run(feeds, fetches);
    [this.#now, this.#next] = [this.#next, this.#now];
    return (loss!.data as Float32Array)[0]!;
  }

  async #heldOutLoss(): Promise<number> {
    let sum = 0;
    let all = 0;
    for (const { feeds, fetches, weight } of this.#source.measured()) {
      for (const [name, tensor] of this.#now) if (this.#state.best.has(name)) feeds[name] = tensor;
      const { loss } = await this.#loss.run(feeds, { ...fetches, loss: null });
      sum += (loss!.data as Float32Array)[0]! * weight;
      all += weight;
    }
    return sum / all;
  }
}
