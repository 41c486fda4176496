import { computesMisses } from '../../system/door.js';
import { arriveTogether, type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** L9 on a GPU: hits, then arrivals, each in order of readiness. */
export class Executor {
  protected readonly gpu: Gpu;
  protected readonly event: RunningEvent;

  constructor(gpu: Gpu, event: RunningEvent) {
    this.gpu = gpu;
    this.event = event;
  }

  execute(layer: number): void {
    const { cost, recorder } = this.gpu;
    const { event } = this;
    const { counts, single } = event.demand;
    const { hit, hits, readyNs, waiting, waits } = event;
    const singleNs = cost.singleNs[layer]!;
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
    if (!event.inOrder) sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) {
      const i = waiting[k]!;
      const ns = single ? singleNs : cost.expertNs(layer, counts[i]!);
      const startsNs = Math.max(gpuNs, readyNs[i]!);
      stallNs += startsNs - gpuNs;
      gpuNs = startsNs + ns;
      computeNs += ns;
    }
    event.endNs = gpuNs;
    event.stallNs = stallNs;
    recorder.spent(layer, computeNs, stallNs);
  }
}

/** Every wait: SSD reads, copies awaited together, kernels that read in place, shares of the CPU. */
class WaitingExecutor extends Executor {
  /** True: kernels read misses over the link, for the longer of read and work. */
  readonly #inPlace: boolean;

  constructor(gpu: Gpu, event: RunningEvent) {
    super(gpu, event);
    this.#inPlace = gpu.onMiss.every((rule) => rule.inPlace === true);
  }

  override execute(layer: number): void {
    const { cost, dram, gpu, model, overlaps, recorder } = this.gpu;
    const { event } = this;
    const { counts, single } = event.demand;
    const { hit, hits, readyNs, waiting, waits } = event;
    const singleNs = cost.singleNs[layer]!;
    const readNs = this.#inPlace ? gpu.link.transferNs(model.layers[layer]!.expertBytes) : 0;
    let gpuNs = event.startNs;
    let computeNs = 0;
    let stallNs = 0;
    for (let k = 0; k < hits; k++) {
      const ns = single ? singleNs : cost.expertNs(layer, counts[hit[k]!]!);
      gpuNs += ns;
      computeNs += ns;
    }
    event.hitsEndNs = gpuNs;
    if (!overlaps || event.tokens <= cost.awaitingTokens) {
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
    this.spent(layer, computeNs);
  }

  protected spent(layer: number, computeNs: number): void {
    this.gpu.recorder.spent(layer, computeNs, this.event.stallNs);
  }
}

/** With a CPU that computes misses: an event ends after the CPU's part and awaited deferred results. */
class CpuExecutor extends WaitingExecutor {
  protected override spent(layer: number, computeNs: number): void {
    awaitCpu(this.gpu, this.event, layer, computeNs);
  }
}

/** Executor for a GPU's tiers and rules. */
export function executorOf(gpu: Gpu, event: RunningEvent): Executor {
  if (gpu.onMiss.some(computesMisses)) return new CpuExecutor(gpu, event);
  const plain = gpu.dram === null && gpu.overlaps && gpu.cost.awaitingTokens === 0 && gpu.onMiss.every((rule) => rule.inPlace !== true);
  return plain ? new Executor(gpu, event) : new WaitingExecutor(gpu, event);
}

/** Ends an event after GPU part, CPU part and awaited deferred results; counts times. */
function awaitCpu(gpu: Gpu, event: RunningEvent, layer: number, computeNs: number): void {
  const { cost, dram, recorder } = gpu;
  const gpuNs = event.endNs;
  const restNs = gpuPartsNs(gpu, event, layer);
  event.cpuEndNs = event.cpuExperts > 0 ? endOnCpu(gpu, event, layer) : 0;
  const endNs = Math.max(gpuNs, event.cpuEndNs, event.awaitedNs);
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
