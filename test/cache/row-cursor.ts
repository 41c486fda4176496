// Rows of a trace as demand: each token a pass of its own, each of its layers an event.
import type { DemandCursor } from '../../src/cache/demand.js';
import type { ModelSpec } from '../../src/model/spec.js';
import { NULL_EXPERT, type TraceChunk } from '../../src/trace/trace.js';

/** Walks the rows of a trace chunk as events of one token each, layer by layer. */
export class RowCursor implements DemandCursor {
  layer = 0;
  count = 0;
  readonly ids: Int32Array;
  readonly #offsets: Int32Array;
  readonly #layers: number;
  readonly #topK: number;
  #experts = new Uint16Array(0);
  #at = 0;
  #end = 0;
  #nextLayer = 0;

  /** @param topK width of a row per layer */
  constructor(model: ModelSpec, topK: number) {
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#layers = model.layers.length;
    this.#topK = topK;
    this.ids = new Int32Array(topK);
  }

  /** Starts on rows `[from, to)` of a chunk. */
  open(chunk: Pick<TraceChunk, 'experts'>, from: number, to: number): void {
    this.#experts = chunk.experts as Uint16Array<ArrayBuffer>;
    this.#at = from * this.#layers * this.#topK;
    this.#end = to * this.#layers * this.#topK;
    this.#nextLayer = 0;
  }

  next(): boolean {
    const { ids } = this;
    const experts = this.#experts;
    const topK = this.#topK;
    let at = this.#at;
    while (at < this.#end) {
      const layer = this.#nextLayer;
      this.#nextLayer = layer + 1 === this.#layers ? 0 : layer + 1;
      const offset = this.#offsets[layer]!;
      let count = 0;
      for (const end = at + topK; at < end; at++) {
        const expert = experts[at]!;
        if (expert !== NULL_EXPERT) ids[count++] = offset + expert;
      }
      if (count === 0) continue;
      this.layer = layer;
      this.count = count;
      this.#at = at;
      return true;
    }
    this.#at = at;
    return false;
  }
}
