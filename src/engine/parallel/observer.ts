import type { Shard } from '../memory/shard.js';
import type { Observer } from '../transfer/observer.js';
import type { Gathered } from './gathered.js';
import type { ParallelGpu } from './gpu.js';
import type { Pipeline } from './pipeline.js';

/** Translates a GPU's events; passes and dense work belong to the whole run. */
export function shardObserver(observer: Observer, { gpu, whole }: Shard): Observer {
  const nothing = (): void => undefined;
  return {
    passStarted: nothing,
    passEnded: nothing,
    dense: nothing,
    judged: (...event) => observer.judged(...event),
    planned: (id, nowNs, costNs) => observer.planned(whole[id]!, nowNs, costNs, gpu),
    transferred: (link, lane, id, ...transfer) => observer.transferred(link, lane, whole[id]!, ...transfer),
    prefetchUsed: (id, late) => observer.prefetchUsed(whole[id]!, late, gpu),
    executed: (id, layer, startNs, endNs) => observer.executed?.(whole[id]!, layer, startNs, endNs, gpu),
    stalled: (id, layer, startNs, endNs) => observer.stalled(id < 0 ? id : whole[id]!, layer, startNs, endNs, gpu),
    computedOnCpu: (id, layer, startNs, endNs) => observer.computedOnCpu(whole[id]!, layer, startNs, endNs, gpu),
    evicted: (id, layer, nowNs) => observer.evicted(whole[id]!, layer, nowNs, gpu),
  };
}

/** Shows the last priced event. @param startNs routing known @param endNs end */
export function showEvent(
  observer: Observer,
  gpus: readonly ParallelGpu[],
  pipeline: Pipeline,
  layer: number,
  startNs: number,
  endNs: number,
): void {
  const busyUntil =
    pipeline.gathered === null
      ? showSent(observer, gpus, pipeline, layer, startNs)
      : showGathered(observer, gpus, pipeline.gathered, layer, startNs);
  for (const [g, gpu] of gpus.entries()) if (endNs > busyUntil[g]!) gpu.fold.event.observer!.stalled(-1, layer, busyUntil[g]!, endNs);
}

/** Weights to all GPUs, then each GPU's tokens. @returns end by GPU, ns */
function showGathered(observer: Observer, gpus: readonly ParallelGpu[], gathered: Gathered, layer: number, startNs: number): number[] {
  const fromNs = startNs + gathered.gatherNs[layer]!;
  if (fromNs > startNs) observer.exchanged?.(layer, startNs, fromNs, false);
  return gpus.map(({ fold }, g) => {
    if (fromNs > startNs) fold.event.observer!.stalled(-1, layer, startNs, fromNs);
    let nowNs = fromNs;
    for (const { id, ns } of gathered.executions(g, layer)) {
      observer.executed?.(id, layer, nowNs, nowNs + ns, g);
      nowNs += ns;
    }
    return nowNs;
  });
}

/** Chunks of activations to experts and back. @returns end of the last execution by GPU, ns */
function showSent(
  observer: Observer,
  gpus: readonly ParallelGpu[],
  { degree, exchangeNs }: Pipeline,
  layer: number,
  startNs: number,
): number[] {
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
  return busyUntil;
}

/** A chunk on a GPU free at `freeNs`, with activations from `sentNs`. @returns end, ns */
function showChunk(gpu: ParallelGpu, layer: number, degree: number, freeNs: number, sentNs: number): number {
  const { fold, sequence } = gpu;
  const { demand, hit, hits, waiting } = fold.event;
  const observer = fold.event.observer!;
  let nowNs = freeNs;
  for (let k = 0; k < sequence.size; k++) {
    const id = demand.ids[k < hits ? hit[k]! : waiting[k - hits]!]!;
    const fromNs = Math.max(nowNs, sentNs, sequence.readyNs[k]!);
    if (fromNs > nowNs) observer.stalled(sequence.readyNs[k]! > sentNs ? id : -1, layer, nowNs, fromNs);
    nowNs = fromNs + fold.gpu.cost.expertNs(layer, sequence.counts[k]! / degree);
    observer.executed?.(id, layer, fromNs, nowNs);
  }
  return nowNs;
}
