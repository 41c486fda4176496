// The CPU's part of an event: its work, its end, and its waits for the SSD.
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Counts the CPU's work of the event; @returns when the work that is not deferred has ended, ns; 0: all of it is deferred. */
export function endOnCpu({ cost, recorder }: Gpu, event: RunningEvent, layer: number): number {
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
export function cpuReadNs({ cpuNs, cpuReadNs: waitedNs }: RunningEvent): number {
  let last = 0;
  for (let queue = 1; queue < cpuNs.length; queue++) if (cpuNs[queue]! > cpuNs[last]!) last = queue;
  return waitedNs[last]!;
}
