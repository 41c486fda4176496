// The training loop: shuffled batches through the step graph, a falling learning rate, the best weights by held-out loss. Everything that
// is drawn depends on the seed and the epoch alone, so that a training resumed from a checkpoint ends in the very same weights.

import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { Batch } from './batch.js';
import { type Checkpoint, freshCheckpoint } from './checkpoint.js';
import type { PathDataset } from './dataset.js';
import type { NetworkOptions, PathShape } from './network.js';
import { loadOnnxRuntime, type Ort, SESSION_OPTIONS } from './runtime.js';
import { ADAM, buildTrainingGraphs, MOMENTS } from './training-graph.js';

/** How to train. */
export interface TrainingOptions {
  readonly network: NetworkOptions;
  readonly epochs: number;
  /** Tokens per step. */
  readonly batch: number;
  /** Highest learning rate; it rises over the first steps and falls to 0 along a cosine. */
  readonly learningRate: number;
  readonly seed: number;
}

/** What to train on. */
export interface TrainingData {
  readonly dataset: PathDataset;
  readonly shape: PathShape;
  /** Rows to learn from, and rows to stop by. */
  readonly learn: Int32Array;
  readonly held: Int32Array;
}

/** How a training is watched. */
export interface TrainingWatch {
  /** Called after every step. */
  progress?(done: number, total: number): void;
  /** Called after every epoch with what a resumed training needs. */
  epoch?(checkpoint: Checkpoint): void;
  breathe?(): Promise<void>;
}

/** Epochs without a better held-out loss after which training stops. */
const PATIENCE = 2;
/** Steps in which the learning rate rises. Ours, like the number of epochs before it. */
const WARM_UP = 20;
/** Most held-out rows that are measured after an epoch, evenly spread. */
const HELD_OUT_ROWS = 2048;

/**
 * Trains a network.
 * @param resume state after an earlier epoch; null: from the beginning
 * @returns the state at the end; its `best` weights are the result
 * @throws UserError where the runtime is missing, there is nothing to learn from, or the loss is no longer a number
 */
export async function train(
  data: TrainingData,
  options: TrainingOptions,
  resume: Checkpoint | null,
  watch: TrainingWatch = {},
): Promise<Checkpoint> {
  if (data.learn.length === 0 || data.held.length === 0) {
    throw new UserError(
      `the training traces have ${data.learn.length + data.held.length} tokens; a predictor needs hundreds to learn from`,
    );
  }
  const trainer = await Trainer.open(data, options, resume);
  try {
    return await trainer.run(watch);
  } finally {
    await trainer.close();
  }
}

class Trainer {
  readonly #data: TrainingData;
  readonly #options: TrainingOptions;
  readonly #ort: typeof Ort;
  readonly #step: Ort.InferenceSession;
  readonly #loss: Ort.InferenceSession;
  readonly #batch: Batch;
  readonly #state: Checkpoint;
  /** Weights and moments by name, twice: a step reads one set and writes the other. */
  #now: ReadonlyMap<string, Ort.Tensor>;
  #next: ReadonlyMap<string, Ort.Tensor>;

  private constructor(
    data: TrainingData,
    options: TrainingOptions,
    ort: typeof Ort,
    sessions: readonly [Ort.InferenceSession, Ort.InferenceSession],
    state: Checkpoint,
  ) {
    this.#data = data;
    this.#options = options;
    this.#ort = ort;
    [this.#step, this.#loss] = sessions;
    this.#batch = new Batch(ort, data.dataset, options.network, options.batch);
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

  static async open(data: TrainingData, options: TrainingOptions, resume: Checkpoint | null): Promise<Trainer> {
    const ort = await loadOnnxRuntime();
    const graphs = buildTrainingGraphs(options.network, data.shape);
    const step = await ort.InferenceSession.create(graphs.step, SESSION_OPTIONS);
    const loss = await ort.InferenceSession.create(graphs.loss, SESSION_OPTIONS);
    return new Trainer(data, options, ort, [step, loss], resume ?? freshCheckpoint(graphs.parameters, MOMENTS, options.seed));
  }

  async close(): Promise<void> {
    await this.#step.release();
    await this.#loss.release();
  }

  async run(watch: TrainingWatch): Promise<Checkpoint> {
    const { batch, epochs, seed } = this.#options;
    const { learn } = this.#data;
    const perEpoch = Math.ceil(learn.length / batch);
    const total = perEpoch * epochs;
    const state = this.#state;
    while (state.epochs.length < epochs && state.epochs.length - state.bestEpoch < PATIENCE) {
      const epoch = state.epochs.length + 1;
      const random = new Random(seed, `predict/train/epoch-${epoch}`);
      const order = shuffled(learn, random);
      let sum = 0;
      for (let from = 0; from < order.length; from += batch) {
        const step = (epoch - 1) * perEpoch + from / batch + 1;
        this.#batch.draw(order.subarray(from, from + batch), random);
        sum += (await this.#runStep(step, total)) * this.#batch.rows;
        watch.progress?.(step, total);
        await watch.breathe?.();
      }
      const heldOutLoss = await this.#heldOutLoss();
      const loss = sum / order.length;
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

  async #runStep(step: number, total: number): Promise<number> {
    const { learningRate } = this.#options;
    const rise = Math.min(1, step / WARM_UP);
    const fall = 0.5 + 0.5 * Math.cos((Math.PI * step) / total);
    const correction = Math.sqrt(1 - ADAM.beta2 ** step) / (1 - ADAM.beta1 ** step);
    const feeds: Record<string, Ort.Tensor> = this.#batch.feeds();
    feeds.rate = this.#scalar(learningRate * rise * fall * correction);
    const fetches: Record<string, Ort.Tensor | null> = { loss: null };
    for (const [name, tensor] of this.#now) {
      feeds[name] = tensor;
      fetches[`${name}.next`] = this.#next.get(name)!;
    }
    const { loss } = await this.#step.run(feeds, fetches);
    [this.#now, this.#next] = [this.#next, this.#now];
    return (loss!.data as Float32Array)[0]!;
  }

  /** Half of the rows before the pass, half after some layers of it are known: the two things that a predictor is asked. */
  async #heldOutLoss(): Promise<number> {
    const { held } = this.#data;
    const { batch } = this.#options;
    const stride = Math.max(1, Math.ceil(held.length / HELD_OUT_ROWS));
    const rows = held.filter((_, index) => index % stride === 0);
    let sum = 0;
    for (let from = 0; from < rows.length; from += batch) {
      this.#batch.spread(rows.subarray(from, from + batch), from);
      const feeds: Record<string, Ort.Tensor> = this.#batch.feeds();
      for (const [name, tensor] of this.#now) if (this.#state.best.has(name)) feeds[name] = tensor;
      const { loss } = await this.#loss.run(feeds);
      sum += (loss!.data as Float32Array)[0]! * this.#batch.rows;
    }
    return sum / rows.length;
  }

  #scalar(value: number): Ort.Tensor {
    return new this.#ort.Tensor('float32', Float32Array.of(value), []);
  }
}

/** A copy in random order (Fisher-Yates). */
function shuffled(rows: Int32Array, random: Random): Int32Array {
  const order = rows.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
