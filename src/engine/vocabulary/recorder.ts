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

/** Counters of a phase. */
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
  /** Pass times, ns: summed over GPUs, except dense work and exchanges. */
  denseNs = 0;
  computeNs = 0;
  stallNs = 0;
  /** Part of stallNs with the CPU computing after all arrivals. */
  cpuStallNs = 0;
  /** Part of stallNs for the SSD: wait of the GPU, or of the CPU awaited by the GPU. */
  ssdStallNs = 0;
  cpuNs = 0;
  exchangeNs = 0;
}

/** Total or by layer. Written by the hot path, read at the end. */
export class Recorder {
  readonly layers: ReturnType<typeof layerCounters>;
  /** Index 0: passes with prompt tokens; index 1: pure decode passes. */
  readonly phases: readonly [PhaseCounters, PhaseCounters];
  phase: PhaseCounters;
  cpuExperts = 0;
  /** CPU experts partly computed by the GPU, and hits computed by the CPU. */
  sharedExperts = 0;
  takenOver = 0;
  prefetchUseful = 0;
  prefetchLate = 0;
  prefetchWasted = 0;
  prefetchWastedBytes = 0;
  /** Time saved by demanded prefetches, ns: on-demand load over an idle link, less the remaining wait. */
  prefetchAvoidedNs = 0;
  /** Prefetches by promotion after misses. */
  promoted = 0;
  prefetchDropped = 0;
  prefetchCancelled = 0;
  predictions = 0;
  predictionNs = 0;
  /** Members of D among the newest prediction's first |D|, among all predicted, and members judged. */
  recalledAtK = 0;
  recalledUnion = 0;
  predictedMembers = 0;
  /** Activations served by low-precision copies or substitutes, by substitutes, and unserved. */
  degradedActivations = 0;
  substitutedActivations = 0;
  skippedActivations = 0;
  deferredActivations = 0;
  /** Unserved misses, and misses served by substitutes. */
  skippedExperts = 0;
  substitutedExperts = 0;
  distinct = 0;
  writeBackBytes = 0;
  writeBacks = 0;
  denseCpuNs = 0;
  /** Dense work after the last MoE layer, and pass overhead, ns. */
  tailNs = 0;

  constructor(layers: number) {
    this.layers = layerCounters(layers);
    this.phases = [new PhaseCounters(), new PhaseCounters()];
    this.phase = this.phases[1];
  }

  /** Later counts belong to `pass`: prefill with a prompt token, else decode. */
  begin({ decodeTokens, tokens }: Pass): void {
    this.phase = this.phases[decodeTokens === tokens ? 1 : 0];
    this.phase.passes++;
  }

  spent(layer: number, computeNs: number, stallNs: number): void {
    this.layers.computeNs[layer]! += computeNs;
    this.layers.stallNs[layer]! += stallNs;
    this.phase.computeNs += computeNs;
    this.phase.stallNs += stallNs;
  }
}

/** Counters of several GPUs; arrays by GPU. */
export class ParallelCounters {
  readonly gpus: number;
  readonly demanded: Float64Array;
  readonly hits: Float64Array;
  readonly activations: Float64Array;
  /** Events, and sum over events of the busiest GPU's activations over the mean. */
  events = 0;
  eventImbalance = 0;
  /** Activations sent from their token's GPU and back. */
  crossed = 0;
  /** Events gathering weights instead of sending activations, and bytes gathered by all GPUs. */
  gathered = 0;
  gatheredBytes = 0;
  /** Event time in exchanges of activations or weights, ns. */
  exchangeNs = 0;
  degrees = 0;

  constructor(gpus: number) {
    this.gpus = gpus;
    this.demanded = new Float64Array(gpus);
    this.hits = new Float64Array(gpus);
    this.activations = new Float64Array(gpus);
  }
}

/** Largest GPU part of a quantity over the mean, at least 1. */
export function imbalance(values: ArrayLike<number>): number {
  let most = 0;
  let sum = 0;
  for (let gpu = 0; gpu < values.length; gpu++) {
    most = Math.max(most, values[gpu]!);
    sum += values[gpu]!;
  }
  return sum === 0 ? 1 : (most * values.length) / sum;
}
