import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';

/** Interface of engines for the serving loop: passes in, time out. One GPU and several have different engines. */
export interface Fold {
  nowNs: number;
  /** Runs a pass from `nowNs`, then its end. */
  run(pass: Pass): void;
  /**
   * Capacity of a GPU's expert cache, at most the initial one. @param gpu 0 for a single GPU @returns time at which the
   * memory is free, ns
   */
  resize(gpu: number, capacityBytes: number, nowNs: number): number;
  observe(observer: Observer): void;
}
