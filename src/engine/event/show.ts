import type { Observer } from '../transfer/observer.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** GPU executions of an event for an observer, in time order. */
export function showExecution(gpu: Gpu, event: RunningEvent, observer: Observer, layer: number): void {
  const { cost } = gpu;
  const { demand, endNs, hit, hits, hitsEndNs, readyNs, startNs, waiting, waits } = event;
  const { counts, ids } = demand;
  let gpuNs = startNs;
  if (observer.executed !== undefined) {
    for (let k = 0; k < hits; k++) {
      const i = hit[k]!;
      const doneNs = gpuNs + cost.expertNs(layer, counts[i]!);
      observer.executed(ids[i]!, layer, gpuNs, doneNs);
      gpuNs = doneNs;
    }
  } else gpuNs = hitsEndNs;
  for (let k = 0; k < waits; k++) {
    const i = waiting[k]!;
    if (readyNs[i]! > gpuNs) {
      observer.stalled(ids[i]!, layer, gpuNs, readyNs[i]!);
      gpuNs = readyNs[i]!;
    }
    const doneNs = gpuNs + cost.expertNs(layer, counts[i]!);
    observer.executed?.(ids[i]!, layer, gpuNs, doneNs);
    gpuNs = doneNs;
  }
  const waitedNs = showParts(gpu, event, observer, layer, endNs);
  if (waitedNs > gpuNs && cost.onCpu[layer] === 0) observer.stalled(-1, layer, gpuNs, waitedNs);
}

/** @returns start of the first part, ns; `endNs` without parts */
function showParts({ cost }: Gpu, { demand, onCpu, parts }: RunningEvent, observer: Observer, layer: number, endNs: number): number {
  let fromNs = endNs;
  for (let k = parts - 1; k >= 0; k--) {
    const i = onCpu[k]!;
    const untilNs = fromNs;
    fromNs -= cost.gpuPartNs(demand.counts[i]!);
    observer.executed?.(demand.ids[i]!, layer, fromNs, untilNs);
  }
  return fromNs;
}
