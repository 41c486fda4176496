import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';

/** Engine interface for the serving loop: passes in, time out. */
export interface Fold {
  nowNs: number;
  /** Runs a pass from `nowNs` to its end. */
  run(pass: Pass): void;
  /**
   * Resizes a GPU's expert cache, at most to the initial capacity. @param gpu 0 for a single GPU @returns time at which
   * the memory is free, ns
   */
  resize(gpu: number, capacityBytes: number, nowNs: number): number;
  observe(observer: Observer): void;
}
