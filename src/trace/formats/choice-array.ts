// Arrays of choices [tokens, layers, top-k] as serving engines return them, one per request, and how they become rows: dense layers that
// are recorded as zeros are dropped, -1 and 65535 are null choices.
import { UserError } from '../../base/errors.js';
import type { TraceSource } from '../source.js';
import { TraceStore } from '../store.js';
import { NULL_EXPERT, PHASE, type RoutingTrace, type TraceMeta } from '../trace.js';
import { expected, type OpenOptions } from './format.js';

/** Choices of consecutive tokens of one request. */
export interface ChoiceArray {
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  /** `[tokens, layers, topK]` */
  readonly ids: ArrayLike<number>;
  /** Names the array in messages. */
  readonly place: string;
}

/** One request: its arrays in order. */
export interface ChoiceRequest {
  readonly arrays: Iterable<ChoiceArray>;
  /** Rows that are prompt; null where the format does not say. */
  readonly prompt: number | null;
  /** Position of the first row. */
  readonly first?: number;
  /** Token id of each row, where known. */
  readonly tokenIds?: readonly number[] | null;
}

/** Appends requests to a store whose shape the first array gives. */
export class ChoiceImporter {
  readonly #source: TraceSource;
  readonly #options: OpenOptions;
  readonly #meta: Partial<TraceMeta> & { readonly format: string };
  #store: TraceStore | null = null;
  /** Recorded layers that are kept. */
  #kept: number[] = [];
  #recorded = 0;
  #topK = 0;
  #requests = 0;

  constructor(source: TraceSource, options: OpenOptions, meta: Partial<TraceMeta> & { readonly format: string }) {
    this.#source = source;
    this.#options = options;
    this.#meta = meta;
  }

  /** @throws UserError where an array has another shape, or an id is none */
  add({ arrays, prompt, first = 0, tokenIds = null }: ChoiceRequest): void {
    let row = 0;
    for (const array of arrays) {
      if (array.tokens === 0) continue;
      const store = (this.#store ??= this.#begin(array, prompt !== null, tokenIds !== null));
      if (array.layers !== this.#recorded || array.topK !== this.#topK) {
        throw new UserError(
          `${array.place}: shape [${array.tokens}, ${array.layers}, ${array.topK}], earlier ones are [.., ${this.#recorded}, ${this.#topK}]; keep one model a file`,
        );
      }
      for (let token = 0; token < array.tokens; token++, row++) {
        store.seek(store.rows);
        this.#row(array, token, store);
        if (tokenIds !== null) store.tokenIds[store.tokenAt] = tokenIds[row] ?? 0;
        store.addRow(this.#requests, first + row, prompt !== null && row < prompt ? PHASE.prefill : PHASE.decode);
      }
    }
    if (row > 0) this.#requests++;
  }

  /** @throws UserError where nothing was added */
  finish(): RoutingTrace {
    if (this.#store === null) throw new UserError(`${this.#source.path}: it holds no routed experts; was the recording turned on?`);
    const dropped = this.#recorded - this.#kept.length;
    return this.#store.finish(
      expected(this.#options, this.#kept.length).experts,
      {
        model: null,
        synthetic: false,
        expertBytes: null,
        ...this.#meta,
        notes: { ...this.#meta.notes, ...(dropped > 0 ? { dense_layers_dropped: String(dropped) } : {}) },
      },
      this.#source,
    );
  }

  /** Drops what was stored; for importers that fail half way. */
  close(): void {
    this.#store?.close();
  }

  #begin(array: ChoiceArray, phases: boolean, tokenIds: boolean): TraceStore {
    this.#recorded = array.layers;
    this.#topK = array.topK;
    this.#kept = [];
    for (let layer = 0; layer < array.layers; layer++) if (!isDense(array, layer)) this.#kept.push(layer);
    if (this.#kept.length === 0) throw new UserError(`${array.place}: all choices are expert 0; the recording is empty`);
    return new TraceStore({ path: this.#source.path, layers: this.#kept.length, topK: array.topK, phases, tokenIds });
  }

  #row(array: ChoiceArray, token: number, store: TraceStore): void {
    const { layers, topK, ids } = array;
    this.#kept.forEach((layer, index) => {
      const from = (token * layers + layer) * topK;
      const to = store.idsAt + index * topK;
      for (let k = 0; k < topK; k++) {
        const id = ids[from + k]!;
        if (!Number.isInteger(id) || id < -1 || id > NULL_EXPERT) {
          throw new UserError(`${array.place}: token ${token}, layer ${layer}: ${id} is not an expert id; is the number of layers right?`);
        }
        store.ids[to + k] = id;
      }
    });
  }
}

/** True where a recorded layer is no MoE layer: engines that record all layers leave zeros there, which no router chooses twice. */
function isDense({ tokens, layers, topK, ids }: ChoiceArray, layer: number): boolean {
  if (topK === 1 && tokens < 8) return false;
  for (let token = 0; token < tokens; token++) {
    const from = (token * layers + layer) * topK;
    for (let k = 0; k < topK; k++) if (ids[from + k] !== 0) return false;
  }
  return true;
}
