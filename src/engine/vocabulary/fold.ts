import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';

/** The interface between the serving loop and the engine: passes go in, time comes out. One GPU and several GPUs have different engines. */
export interface Fold {
  nowNs: number;
  /** Runs one pass from `nowNs` on; `nowNs` is its end afterwards. */
  run(pass: Pass): void;
  /** Changes the capacity of one GPU's expert cache, at most to the initial one. @param gpu 0 if there is one @returns when the memory is free, ns */
  resize(gpu: number, capacityBytes: number, nowNs: number): number;
  observe(observer: Observer): void;
}
