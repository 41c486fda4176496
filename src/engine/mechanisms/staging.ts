import { stagingBuffers } from '../../system/door.js';
import { ArrivalJudge } from '../event/judge.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import { EachMiss } from '../event/place-each.js';
import type { Observer } from '../transfer/observer.js';
import { Staging } from '../transfer/staging.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** Judge that counts staged members as present. */
class StagedJudge extends ArrivalJudge {
  readonly #held: Uint8Array;

  constructor({ event, gpu, outcomes }: GpuParts, { held }: Staging) {
    super(gpu, event, outcomes);
    this.#held = held;
  }

  protected override arrivals(layer: number): void {
    this.#find();
    super.arrivals(layer);
  }

  /** Moves staged members from misses to hits, both in order. */
  #find(): void {
    const { event } = this;
    const { hit, missed } = event;
    const { ids } = event.demand;
    let misses = 0;
    for (let k = 0; k < event.misses; k++) {
      const i = missed[k]!;
      if (this.#held[ids[i]!] === 0) {
        missed[misses++] = i;
        continue;
      }
      let at = event.hits++;
      for (; at > 0 && hit[at - 1]! > i; at--) hit[at] = hit[at - 1]!;
      hit[at] = i;
    }
    event.misses = misses;
  }
}

/** Placement with staging buffers: a demanded expert swaps its buffer for a slot. */
class StagedMisses extends EachMiss {
  readonly #staging: Staging;

  constructor({ event, evictions, gpu }: GpuParts, staging: Staging, ...rest: readonly [EachMiss['choice'], boolean]) {
    super(gpu, event, evictions, ...rest);
    this.#staging = staging;
  }

  protected override absent(layer: number, i: number): void {
    if (this.#staging.held[this.event.demand.ids[i]!] === 1) this.#moveIn(layer, i);
    else super.absent(layer, i);
  }

  /** Moves the prefetched member `i` from buffer to cache, or executes it in the buffer. */
  #moveIn(layer: number, i: number): void {
    const { evictions, event } = this;
    const at = this.choice.of(0, i);
    if (!this.services[at]!.keeps) {
      this.passBy(i, layer);
      return;
    }
    const id = event.demand.ids[i]!;
    evictions.slotFreeNs = event.startNs;
    const admitted = this.gpu.gpu.admit(id, layer, true, 0, this.gpu.onMiss[at]!.admit === 'always');
    evictions.account(event.startNs);
    if (admitted) this.#staging.free(id, evictions.slotFreeNs);
  }
}

function onGpu(parts: GpuParts, buffers: number): FoldPart {
  const { gpu, layerOf } = parts.gpu;
  const staging = new Staging(buffers, layerOf);
  staging.outcomes = parts.outcomes;
  gpu.staging = staging;
  parts.ahead.staging = staging;
  const ending = (ids: Int32Array, size: number, nowNs: number): void => {
    for (let i = 0; i < size; i++) if (staging.held[ids[i]!] === 1) staging.free(ids[i]!, nowNs);
  };
  const observe = (observer: Observer): void => {
    staging.observer = observer;
  };
  return {
    hooks: [{ ending, observe }],
    always: true,
    judge: () => new StagedJudge(parts, staging),
    place: (choice, compares) => new StagedMisses(parts, staging, choice, compares),
  };
}

/** Staging in a run. */
export const stagedIn = (buffers: (parts: GpuParts) => number): RunPart => ({
  on(parts) {
    const count = buffers(parts);
    return count === 0 ? null : onGpu(parts, count);
  },
});

/** Buffers for prefetched experts, outside the cache. */
export const STAGING: Mechanism = {
  name: 'staging',
  law: 'L11',
  inRun({ plan: { inputs } }) {
    const { predictor, prefetch } = inputs.system;
    const { staging } = prefetch;
    if (staging === undefined || predictor.kind.name === 'none') return null;
    return stagedIn(({ gpu }) => stagingBuffers(staging, gpu.model));
  },
};
