// Executes the members of an event on a GPU (L9): hits first, then the others as they arrive, and the event ends when the CPU has also
// finished its part and the results deferred to this event.
import { arriveTogether, type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { gpuPartsNs } from './parts.js';

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
    if (this.#alone) this.#count(layer, computeNs, stallNs);
    else this.#besideCpu(layer, computeNs, stallNs);
  }

  /** Waits for the CPU's part of the event, and for the results deferred to it, after the GPU's part has ended. */
  #besideCpu(layer: number, computeNs: number, stallNs: number): void {
    const { cost, deferral, dram, recorder } = this.#gpu;
    const event = this.#event;
    const gpuNs = event.endNs;
    const restNs = gpuPartsNs(this.#gpu, event, layer);
    event.cpuEndNs = event.cpuExperts > 0 ? endOnCpu(this.#gpu, event, layer) : 0;
    const endNs = Math.max(gpuNs, event.cpuEndNs, deferral?.awaitedNs ?? 0);
    // A layer on the CPU has no wait for the CPU: its experts are the work.
    if (cost.onCpu[layer] === 1) this.#count(layer, computeNs + (endNs - gpuNs) + restNs, stallNs);
    else {
      const readNs = dram === null || event.cpuEndNs <= gpuNs ? 0 : Math.min(endNs - gpuNs, cpuReadNs(event));
      recorder.phase.cpuStallNs += endNs - gpuNs - readNs;
      recorder.phase.ssdStallNs += readNs;
      this.#count(layer, computeNs + restNs, stallNs + (endNs - gpuNs));
    }
    event.endNs = endNs + restNs;
  }

  #count(layer: number, computeNs: number, stallNs: number): void {
    const { layers, phase } = this.#gpu.recorder;
    this.#event.stallNs = stallNs;
    layers.computeNs[layer]! += computeNs;
    layers.stallNs[layer]! += stallNs;
    phase.computeNs += computeNs;
    phase.stallNs += stallNs;
  }
}

/** Counts the CPU's work of the event; @returns when the work that is not deferred has ended, ns; 0: all of it is deferred. */
function endOnCpu({ cost, recorder }: Gpu, event: RunningEvent, layer: number): number {
  const { counts } = event.demand;
  for (let k = 0; k < event.cpuExperts; k++) {
    const ns = cost.cpuExpertNs(layer, counts[event.onCpu[k]!]!);
    recorder.layers.cpuNs[layer]! += ns;
    recorder.phase.cpuNs += ns;
  }
  recorder.cpuExperts += event.cpuExperts;
  const own = event.cpuExperts - event.deferred;
  event.cpuExperts = 0;
  event.deferred = 0;
  return own === 0 ? 0 : event.cpuNs.reduce((latest, ns) => Math.max(latest, ns));
}

/** Wait for the SSD of the CPU queue that ends last, ns. */
function cpuReadNs({ cpuNs, cpuReadNs: waitedNs }: RunningEvent): number {
  let last = 0;
  for (let queue = 1; queue < cpuNs.length; queue++) if (cpuNs[queue]! > cpuNs[last]!) last = queue;
  return waitedNs[last]!;
}
