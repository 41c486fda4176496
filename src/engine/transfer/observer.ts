import type { Pass } from '../../schedule/door.js';
import type { Link, LinkObserver } from './link.js';

/** Watches a run. Times are simulated ns, experts dense ids; arguments must not be changed. `gpu` is absent if there is only one. */
export interface Observer extends LinkObserver {
  passStarted(pass: Pass, nowNs: number): void;
  passEnded(pass: Pass, startNs: number, endNs: number): void;
  /** Tokens are drafted that the pass verifies, before all else. Absent: not observed. */
  drafted?(startNs: number, endNs: number): void;
  /** The GPU runs the dense part before MoE layer `layer`; the number of layers stands for what follows the last one. */
  dense(layer: number, startNs: number, endNs: number): void;
  /** An event of `layer` was judged (L2). */
  judged(layer: number, hits: number, late: number, misses: number, nowNs: number): void;
  /** A prefetch of expert `id` was decided at `nowNs` by a prediction that takes `costNs`. */
  planned(id: number, nowNs: number, costNs: number, gpu?: number): void;
  /** A prefetched expert is demanded for the first time; `late`: it has not arrived yet. */
  prefetchUsed(id: number, late: boolean, gpu?: number): void;
  /** The GPU executes an expert. Absent: not observed, and the members of an event are not reported one by one. */
  executed?(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void;
  /** The GPU waits inside an event: for expert `id`, or, if it is -1, for the CPU, for activations or for the other GPUs. */
  stalled(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void;
  /** The CPU computes an expert from its memory. */
  computedOnCpu(id: number, layer: number, startNs: number, endNs: number, gpu?: number): void;
  /** An expert leaves the GPU's cache, or its buffer without a demand. */
  evicted(id: number, layer: number, nowNs: number, gpu?: number): void;
  /** All GPUs exchange activations, all-to-all: a chunk is sent to its experts, or its results are sent back. */
  exchanged?(layer: number, startNs: number, endNs: number, back: boolean): void;
}

/** Watches nothing: for observers that look at a few events only. */
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

/** Several observers as one; null if there is none. */
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
