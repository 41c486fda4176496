// Reports an event on several GPUs to an observer, in the order in which the pipeline ran it. Called only if there is an observer.
import type { Observer } from '../transfer/observer.js';
import type { ParallelGpu } from './gpu.js';
import type { Pipeline } from './pipeline.js';

/**
 * Shows dispatches, executions, waits and combines of the event that the pipeline has just priced.
 * @param startNs when the routing was known
 * @param endNs when the event ended
 */
export function showEvent(
  observer: Observer,
  gpus: readonly ParallelGpu[],
  { degree, exchangeNs }: Pipeline,
  layer: number,
  startNs: number,
  endNs: number,
): void {
  const busyUntil = gpus.map(() => startNs);
  let sentNs = startNs;
  const executedNs: number[] = [];
  for (let chunk = 0; chunk < degree; chunk++) {
    if (exchangeNs > 0) observer.exchanged?.(layer, sentNs, sentNs + exchangeNs, false);
    sentNs += exchangeNs;
    let chunkEndNs = sentNs;
    for (const [g, gpu] of gpus.entries()) {
      busyUntil[g] = showChunk(gpu, layer, degree, busyUntil[g]!, sentNs);
      const isLast = chunk === degree - 1;
      chunkEndNs = Math.max(chunkEndNs, busyUntil[g]!, isLast ? gpu.sequence.cpuNs : 0);
    }
    executedNs.push(chunkEndNs);
  }
  let backNs = sentNs;
  for (const ns of executedNs) {
    const combineNs = Math.max(ns, backNs);
    backNs = combineNs + exchangeNs;
    if (exchangeNs > 0) observer.exchanged?.(layer, combineNs, backNs, true);
  }
  for (const [g, gpu] of gpus.entries()) if (endNs > busyUntil[g]!) gpu.fold.event.observer!.stalled(-1, layer, busyUntil[g]!, endNs);
}

/** One chunk on one GPU, which is free at `freeNs`, of activations that are there at `sentNs`. @returns its end, ns */
function showChunk(gpu: ParallelGpu, layer: number, degree: number, freeNs: number, sentNs: number): number {
  const { fold, sequence } = gpu;
  const { demand, hit, hits, waiting } = fold.event;
  const observer = fold.event.observer!;
  let nowNs = freeNs;
  for (let k = 0; k < sequence.size; k++) {
    const id = demand.ids[k < hits ? hit[k]! : waiting[k - hits]!]!;
    const fromNs = Math.max(nowNs, sentNs, sequence.readyNs[k]!);
    if (fromNs > nowNs) observer.stalled(sequence.readyNs[k]! > sentNs ? id : -1, layer, nowNs, fromNs);
    nowNs = fromNs + gpu.gpu.cost.expertNs(layer, sequence.counts[k]! / degree);
    observer.executed?.(id, layer, fromNs, nowNs);
  }
  return nowNs;
}
