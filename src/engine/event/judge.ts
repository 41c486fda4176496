import { PINNED } from '../../cache/policy.js';
import type { PrefetchOutcomes } from '../prefetch/outcomes.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** L2: hits, late members and misses by residency at the known routing; L4: pins members. */
export class Judge {
  protected readonly gpu: Gpu;
  protected readonly event: RunningEvent;
  readonly #seen: Uint8Array;

  constructor(gpu: Gpu, event: RunningEvent) {
    this.gpu = gpu;
    this.event = event;
    this.#seen = new Uint8Array(gpu.model.experts);
  }

  judge(layer: number, size: number): void {
    const { gpu, recorder } = this.gpu;
    const seen = this.#seen;
    const { event } = this;
    const { activations, counts, ids, single } = event.demand;
    const { base, resident } = gpu.byLayer[layer]!;
    const { hit, missed } = event;
    const { rank } = gpu;
    let hits = 0;
    let misses = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Hits are unpredictable: writing both lists avoids a branch.
      const held = resident[id - base]!;
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
    event.standIns = 0;
    event.hits = hits;
    event.misses = misses;
    this.arrivals(layer);
    hits = event.hits;
    misses = event.misses;
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

  /** Late members among hits: without prefetches, no member is late. */
  protected arrivals(_layer: number): void {}
}

/** Judge of a GPU with prefetches or promotions: members may be late. */
export class ArrivalJudge extends Judge {
  readonly #outcomes: PrefetchOutcomes;

  constructor(gpu: Gpu, event: RunningEvent, outcomes: PrefetchOutcomes) {
    super(gpu, event);
    this.#outcomes = outcomes;
  }

  /** Splits present members into hits and late members: only prefetches are late. */
  protected override arrivals(layer: number): void {
    const { dram, gpu } = this.gpu;
    const { event } = this;
    const { ids } = event.demand;
    const { hit, hits: held, startNs } = event;
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
    event.hits = hits;
  }
}
