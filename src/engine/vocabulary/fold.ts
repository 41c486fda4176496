// The interface between the serving loop and the engine: passes go in, time comes out. One GPU and several GPUs have different engines.
import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';

/** Runs passes one after another. */
export interface Fold {
  /** Simulated time, ns. */
  nowNs: number;
  /** Runs one pass from `nowNs` on; `nowNs` is its end afterwards. */
  run(pass: Pass): void;
  /**
   * Changes the capacity of one GPU's expert cache between two passes.
   * @param gpu its number; 0 where there is one
   * @param capacityBytes at most what the cache was built with
   * @returns when the memory that it gives up is free, ns
   */
  resize(gpu: number, capacityBytes: number, nowNs: number): number;
  /** Attaches an observer to the run. */
  observe(observer: Observer): void;
}
