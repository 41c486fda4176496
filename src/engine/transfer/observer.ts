import type { Pass } from '../../schedule/door.js';
import type { Link, LinkObserver } from './link.js';

/**
 * Observer of a run. Times are simulated ns, experts dense ids, arguments read-only; `gpu` is absent with a single GPU.
 */
export interface Observer extends LinkObserver {
  passStarted(pass: Pass, nowNs: number): void;
  passEnded(pass: Pass, startNs: number, endNs: number): void;
  /** Drafting of the pass's tokens. Absent: not observed. */
  drafted?(startNs: number, endNs: number): void;
  /** Dense part before MoE layer `layer`; the number of layers: part after the last layer. */
  dense(layer: number, startNs: number, endNs: number): void;
  judged(layer: number, hits: number, late: number, misses: number, nowNs: number): void;
  /** A prediction of cost `costNs` planned a prefetch at `nowNs`. */
  planned(id: number, nowNs: number, costNs: number, gpu?: number): void;
  /** First demand of a prefetched expert; `late`: still in flight. */
  prefetchUsed(id: number, late: boolean, gpu?: number): void;
  /** Absent: no report per member. */
  executed?(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void;
  /** Wait for expert `id`; -1: for CPU, activations or remote GPUs. */
  stalled(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void;
  computedOnCpu(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void;
  /** An expert leaves the GPU's cache, or its buffer unused. */
  evicted(id: number, layer: number, nowNs: number, gpu?: number): void;
  /** All-to-all exchange of activations, or of results `back`. */
  exchanged?(layer: number, startNs: number, endNs: number, back: boolean): void;
}

/** Base class with empty methods. */
export class Onlooker implements Observer {
  passStarted(_pass: Pass, _nowNs: number): void {}
  passEnded(_pass: Pass, _startNs: number, _endNs: number): void {}
  dense(_layer: number, _startNs: number, _endNs: number): void {}
  judged(_layer: number, _hits: number, _late: number, _misses: number, _nowNs: number): void {}
  planned(_id: number, _nowNs: number, _costNs: number, _gpu?: number): void {}
  transferred(_link: Link, _lane: number, _id: number, _bytes: number, _startNs: number, _endNs: number, _prefetch: boolean): void {}
  prefetchUsed(_id: number, _late: boolean, _gpu?: number): void {}
  stalled(_id: number, _layer: number, _startNs: number, _endNs: number, _gpu?: number): void {}
  computedOnCpu(_id: number, _layer: number, _startNs: number, _endNs: number, _gpu?: number): void {}
  evicted(_id: number, _layer: number, _nowNs: number, _gpu?: number): void {}
}

const METHODS: readonly (keyof Observer)[] = [
  ...(['passStarted', 'passEnded', 'drafted', 'dense', 'judged', 'planned', 'transferred', 'prefetchUsed'] as const),
  ...(['executed', 'stalled', 'computedOnCpu', 'evicted', 'exchanged'] as const),
];

/** Several observers in a single observer; null: no observers. */
export function observers(all: readonly Observer[]): Observer | null {
  if (all.length < 2) return all[0] ?? null;
  const broadcast = (method: keyof Observer) => {
    const able = all.filter((observer) => observer[method] !== undefined) as readonly Readonly<
      Record<keyof Observer, (...args: unknown[]) => void>
    >[];
    const tell = (...args: unknown[]): void => able.forEach((observer) => void observer[method](...args));
    return able.length === 0 ? [] : [[method, tell]];
  };
  return Object.fromEntries(METHODS.flatMap(broadcast)) as unknown as Observer;
}
