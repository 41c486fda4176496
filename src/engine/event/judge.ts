import { PINNED } from '../../cache/policy.js';
import type { Pass } from '../../schedule/door.js';
import type { PrefetchOutcomes } from '../prefetch/outcomes.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { promotes } from '../vocabulary/rules.js';

/** Judge of a pass's choices at a layer before the event. */
export interface LayerJudge {
  judge(pass: Pass, layer: number): void;
}

/** L2: hits, late members and misses by residency at the known routing; L4: pins members. */
export class Judge {
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;
  readonly #outcomes: PrefetchOutcomes;
  readonly #seen: Uint8Array;
  /** True: prefetches or promotions exist, so members may be late. */
  readonly #ahead: boolean;

  constructor(gpu: Gpu, event: RunningEvent, outcomes: PrefetchOutcomes) {
    this.#gpu = gpu;
    this.#outcomes = outcomes;
    this.#event = event;
    this.#seen = new Uint8Array(gpu.model.experts);
    this.#ahead = gpu.prefetch !== null || promotes(gpu);
  }

  judge(layer: number, size: number): void {
    const { gpu, recorder } = this.#gpu;
    const seen = this.#seen;
    const event = this.#event;
    const { activations, counts, ids, single } = event.demand;
    const { base, resident } = gpu.byLayer[layer]!;
    const staged = gpu.staging?.held ?? null;
    const { hit, missed } = event;
    const { rank } = gpu;
    let hits = 0;
    let misses = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Hits are unpredictable: writing both lists avoids a branch.
      const held = staged === null ? resident[id - base]! : resident[id - base]! | staged[id]!;
      hit[hits] = i;
      missed[misses] = i;
      hits += held;
      misses += 1 - held;
      rank[id] = PINNED;
      if (seen[id] === 0) {
        seen[id] = 1;
        recorder.distinct++;
      }
    }
    event.waits = 0;
    event.inOrder = false;
    if (this.#ahead) hits = this.#judgeArrivals(layer, hits);
    event.hits = hits;
    event.standIns = 0;
    event.misses = misses;
    const late = event.waits;

    let hitActivations = hits;
    if (!single) {
      hitActivations = 0;
      for (let k = 0; k < hits; k++) hitActivations += counts[hit[k]!]!;
    }
    const { layers, phase } = recorder;
    layers.demanded[layer]! += size;
    layers.hits[layer]! += hits;
    layers.late[layer]! += late;
    layers.misses[layer]! += misses;
    phase.demanded += size;
    phase.hits += hits;
    phase.late += late;
    phase.misses += misses;
    phase.activations += activations;
    phase.hitActivations += hitActivations;
    event.observer?.judged(layer, hits, late, misses, event.startNs);
  }

  /** Splits `held` members into hits and late members: only prefetches are late. @returns hits */
  #judgeArrivals(layer: number, held: number): number {
    const { dram, gpu } = this.#gpu;
    const event = this.#event;
    const { ids } = event.demand;
    const { hit, startNs } = event;
    let hits = 0;
    for (let k = 0; k < held; k++) {
      const i = hit[k]!;
      const id = ids[i]!;
      const arrivalNs = gpu.arrivalNs[id]!;
      if (event.observer !== null && gpu.unused[id] === 1) event.observer.prefetchUsed(id, arrivalNs > startNs);
      if (arrivalNs <= startNs) {
        hit[hits++] = i;
        if (gpu.unused[id] === 1) this.#outcomes.used(id, 0);
      } else {
        gpu.link.promote(id);
        this.#outcomes.used(id, arrivalNs - startNs);
        event.readyNs[i] = arrivalNs;
        if (dram !== null) event.readNs[i] = dram.holds(id, layer) ? dram.arrivalNs[id]! : 0;
        event.waiting[event.waits++] = i;
      }
      gpu.unused[id] = 0;
    }
    return hits;
  }
}
