// The CPU's part of an event: its work, its end, and its waits for the SSD.
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { gpuPartsNs } from './parts.js';

/** Ends an event, whose GPU part has ended, when the CPU's part has and the results deferred to it are there; counts its times. */
export function awaitCpu(gpu: Gpu, event: RunningEvent, layer: number, computeNs: number): void {
  const { cost, deferral, dram, recorder } = gpu;
  const gpuNs = event.endNs;
  const restNs = gpuPartsNs(gpu, event, layer);
  event.cpuEndNs = event.cpuExperts > 0 ? endOnCpu(gpu, event, layer) : 0;
  const endNs = Math.max(gpuNs, event.cpuEndNs, deferral?.awaitedNs ?? 0);
  event.endNs = endNs + restNs;
  // A layer on the CPU has no wait for the CPU: its experts are the work.
  if (cost.onCpu[layer] === 1) recorder.spent(layer, computeNs + (endNs - gpuNs) + restNs, event.stallNs);
  else {
    const readNs = dram === null || event.cpuEndNs <= gpuNs ? 0 : Math.min(endNs - gpuNs, cpuReadNs(event));
    recorder.phase.cpuStallNs += endNs - gpuNs - readNs;
    recorder.phase.ssdStallNs += readNs;
    event.stallNs += endNs - gpuNs;
    recorder.spent(layer, computeNs + restNs, event.stallNs);
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
