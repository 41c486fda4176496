// One GPU of several: its device with its own cache, host link, plan of prefetches, clock and log. Everything in here counts in the
// shard's own ids.
import type { BeladyBound } from '../../cache/belady-bound.js';
import type { DemandLog } from '../../cache/demand.js';
import type { Future } from '../../cache/future.js';
import type { Clock } from '../../cache/policy.js';
import type { Pass } from '../../schedule/pass.js';
import { Device, type DeviceParts, type PrefetchSetup } from '../event/device.js';
import { sortByReadiness } from '../event/event.js';
import type { PhaseCounters } from '../event/recorder.js';
import type { Prefetcher } from '../prefetch/prefetcher.js';
import type { Observer } from '../watch/observer.js';
import type { ShardDemand } from './dispatch.js';
import { ShardObserver } from './observer.js';
import { Sequence } from './pipeline.js';
import { copyLayer, type Shard } from './shard.js';

/** What one of several GPUs is composed of. */
export interface GpuParts extends DeviceParts {
  readonly shard: Shard;
  readonly prefetch: PrefetchSetup | null;
  readonly clock: Clock;
  /** Gate weights of the running event, by the shard's ids; null: no policy ranks by them. */
  readonly gates: Float32Array | null;
  /** Written at every event for policies that know the future; null otherwise. */
  readonly future: { readonly future: Future; readonly nextUse: Int32Array } | null;
  /** Counts the hits that the Belady bound has on the same events; null or absent: nobody asks. */
  readonly belady?: BeladyBound | null;
  /** Records what is demanded of this GPU; null: nobody asks. */
  readonly log: DemandLog | null;
}

/** One GPU of several. */
export class ParallelGpu {
  readonly parts: GpuParts;
  readonly device: Device;
  /** What it executes of the running event. */
  readonly sequence: Sequence;
  /** Sees this GPU only; null: nobody looks. */
  observer: ShardObserver | null = null;
  readonly #demand: ShardDemand;
  readonly #prefetcher: Prefetcher | null;

  /** @param demand what events demand of it, filled by the dispatch */
  constructor(parts: GpuParts, demand: ShardDemand) {
    this.parts = parts;
    this.#demand = demand;
    this.device = new Device(parts, demand);
    this.sequence = new Sequence(demand.ids.length);
    this.#prefetcher = parts.prefetch === null ? null : this.device.prefetcher(parts.prefetch);
  }

  /** Lets somebody watch from now on; executions are shown by whoever knows when activations arrive. */
  observe(observer: Observer): void {
    const { dram, shard } = this.parts;
    this.observer = new ShardObserver(observer, shard);
    this.device.observe(this.observer);
    this.device.execution.observer = null;
    if (dram !== null) dram.link.observer = this.observer;
    if (this.#prefetcher !== null) this.#prefetcher.observer = this.observer;
  }

  /** A pass begins. */
  begin(pass: Pass, nowNs: number, phase: PhaseCounters): void {
    this.parts.clock.pass = pass.number;
    this.device.count(phase);
    this.#prefetcher?.begin(pass, nowNs);
  }

  /** The routing of a layer is known, and the demand of this GPU with it. */
  known(pass: Pass, layer: number, nowNs: number): void {
    this.parts.clock.layer = layer;
    if (this.#prefetcher === null) return;
    this.#prefetcher.advance(nowNs);
    this.#prefetcher.known(layer, this.#demand.ids, this.#demand.size);
    this.#prefetcher.observe(pass, layer);
  }

  /** Nobody demands anything at a layer: what comes next is predicted all the same. */
  replan(pass: Pass, layer: number, nowNs: number): void {
    this.#prefetcher?.replan(pass, layer, nowNs);
  }

  /**
   * Judges and places the demand, and lines it up for execution.
   * @param gates of the whole model
   * @returns when this GPU would have executed it, were all activations already there, ns
   */
  start(pass: Pass, layer: number, gates: Float32Array | null, startNs: number): number {
    const { belady, clock, future, gpu, log, shard } = this.parts;
    const { device } = this;
    const { ids, size } = this.#demand;
    if (size === 0) {
      device.event.hits = device.event.waits = 0;
      this.sequence.clear();
      this.#prefetcher?.replan(pass, layer, startNs);
      return startNs;
    }
    clock.event++;
    belady?.event(layer, ids, size);
    log?.append(layer, ids, size);
    if (future !== null) future.future.advance(future.nextUse);
    if (gates !== null) copyLayer(shard, layer, gates, this.parts.gates!);
    device.judgement.judge(layer, size, startNs);
    if (device.event.misses > 0) device.misses.place(layer, size, startNs);
    else gpu.serve(ids, size, layer);
    this.#prefetcher?.replan(pass, layer, startNs);
    const cpuNs = device.event.cpuExperts > 0 ? device.event.cpuNs.reduce((latest, ns) => Math.max(latest, ns)) : 0;
    const endNs = device.execution.execute(layer, startNs);
    this.#lineUp(startNs, cpuNs);
    return endNs;
  }

  /** The event has ended on all GPUs. */
  end(nowNs: number): void {
    const { dram, gpu } = this.parts;
    const { ids, size } = this.#demand;
    this.#prefetcher?.advance(nowNs);
    gpu.unpinAll(ids, size);
    dram?.unpinAll(ids, size);
    this.#prefetcher?.released(nowNs);
  }

  /** The pass has ended. */
  ended(durationNs: number): void {
    this.#prefetcher?.ended(durationNs);
  }

  /** Members in the order of execution: hits, then those that are waited for as they arrive. */
  #lineUp(startNs: number, cpuNs: number): void {
    const { sequence } = this;
    const { counts } = this.#demand;
    const { hit, hits, readyNs, waiting, waits } = this.device.event;
    sequence.clear();
    for (let k = 0; k < hits; k++) sequence.add(counts[hit[k]!]!, startNs);
    sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) sequence.add(counts[waiting[k]!]!, readyNs[waiting[k]!]!);
    sequence.cpuNs = cpuNs;
  }
}
