// A split layer (L9): the CPU has some projections of its experts, and the GPU executes the others behind them.
import type { Observer } from '../transfer/observer.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Time of the GPU's part of the members that the CPU has begun, ns; 0 in layers whose experts lie on one device. */
export function gpuPartsNs({ cost }: Gpu, event: RunningEvent, layer: number): number {
  event.parts = layer === cost.splitLayer ? event.cpuExperts : 0;
  const { demand, onCpu, parts } = event;
  let ns = 0;
  for (let k = 0; k < parts; k++) ns += cost.gpuPartNs(demand.counts[onCpu[k]!]!);
  return ns;
}

/**
 * Tells an observer of these parts, the last of which ends at `endNs`.
 * @returns when the first begins, ns; `endNs` where there is none
 */
export function showParts({ cost }: Gpu, { demand, onCpu, parts }: RunningEvent, observer: Observer, layer: number, endNs: number): number {
  let fromNs = endNs;
  for (let k = parts - 1; k >= 0; k--) {
    const i = onCpu[k]!;
    const untilNs = fromNs;
    fromNs -= cost.gpuPartNs(demand.counts[i]!);
    observer.executed?.(demand.ids[i]!, layer, fromNs, untilNs);
  }
  return fromNs;
}
