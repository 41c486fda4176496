import type { Observer } from './observer.js';

/** No expert, or no buffer. */
const NONE = -1;

/** L11: outside the cache, so a wrong prefetch evicts nothing. A demand swaps the buffer for a slot. */
export class Staging {
  observer: Observer | null = null;
  /** Counter of experts leaving unused; null: no count. */
  outcomes: { wasted(id: number): void } | null = null;
  /** By dense id: 1 in a buffer or in transfer. */
  readonly held: Uint8Array;
  readonly #layerOf: Uint16Array;
  /** By buffer: expert, NONE if free; and time of release, ns. */
  readonly #tenant: Int32Array;
  readonly #freeNs: Float64Array;
  /** By dense id: buffer; and 1 if the expert leaves on arrival. */
  readonly #bufferOf: Int32Array;
  readonly #leaves: Uint8Array;
  #count = 0;

  /** @param buffers number of buffers for the largest expert */
  constructor(buffers: number, layerOf: Uint16Array) {
    const experts = layerOf.length;
    this.#layerOf = layerOf;
    this.held = new Uint8Array(experts);
    this.#tenant = new Int32Array(buffers).fill(NONE);
    this.#freeNs = new Float64Array(buffers);
    this.#bufferOf = new Int32Array(experts).fill(NONE);
    this.#leaves = new Uint8Array(experts);
  }

  /** Takes the earliest free buffer. @returns time of release, ns; -1: no buffer */
  take(id: number): number {
    if (this.#count === this.#tenant.length) return -1;
    let buffer = NONE;
    for (let b = 0; b < this.#tenant.length; b++) {
      if (this.#tenant[b] === NONE && (buffer === NONE || this.#freeNs[b]! < this.#freeNs[buffer]!)) buffer = b;
    }
    this.#tenant[buffer] = id;
    this.#bufferOf[id] = buffer;
    this.held[id] = 1;
    this.#count++;
    return this.#freeNs[buffer]!;
  }

  free(id: number, freeNs: number): void {
    const buffer = this.#bufferOf[id]!;
    this.#tenant[buffer] = NONE;
    this.#freeNs[buffer] = freeNs;
    this.#bufferOf[id] = NONE;
    this.held[id] = this.#leaves[id] = 0;
    this.#count--;
  }

  wanted(id: number): void {
    this.#leaves[id] = 0;
  }

  /** Releases, at `nowNs` or on arrival, experts staged up to `layer`, except the first `size` of `demand`. */
  known(layer: number, demand: Int32Array, size: number, arrivalNs: Float64Array, nowNs: number): void {
    if (this.#count === 0) return;
    const layerOf = this.#layerOf;
    for (const id of this.#tenant) if (id !== NONE && layerOf[id]! <= layer) this.#leaves[id] = 1;
    for (let i = 0; i < size; i++) this.#leaves[demand[i]!] = 0;
    for (const id of this.#tenant) if (id !== NONE && this.#leaves[id] === 1 && arrivalNs[id]! <= nowNs) this.#discard(id, nowNs);
  }

  arrived(id: number, nowNs: number): void {
    if (this.#leaves[id] === 1) this.#discard(id, nowNs);
  }

  #discard(id: number, nowNs: number): void {
    this.observer?.evicted(id, this.#layerOf[id]!, nowNs);
    this.free(id, nowNs);
    this.outcomes?.wasted(id);
  }
}
