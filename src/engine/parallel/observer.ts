// One GPU's events as a watcher of the whole run sees them: with the whole model's ids, and with the GPU's number.
import type { Pass } from '../../schedule/pass.js';
import type { Link } from '../transfer/link.js';
import type { Observer } from '../watch/observer.js';
import type { Shard } from './shard.js';

/** Translates. */
export class ShardObserver implements Observer {
  readonly #observer: Observer;
  readonly #gpu: number;
  readonly #whole: Int32Array;

  constructor(observer: Observer, { gpu, whole }: Shard) {
    this.#observer = observer;
    this.#gpu = gpu;
    this.#whole = whole;
  }

  passStarted(pass: Pass, nowNs: number): void {
    this.#observer.passStarted(pass, nowNs);
  }

  passEnded(pass: Pass, startNs: number, endNs: number): void {
    this.#observer.passEnded(pass, startNs, endNs);
  }

  dense(layer: number, startNs: number, endNs: number): void {
    this.#observer.dense(layer, startNs, endNs);
  }

  judged(layer: number, hits: number, late: number, misses: number, nowNs: number): void {
    this.#observer.judged(layer, hits, late, misses, nowNs);
  }

  planned(id: number, nowNs: number, costNs: number): void {
    this.#observer.planned(this.#whole[id]!, nowNs, costNs, this.#gpu);
  }

  transferred(link: Link, lane: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    this.#observer.transferred(link, lane, this.#whole[id]!, bytes, startNs, endNs, prefetch);
  }

  prefetchUsed(id: number, late: boolean): void {
    this.#observer.prefetchUsed(this.#whole[id]!, late, this.#gpu);
  }

  executed(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.executed?.(this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  stalled(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.stalled(id < 0 ? id : this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  computedOnCpu(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.computedOnCpu(this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  evicted(id: number, layer: number, nowNs: number): void {
    this.#observer.evicted(this.#whole[id]!, layer, nowNs, this.#gpu);
  }
}
