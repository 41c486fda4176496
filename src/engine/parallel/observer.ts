import type { Shard } from '../memory/shard.js';
import type { Link } from '../transfer/link.js';
import { type Observer, Onlooker } from '../transfer/observer.js';
import type { Gathered } from './gathered.js';
import type { ParallelGpu } from './gpu.js';
import type { Pipeline } from './pipeline.js';

/** Translates the events of one GPU. Passes and dense work belong to the whole run, which reports them itself. */
export class ShardObserver extends Onlooker implements Observer {
  readonly #observer: Observer;
  readonly #gpu: number;
  readonly #whole: Int32Array;

  constructor(observer: Observer, { gpu, whole }: Shard) {
    super();
    this.#observer = observer;
    this.#gpu = gpu;
    this.#whole = whole;
  }

  override judged(layer: number, hits: number, late: number, misses: number, nowNs: number): void {
    this.#observer.judged(layer, hits, late, misses, nowNs);
  }

  override planned(id: number, nowNs: number, costNs: number): void {
    this.#observer.planned(this.#whole[id]!, nowNs, costNs, this.#gpu);
  }

  override transferred(link: Link, lane: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void {
    this.#observer.transferred(link, lane, this.#whole[id]!, bytes, startNs, endNs, prefetch);
  }

  override prefetchUsed(id: number, late: boolean): void {
    this.#observer.prefetchUsed(this.#whole[id]!, late, this.#gpu);
  }

  executed(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.executed?.(this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  override stalled(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.stalled(id < 0 ? id : this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  override computedOnCpu(id: number, layer: number, startNs: number, endNs: number): void {
    this.#observer.computedOnCpu(this.#whole[id]!, layer, startNs, endNs, this.#gpu);
  }

  override evicted(id: number, layer: number, nowNs: number): void {
    this.#observer.evicted(this.#whole[id]!, layer, nowNs, this.#gpu);
  }
}

/** Shows the event that the pipeline has just priced. @param startNs its routing was known @param endNs it ended */
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

/** Weights on their way to all GPUs, which then compute their own tokens. @returns when each GPU has, ns */
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

/** Chunks of activations on their way there and back. @returns when each GPU has executed the last, ns */
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
