import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';
import type { CachedTier } from '../transfer/tier.js';
import type { RunningEvent } from './event.js';

/**
 * Work on a GPU added to the plain fold. The fold calls existing hooks only, in the order of the registry. Times are
 * ns; `ids` holds `size` distinct members.
 */
export interface Hooks {
  observe?(observer: Observer): void;
  passBegan?(pass: Pass, startNs: number): void;
  /** L12: the routing of `layer` is known. */
  known?(pass: Pass, layer: number, ids: Int32Array, size: number, nowNs: number): void;
  /** After every `known`: predictors learn. */
  learned?(pass: Pass, layer: number, nowNs: number): void;
  /** Starts transfers due before `untilNs`. @param routing true: a routing became known; false: an event ended */
  advance?(untilNs: number, routing: boolean): void;
  /** Demand of an event, before its judgement. */
  demanded?(layer: number, ids: Int32Array, size: number): void;
  judged?(event: RunningEvent, layer: number): void;
  /** The last demand of `layer` in the pass is placed. */
  placed?(pass: Pass, layer: number, nowNs: number): void;
  executed?(event: RunningEvent, layer: number): void;
  /** The event ends at `nowNs`: members are pinned, then free. */
  ending?(ids: Int32Array, size: number, nowNs: number): void;
  ended?(nowNs: number): void;
  passEnded?(durationNs: number): void;
  /** The GPU's last victims leave at `nowNs`. @returns time at which their slots are free; 0: at once */
  evicted?(nowNs: number): number;
  lostByDram?(dram: CachedTier, nowNs: number): void;
  /** A copy or another expert serves a missed member. */
  degraded?(id: number): void;
}

/** Hooks with a method, in order. */
export const having = <N extends keyof Hooks>(hooks: readonly Hooks[], name: N) =>
  hooks.filter((hook): hook is Hooks & Required<Pick<Hooks, N>> => hook[name] !== undefined);

/** Experts of a layer with a slot: 1 at `id - base`. */
export interface Residents {
  readonly base: number;
  readonly resident: Uint8Array;
}

/** Work added to the fold of a run, on all GPUs at once. */
export interface RunHooks {
  /** Before the routing of `layer` is known: choices may change. */
  choosing?(pass: Pass, layer: number, residents: Residents): void;
  routed?(nowNs: number): void;
  /** Judges the pass's choices at `layer` before the event. */
  judge?(pass: Pass, layer: number): void;
  /** The last layer's event ended at `nowNs`. @returns end of work left to wait for, ns */
  layersEnded?(nowNs: number): number;
}

/** Hooks of a run with a method, in order. */
export const havingOfRun = <N extends keyof RunHooks>(hooks: readonly RunHooks[], name: N) =>
  hooks.filter((hook): hook is RunHooks & Required<Pick<RunHooks, N>> => hook[name] !== undefined);
