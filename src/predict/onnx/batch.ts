import type { Random } from '../../base/random.js';
import type { PathDataset } from './dataset.js';
import type { NetworkOptions } from './network.js';
import type { Ort } from './runtime.js';
import type { Step, StepSource } from './trainer.js';

/** Most held-out rows evaluated after an epoch, evenly spread. Ours. */
const HELD_OUT_ROWS = 2048;

/** Shuffled batches of rows as training feeds. @param size tokens of a step */
export function rowBatches(
  ort: typeof Ort,
  dataset: PathDataset,
  network: NetworkOptions,
  { held, learn }: { readonly learn: Int32Array; readonly held: Int32Array },
  size: number,
): StepSource {
  const batch = new Batch(ort, dataset, network, size);
  function* stepsOf(rows: Int32Array, fill: (part: Int32Array, from: number) => void): Iterable<Step> {
    for (let from = 0; from < rows.length; from += size) {
      fill(rows.subarray(from, from + size), from);
      yield { feeds: batch.feeds(), weight: batch.rows };
    }
  }
  return {
    learned: learn.length,
    heldOut: held.length,
    steps: Math.ceil(learn.length / size),
    epoch: (random) => stepsOf(random.shuffle(learn.slice()), (rows) => batch.draw(rows, random)),
    /** Half of the rows before the pass, half after some known layers. */
    measured() {
      const stride = Math.max(1, Math.ceil(held.length / HELD_OUT_ROWS));
      const rows = held.filter((_, index) => index % stride === 0);
      return stepsOf(rows, (part, from) => batch.spread(part, from));
    },
  };
}

class Batch {
  rows = 0;
  readonly #ort: typeof Ort;
  readonly #dataset: PathDataset;
  readonly #network: NetworkOptions;
  readonly #dense: Readonly<Record<'history' | 'history_slow' | 'observed' | 'target' | 'mask', Float32Array>>;
  readonly #tokenId: BigInt64Array;
  #weight = 0;

  constructor(ort: typeof Ort, dataset: PathDataset, network: NetworkOptions, batch: number) {
    this.#ort = ort;
    this.#dataset = dataset;
    this.#network = network;
    const dense = (): Float32Array => new Float32Array(batch * dataset.model.experts);
    this.#dense = { history: dense(), history_slow: dense(), observed: dense(), target: dense(), mask: dense() };
    this.#tokenId = new BigInt64Array(batch);
  }

  /** Random rows, half with a known path up to a random layer. */
  draw(rows: Int32Array, random: Random): void {
    const layers = this.#dataset.model.layers.length;
    this.#fill(rows, () => (layers > 1 && random.next() < 0.5 ? random.below(layers - 1) : -1));
  }

  /** Rows spread without randomness. @param first index of the first row */
  spread(rows: Int32Array, first: number): void {
    const layers = this.#dataset.model.layers.length;
    this.#fill(rows, (index) => {
      const place = first + index;
      return layers > 1 && place % 2 === 1 ? Math.floor(place / 2) % (layers - 1) : -1;
    });
  }

  feeds(): Record<string, Ort.Tensor> {
    const { Tensor } = this.#ort;
    const { experts } = this.#dataset.model;
    const { rows } = this;
    const dense = Object.entries(this.#dense).filter(([name]) => name !== 'observed' || this.#network.observed);
    const tensors = dense.map(([name, data]) => [name, new Tensor('float32', data.subarray(0, rows * experts), [rows, experts])]);
    return {
      ...Object.fromEntries(tensors),
      scale: new Tensor('float32', Float32Array.of(this.#weight), []),
      ...(this.#network.tokenRows === null ? {} : { token_id: new Tensor('int64', this.#tokenId.subarray(0, rows), [rows]) }),
    };
  }

  #fill(rows: Int32Array, afterOf: (index: number) => number): void {
    const dataset = this.#dataset;
    const { experts, layers } = dataset.model;
    const { history, history_slow: slow, mask, observed, target } = this.#dense;
    this.rows = rows.length;
    target.fill(0);
    observed.fill(0);
    mask.fill(1);
    this.#weight = 0;
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index]!;
      const at = index * experts;
      const known = this.#network.observed ? afterOf(index) + 1 : 0;
      const asked = known === layers.length ? experts : layers[known]!.offset;
      dataset.history(row, history, slow, at);
      dataset.path(row, known, layers.length, target, at);
      dataset.path(row, 0, known, observed, at);
      mask.fill(0, at, at + asked);
      this.#weight += experts - asked;
      if (dataset.tokenIds !== null) this.#tokenId[index] = BigInt(dataset.tokenIds[row]!);
    }
  }
}
