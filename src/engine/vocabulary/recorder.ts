import type { Pass } from '../../schedule/door.js';

function layerCounters(layers: number) {
  const column = (): Float64Array => new Float64Array(layers);
  return {
    events: column(),
    demanded: column(),
    hits: column(),
    late: column(),
    misses: column(),
    evictions: column(),
    streamed: column(),
    onDemandBytes: column(),
    prefetchBytes: column(),
    stallNs: column(),
    computeNs: column(),
    cpuNs: column(),
    denseNs: column(),
  } as const;
}

/** Counters of one phase. */
export class PhaseCounters {
  events = 0;
  demanded = 0;
  hits = 0;
  late = 0;
  misses = 0;
  activations = 0;
  hitActivations = 0;
  evictions = 0;
  streamed = 0;
  passes = 0;
  /** Times of the passes, ns: of all GPUs together if there are several, but for dense work and what exchanging activations adds. */
  denseNs = 0;
  computeNs = 0;
  stallNs = 0;
  /** The part of stallNs in which the CPU computes, after all transfers have arrived. */
  cpuStallNs = 0;
  /** The part of stallNs that waits for the SSD if DRAM is a cache of it: the GPU, or the CPU that the GPU waits for. */
  ssdStallNs = 0;
  cpuNs = 0;
  exchangeNs = 0;
}

/** The counters of a run: numbers, and a typed array each by layer. The engine's hot path writes them; they are read at the end. */
export class Recorder {
  readonly layers: ReturnType<typeof layerCounters>;
  /** Index 0: passes that hold a prompt token; index 1: pure decode passes. */
  readonly phases: readonly [PhaseCounters, PhaseCounters];
  phase: PhaseCounters;
  cpuExperts = 0;
  /** Those of them that the GPU computed a share of, and those that were hits. */
  sharedExperts = 0;
  takenOver = 0;
  prefetchUseful = 0;
  prefetchLate = 0;
  prefetchWasted = 0;
  prefetchWastedBytes = 0;
  /** Time saved by prefetches that were demanded, ns: a load on demand over an idle link, minus the time that was still waited. */
  prefetchAvoidedNs = 0;
  /** Prefetches that were promotions after misses. */
  promoted = 0;
  prefetchDropped = 0;
  prefetchCancelled = 0;
  /** Predictions, and their total time, ns. */
  predictions = 0;
  predictionNs = 0;
  /** Members of D that the newest prediction had among its first |D|, among all it named, and members it was judged on. */
  recalledAtK = 0;
  recalledUnion = 0;
  predictedMembers = 0;
  /** Activations served from low-precision copies or by another expert, the latter of them, and activations not served. */
  degradedActivations = 0;
  substitutedActivations = 0;
  skippedActivations = 0;
  /** Activations whose results came one layer late. */
  deferredActivations = 0;
  /** Misses that were not served, and misses that another expert was executed for. */
  skippedExperts = 0;
  substitutedExperts = 0;
  distinct = 0;
  writeBackBytes = 0;
  writeBacks = 0;
  denseCpuNs = 0;
  /** Dense work after the last MoE layer and overhead of passes, ns. */
  tailNs = 0;

  constructor(layers: number) {
    this.layers = layerCounters(layers);
    this.phases = [new PhaseCounters(), new PhaseCounters()];
    this.phase = this.phases[1];
  }

  /** Counts from now on belong to `pass`: to prefill if it holds a prompt token, else to decode. */
  begin({ decodeTokens, tokens }: Pass): void {
    this.phase = this.phases[decodeTokens === tokens ? 1 : 0];
    this.phase.passes++;
  }

  /** An event of `layer` has executed and waited. */
  spent(layer: number, computeNs: number, stallNs: number): void {
    this.layers.computeNs[layer]! += computeNs;
    this.layers.stallNs[layer]! += stallNs;
    this.phase.computeNs += computeNs;
    this.phase.stallNs += stallNs;
  }
}

/** Counters that only a run on several GPUs has: the load of each, and the cost of sending activations. Arrays are indexed by GPU. */
export class ParallelCounters {
  readonly gpus: number;
  readonly demanded: Float64Array;
  readonly hits: Float64Array;
  readonly activations: Float64Array;
  /** Events, and the sum over them of the busiest GPU's activations over the mean. */
  events = 0;
  eventImbalance = 0;
  /** Activations that were computed on another GPU than their token's: each is sent there and back. */
  crossed = 0;
  /** Events that gathered weights instead of sending activations, and the bytes that all GPUs gathered. */
  gathered = 0;
  gatheredBytes = 0;
  /** Time that sending activations or weights added to events, ns. */
  exchangeNs = 0;
  /** Sum over events of the degree of overlap. */
  degrees = 0;

  constructor(gpus: number) {
    this.gpus = gpus;
    this.demanded = new Float64Array(gpus);
    this.hits = new Float64Array(gpus);
    this.activations = new Float64Array(gpus);
  }
}

/** Most of a quantity on one GPU over its mean, at least 1; 1 if there is none of it. */
export function imbalance(values: ArrayLike<number>): number {
  let most = 0;
  let sum = 0;
  for (let gpu = 0; gpu < values.length; gpu++) {
    most = Math.max(most, values[gpu]!);
    sum += values[gpu]!;
  }
  return sum === 0 ? 1 : (most * values.length) / sum;
}
