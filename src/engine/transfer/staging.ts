import type { Observer } from './observer.js';

/** No expert, and no buffer. */
const NONE = -1;

/** Buffers outside the cache for prefetched experts (L11), so that a wrong prefetch evicts nothing. A demand swaps its buffer for a slot. */
export class Staging {
  /** The observer of experts that leave unused; null: there is none. */
  observer: Observer | null = null;
  /** Counts them; null: they are not counted. */
  outcomes: { wasted(id: number): void } | null = null;
  /** By dense id: 1 if an expert is in a buffer, or on its way into one. */
  readonly held: Uint8Array;
  readonly #layerOf: Uint16Array;
  /** Expert of each buffer, NONE if it is free; and the time from which it is free. */
  readonly #tenant: Int32Array;
  readonly #freeNs: Float64Array;
  /** By dense id: its buffer; and 1 if it leaves as soon as it has arrived. */
  readonly #bufferOf: Int32Array;
  readonly #leaves: Uint8Array;
  #count = 0;

  /** @param buffers their number; each is as large as the largest expert @param layerOf MoE layer of each expert, by dense id */
  constructor(buffers: number, layerOf: Uint16Array) {
    const experts = layerOf.length;
    this.#layerOf = layerOf;
    this.held = new Uint8Array(experts);
    this.#tenant = new Int32Array(buffers).fill(NONE);
    this.#freeNs = new Float64Array(buffers);
    this.#bufferOf = new Int32Array(experts).fill(NONE);
    this.#leaves = new Uint8Array(experts);
  }

  /** Gives an expert the buffer that is free first. @returns the time at which it is free, ns; -1: none is */
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

  /** Frees the buffer of an expert at `freeNs`, after its execution or its move into the cache. */
  free(id: number, freeNs: number): void {
    const buffer = this.#bufferOf[id]!;
    this.#tenant[buffer] = NONE;
    this.#freeNs[buffer] = freeNs;
    this.#bufferOf[id] = NONE;
    this.held[id] = this.#leaves[id] = 0;
    this.#count--;
  }

  /** Keeps an expert that is wanted again, if it was to leave on arrival. */
  wanted(id: number): void {
    this.#leaves[id] = 0;
  }

  /** Releases, at `nowNs` or on arrival, the experts staged for `layer` and earlier ones, except the first `size` of `demand`. */
  known(layer: number, demand: Int32Array, size: number, arrivalNs: Float64Array, nowNs: number): void {
    if (this.#count === 0) return;
    const layerOf = this.#layerOf;
    for (const id of this.#tenant) if (id !== NONE && layerOf[id]! <= layer) this.#leaves[id] = 1;
    for (let i = 0; i < size; i++) this.#leaves[demand[i]!] = 0;
    for (const id of this.#tenant) if (id !== NONE && this.#leaves[id] === 1 && arrivalNs[id]! <= nowNs) this.#discard(id, nowNs);
  }

  /** Releases an expert that has arrived by `nowNs` if it is no longer wanted. */
  arrived(id: number, nowNs: number): void {
    if (this.#leaves[id] === 1) this.#discard(id, nowNs);
  }

  #discard(id: number, nowNs: number): void {
    this.observer?.evicted(id, this.#layerOf[id]!, nowNs);
    this.free(id, nowNs);
    this.outcomes?.wasted(id);
  }
}
