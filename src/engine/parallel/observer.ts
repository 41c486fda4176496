// The events of one GPU for an observer of the whole run: with ids of the whole model and the number of the GPU.

import type { Shard } from '../memory/shard.js';
import type { Link } from '../transfer/link.js';
import { type Observer, Onlooker } from '../transfer/observer.js';

/** Translates the events of one GPU. Passes and dense work belong to the whole run, which reports them itself. */
export class ShardObserver extends Onlooker implements Observer {
  readonly #observer: Observer;
  readonly #gpu: number;
  readonly #whole: Int32Array;

  constructor(observer: Observer, { gpu, whole }: Shard) {
    super();
    this.#observer = observer;
    this.#gpu = gpu;
    this.#whole = whole;
  }

  override judged(layer: number, hits: number, late: number, misses: number, nowNs: number): void {
    this.#observer.judged(layer, hits, late, misses, nowNs);
  }

  override planned(id: number, nowNs: number, costNs: number): void {
    this.#observer.planned(this.#whole[id]!, nowNs, costNs, this.#gpu);
  }

  override transferred(link: Link, lane: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    this.#observer.transferred(link, lane, this.#whole[id]!, bytes, startNs, endNs, prefetch);
  }

  override prefetchUsed(id: number, late: boolean): void {
    this.#observer.prefetchUsed(this.#whole[id]!, late, this.#gpu);
  }

  executed(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.executed?.(this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  override stalled(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.stalled(id < 0 ? id : this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  override computedOnCpu(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.computedOnCpu(this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  override evicted(id: number, layer: number, nowNs: number): void {
    this.#observer.evicted(this.#whole[id]!, layer, nowNs, this.#gpu);
  }
}
