import { computesMisses } from '../../system/door.js';
import { arriveTogether, type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** L9 on a GPU: hits, then arrivals; an event ends after the CPU's part and deferred results. */
export class Executor {
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;
  readonly #alone: boolean;
  /** True: kernels read misses over the link, for the longer of read and work. */
  readonly #inPlace: boolean;

  constructor(gpu: Gpu, event: RunningEvent) {
    this.#gpu = gpu;
    this.#event = event;
    this.#alone = gpu.onMiss.every((rule) => !computesMisses(rule));
    this.#inPlace = gpu.onMiss.every((rule) => rule.inPlace === true);
  }

  execute(layer: number): void {
    const { cost, dram, gpu, model, recorder } = this.#gpu;
    const event = this.#event;
    const { counts, single } = event.demand;
    const { hit, hits, readyNs, waiting, waits } = event;
    const singleNs = cost.singleNs[layer]!;
    const readNs = this.#inPlace ? gpu.link.transferNs(model.layers[layer]!.expertBytes) : 0;
    let gpuNs = event.startNs;
    let computeNs = 0;
    // Summed gap by gap: no gaps give 0, not a rounding error.
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
      let ns = single ? singleNs : cost.expertNs(layer, counts[i]!);
      if (i === event.shared) ns = cost.expertNs(layer, counts[i]!, 1 - event.cpuShare);
      const startsNs = Math.max(gpuNs, readyNs[i]! - readNs);
      stallNs += startsNs - gpuNs + Math.max(0, readNs - ns);
      if (dram !== null) recorder.phase.ssdStallNs += Math.max(0, Math.min(startsNs, event.readNs[i]!) - gpuNs);
      gpuNs = startsNs + Math.max(ns, readNs);
      computeNs += ns;
    }
    event.endNs = gpuNs;
    event.stallNs = stallNs;
    if (this.#alone) recorder.spent(layer, computeNs, stallNs);
    else awaitCpu(this.#gpu, event, layer, computeNs);
  }
}

/** Ends an event after GPU part, CPU part and awaited deferred results; counts times. */
function awaitCpu(gpu: Gpu, event: RunningEvent, layer: number, computeNs: number): void {
  const { cost, deferral, dram, recorder } = gpu;
  const gpuNs = event.endNs;
  const restNs = gpuPartsNs(gpu, event, layer);
  event.cpuEndNs = event.cpuExperts > 0 ? endOnCpu(gpu, event, layer) : 0;
  const endNs = Math.max(gpuNs, event.cpuEndNs, deferral?.awaitedNs ?? 0);
  event.endNs = endNs + restNs;
  // On a CPU layer experts are work, not a wait.
  if (cost.onCpu[layer] === 1) recorder.spent(layer, computeNs + (endNs - gpuNs) + restNs, event.stallNs);
  else {
    const readNs = dram === null || event.cpuEndNs <= gpuNs ? 0 : Math.min(endNs - gpuNs, cpuReadNs(event));
    recorder.phase.cpuStallNs += endNs - gpuNs - readNs;
    recorder.phase.ssdStallNs += readNs;
    event.stallNs += endNs - gpuNs;
    recorder.spent(layer, computeNs + restNs, event.stallNs);
  }
}

/** Counts the CPU's work. @returns end of undeferred work, ns; 0: all deferred */
function endOnCpu({ cost, recorder }: Gpu, event: RunningEvent, layer: number): number {
  const { counts } = event.demand;
  for (let k = 0; k < event.cpuExperts; k++) {
    const i = event.onCpu[k]!;
    const ns = cost.cpuExpertNs(layer, counts[i]!, i === event.shared ? event.cpuShare : 1);
    recorder.layers.cpuNs[layer]! += ns;
    recorder.phase.cpuNs += ns;
  }
  recorder.cpuExperts += event.cpuExperts;
  const computed = event.cpuExperts - event.deferred;
  event.cpuExperts = 0;
  event.deferred = 0;
  return computed === 0 ? 0 : event.cpuNs.reduce((latest, ns) => Math.max(latest, ns));
}

/** SSD wait of the last CPU queue, ns. */
function cpuReadNs({ cpuNs, cpuReadNs: waitedNs }: RunningEvent): number {
  let last = 0;
  for (let queue = 1; queue < cpuNs.length; queue++) if (cpuNs[queue]! > cpuNs[last]!) last = queue;
  return waitedNs[last]!;
}

/** GPU time of members begun by the CPU, ns; 0 in layers on a single device. */
function gpuPartsNs({ cost }: Gpu, event: RunningEvent, layer: number): number {
  event.parts = layer === cost.splitLayer ? event.cpuExperts : 0;
  const { demand, onCpu, parts } = event;
  let ns = 0;
  for (let k = 0; k < parts; k++) ns += cost.gpuPartNs(demand.counts[onCpu[k]!]!);
  return ns;
}
