// Executes the members of an event on a GPU (L9): hits first, then the others as they arrive, and the event ends when the CPU has also
// finished its part and the results deferred to this event.
import { arriveTogether, type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { awaitCpu } from './cpu-end.js';

/** Executes events on one GPU. */
export class Executor {
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;
  /** True: the CPU computes nothing of any event. */
  readonly #alone: boolean;

  constructor(gpu: Gpu, event: RunningEvent) {
    this.#gpu = gpu;
    this.#event = event;
    this.#alone = gpu.onMiss.every((rule) => rule.do !== 'cpu' && rule.do !== 'cheaper');
  }

  /** Executes the event. */
  execute(layer: number): void {
    const { cost, dram, recorder } = this.#gpu;
    const event = this.#event;
    const { counts, single } = event.demand;
    const { hit, hits, readyNs, waiting, waits } = event;
    const singleNs = cost.singleNs[layer]!;
    let gpuNs = event.startNs;
    let computeNs = 0;
    // Summed gap by gap, so that without gaps it is 0 and not a rounding error.
    let stallNs = 0;
    for (let k = 0; k < hits; k++) {
      const ns = single ? singleNs : cost.expertNs(layer, counts[hit[k]!]!);
      gpuNs += ns;
      computeNs += ns;
    }
    event.hitsEndNs = gpuNs;
    if (!this.#gpu.overlaps) {
      arriveTogether(waiting, waits, readyNs);
      if (dram !== null) arriveTogether(waiting, waits, event.readNs);
    } else if (!event.inOrder) sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) {
      const i = waiting[k]!;
      const ns = single ? singleNs : cost.expertNs(layer, counts[i]!);
      const startsNs = Math.max(gpuNs, readyNs[i]!);
      stallNs += startsNs - gpuNs;
      if (dram !== null) recorder.phase.ssdStallNs += Math.max(0, Math.min(startsNs, event.readNs[i]!) - gpuNs);
      gpuNs = startsNs + ns;
      computeNs += ns;
    }
    event.endNs = gpuNs;
    event.stallNs = stallNs;
    if (this.#alone) recorder.spent(layer, computeNs, stallNs);
    else awaitCpu(this.#gpu, event, layer, computeNs);
  }
}
