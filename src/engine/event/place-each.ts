import { PINNED } from '../../cache/policy.js';
import { computesMisses, type MissRule } from '../../system/door.js';
import type { Promotions } from '../prefetch/promotions.js';
import type { CopyPool } from '../transfer/copies.js';
import type { Staging } from '../transfer/staging.js';
import { type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { ruleFrom } from '../vocabulary/rules.js';
import { BalancedMisses } from './balance.js';
import { type Evictions, Misses } from './place.js';

class EachMiss extends Misses {
  /** Members with unplaced transfers. */
  readonly #loads: Int32Array;
  #count = 0;
  #gpuNs = 0;
  /** Members deferred on the CPU. */
  readonly #later: Int32Array;
  #laterCount = 0;
  readonly #promotions: Promotions | null;
  readonly #usesCpu: boolean;
  /** By missed member: index of the rule, and the substitute expert. */
  readonly #rules: Uint8Array;
  readonly #buddyOf: Int32Array;
  /** Pinned substitutes of the event, dense ids. */
  readonly #buddies: number[] = [];
  /** Kept copies; null: no copies. */
  readonly #copies: CopyPool | null;
  /** By missed member: 1 if the GPU has its slice; null: copies are not slices. */
  readonly #slices: Uint8Array | null;

  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions, promotions: Promotions | null) {
    super(gpu, event, evictions);
    this.#loads = new Int32Array(event.missed.length);
    this.#later = new Int32Array(event.missed.length);
    this.#promotions = promotions;
    this.#rules = new Uint8Array(event.missed.length);
    this.#buddyOf = new Int32Array(event.missed.length);
    this.#copies = gpu.copies;
    this.#slices = this.#copies?.additive ? new Uint8Array(event.missed.length) : null;
    this.#usesCpu = gpu.onMiss.some(computesMisses);
  }

  override place(layer: number, size: number): void {
    const { cost, dram, gpu } = this.gpu;
    const { event } = this;
    const { ids } = event.demand;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    const { staging } = gpu;
    this.#resolve(layer);
    if (dram !== null) this.pinInDram();
    if (this.#usesCpu) this.#openCpu(cost.onCpu[layer] === 1 ? event.startNs : event.startNs + cost.handoverNs);
    this.#count = 0;
    if (this.#usesCpu) this.#beginOnGpu(layer);
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Members are distinct and pinned: residency stays as judged until a member's turn.
      if (resident[id - base] === 1) cache.touch(id - base);
      else if (staging !== null && staging.held[id] === 1) this.#moveIn(staging, layer, i);
      else this.#miss(layer, i);
    }
    this.#flush(layer);
    if (this.#laterCount > 0) this.#computeLater(layer);
  }

  /** Opens CPU queues at `fromNs`, or after deferred work of earlier events. */
  #openCpu(fromNs: number): void {
    const { event } = this;
    const { deferral } = this.gpu;
    event.cpuNs.fill(fromNs);
    event.cpuReadNs.fill(0);
    if (deferral !== null) for (const [queue, ns] of deferral.busyNs.entries()) event.cpuNs[queue] = Math.max(fromNs, ns);
  }

  /** Rule of each miss, in order, before any change of state. */
  #resolve(layer: number): void {
    const { gpu, onMiss, standIns } = this.gpu;
    const { event } = this;
    const { demand, missed, misses } = event;
    for (let k = 0; k < misses; k++) {
      const i = missed[k]!;
      let at = ruleFrom(0, i, event, this.gpu);
      for (; onMiss[at]!.do === 'substitute'; at = ruleFrom(at + 1, i, event, this.gpu)) {
        const { resident, base } = gpu.byLayer[layer]!;
        const buddy = standIns!.of(demand.ids[i]!, layer, (id) => resident[id - base] === 1 && gpu.rank[id] !== PINNED);
        if (buddy < 0) continue;
        this.#buddyOf[i] = buddy;
        this.#buddies.push(buddy);
        gpu.pin(buddy);
        break;
      }
      this.#rules[i] = at;
      if (this.#copies !== null) this.#keepCopy(this.#copies, i);
    }
  }

  /** Pins the copy serving or completing member `i`, before evictions. */
  #keepCopy(copies: CopyPool, i: number): void {
    const id = this.event.demand.ids[i]!;
    const slices = this.#slices;
    if (slices !== null) slices[i] = copies.holds(id) ? 1 : 0;
    if (slices !== null || this.gpu.onMiss[this.#rules[i]!]!.do === 'low-precision') copies.pin(id);
  }

  override ended(): void {
    for (const id of this.#buddies) this.gpu.gpu.unpin(id);
    this.#buddies.length = 0;
    this.#copies?.unpinAll();
  }

  protected override reads(i: number): boolean {
    const action = this.gpu.onMiss[this.#rules[i]!]!.do;
    if (action === 'low-precision') return this.#copies === null || !this.#copies.holds(this.event.demand.ids[i]!);
    return action !== 'skip' && action !== 'substitute';
  }

  #miss(layer: number, i: number): void {
    const { event } = this;
    const id = event.demand.ids[i]!;
    const rule = this.gpu.onMiss[this.#rules[i]!]!;
    // Passes of enough tokens copy experts to the GPU, unless the rule has its own condition.
    const offloaded = rule.do === 'cpu' && event.offloaded && rule.when === null;
    const chosen = offloaded && this.gpu.offloadIfSooner;
    const streamed = rule.do === 'static' || (offloaded && !(chosen && this.#cpuIsSooner(layer, i)));
    if (rule.do === 'substitute' || rule.do === 'skip' || rule.do === 'low-precision') this.#degrade(layer, i, rule);
    else if (rule.do === 'cpu' && !streamed && this.gpu.deferral?.defers(id, rule.defer) === true) {
      this.#passBy(id, layer);
      this.#later[this.#laterCount++] = i;
    } else if ((rule.do === 'cpu' && !streamed) || (rule.do === 'cheaper' && this.#cpuIsSooner(layer, i, rule.byRate))) {
      this.#queue(layer, i, event.cpuNs);
      this.#passBy(id, layer);
    } else {
      this.#bring(layer, i, streamed ? null : rule);
      this.#loads[this.#count++] = i;
      // Placed at once: the next judgement sees the link's current state.
      if (rule.do === 'cheaper' || chosen) this.#flush(layer);
      return;
    }
    if (rule.admit === 'background') this.#promotions!.missed(id, rule.after);
  }

  #flush(layer: number): void {
    this.load(layer, this.#loads, this.#count);
    for (let k = 0; this.#usesCpu && k < this.#count; k++) this.#executed(layer, this.#loads[k]!);
    this.#count = 0;
  }

  #beginOnGpu(layer: number): void {
    const { cost } = this.gpu;
    const { demand, hit, hits, readyNs, startNs, waiting, waits } = this.event;
    this.#gpuNs = startNs;
    for (let k = 0; k < hits; k++) this.#gpuNs += cost.expertNs(layer, demand.counts[hit[k]!]!);
    sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) this.#executed(layer, waiting[k]!);
  }

  #executed(layer: number, i: number): void {
    const { demand, readyNs } = this.event;
    this.#gpuNs = Math.max(this.#gpuNs, readyNs[i]!) + this.gpu.cost.expertNs(layer, demand.counts[i]!);
  }

  /** Moves the prefetched member `i` from buffer to cache, or executes it in the buffer. */
  #moveIn(staging: Staging, layer: number, i: number): void {
    const { gpu } = this.gpu;
    const { evictions, event } = this;
    const id = event.demand.ids[i]!;
    const rule = this.gpu.onMiss[ruleFrom(0, i, event, this.gpu)]!;
    if (rule.do === 'static' || rule.do === 'low-precision' || rule.do === 'skip' || rule.do === 'substitute') {
      this.#passBy(id, layer);
      return;
    }
    evictions.slotFreeNs = event.startNs;
    const admitted = gpu.admit(id, layer, true, 0, rule.admit === 'always');
    evictions.account(event.startNs);
    if (admitted) staging.free(id, evictions.slotFreeNs);
  }

  #passBy(id: number, layer: number): void {
    const { base, policy } = this.gpu.gpu.byLayer[layer]!;
    policy.streamed?.(id - base);
  }

  /** Appends member `i` to a CPU queue. @returns end of its computation, ns */
  #queue(layer: number, i: number, ends: Float64Array): number {
    const { cost, dram } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const fromNs = dram === null ? event.startNs : this.inDram(id, layer);
    const queue = id % cost.cpuQueues;
    const cpuStartNs = Math.max(ends[queue]!, fromNs);
    if (dram !== null) event.cpuReadNs[queue]! += cpuStartNs - ends[queue]!;
    const cpuEndNs = cpuStartNs + cost.cpuExpertNs(layer, event.demand.counts[i]!);
    ends[queue] = cpuEndNs;
    event.observer?.computedOnCpu(id, layer, cpuStartNs, cpuEndNs);
    event.onCpu[event.cpuExperts++] = i;
    return cpuEndNs;
  }

  #computeLater(layer: number): void {
    const { recorder } = this.gpu;
    const { event } = this;
    const deferral = this.gpu.deferral!;
    deferral.busyNs.set(event.cpuNs);
    for (let k = 0; k < this.#laterCount; k++) {
      const i = this.#later[k]!;
      deferral.add(this.#queue(layer, i, deferral.busyNs));
      recorder.deferredActivations += event.demand.counts[i]!;
    }
    event.deferred = this.#laterCount;
    this.#laterCount = 0;
  }

  /** Loads member `i` into a slot if admitted, else streams. @param rule null: always streams */
  #bring(layer: number, i: number, rule: MissRule | null): void {
    const { gpu } = this.gpu;
    const { event, evictions } = this;
    const id = event.demand.ids[i]!;
    evictions.slotFreeNs = event.startNs;
    let admitted = false;
    if (rule === null) this.#passBy(id, layer);
    else {
      admitted = gpu.admit(id, layer, true, 0, rule.admit === 'always');
      evictions.account(event.startNs);
      if (this.#slices !== null) this.#leaveSlices(this.#copies!);
    }
    if (!admitted) this.countStreamed(layer, 1);
    if (this.#slices?.[i] === 1) {
      if (admitted) this.#copies!.merge(id);
      else this.#copies!.touch(id);
    }
    event.readyNs[i] = admitted ? evictions.slotFreeNs : event.startNs;
    event.waiting[event.waits++] = i;
  }

  #leaveSlices(copies: CopyPool): void {
    const { victimCount, victims } = this.gpu.gpu;
    for (let k = 0; k < victimCount; k++) if (!copies.holds(victims[k]!)) copies.admit(victims[k]!, false);
  }

  /** Bytes of member `i` over the link, without its slice on the GPU. */
  #bytesOf(i: number): number {
    const id = this.event.demand.ids[i]!;
    const bytes = this.gpu.sizes[id]!;
    return this.#slices?.[i] === 1 ? bytes - this.#copies!.sizes[id]! : bytes;
  }

  protected override bringOver(layer: number, order: Int32Array, count: number): void {
    if (this.#slices === null) {
      super.bringOver(layer, order, count);
      return;
    }
    const { gpu, recorder } = this.gpu;
    const { demand, readyNs } = this.event;
    for (let k = 0; k < count; k++) {
      const i = order[k]!;
      const bytes = this.#bytesOf(i);
      readyNs[i] = gpu.link.demand(demand.ids[i]!, bytes, readyNs[i]!);
      recorder.layers.onDemandBytes[layer]! += bytes;
    }
  }

  /** Lossy service: skip, substitute, or copy. A copy costs as much to execute as the expert. */
  #degrade(layer: number, i: number, rule: MissRule): void {
    const { gpu, recorder } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    this.#passBy(id, layer);
    if (rule.do === 'skip') {
      recorder.skippedExperts++;
      recorder.skippedActivations += count;
      return;
    }
    recorder.degradedActivations += count;
    this.gpu.classes?.degraded(id);
    if (rule.do === 'substitute') {
      recorder.substitutedExperts++;
      recorder.substitutedActivations += count;
      const cache = gpu.byLayer[layer]!;
      cache.touch(this.#buddyOf[i]! - cache.base);
    } else if (this.#copies?.holds(id)) this.#copies.serve(id);
    else {
      this.#bringCopy(layer, i, rule);
      return;
    }
    event.hit[event.hits++] = i;
    event.standIns++;
    this.#gpuNs += this.gpu.cost.expertNs(layer, count);
  }

  /** Transfers a copy and executes member `i` from the copy, kept if copies are kept and room is left. */
  #bringCopy(layer: number, i: number, rule: MissRule): void {
    const { dram, gpu, recorder, sizes } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    this.#flush(layer);
    const bytes = Math.ceil(rule.copyBytes * sizes[id]!);
    const fromNs = dram === null ? event.startNs : this.inDram(id, layer);
    event.readNs[i] = fromNs;
    event.readyNs[i] = gpu.link.demand(id, bytes, fromNs);
    event.waiting[event.waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
    this.#executed(layer, i);
    if (this.#copies === null || !this.#copies.bring(id)) this.countStreamed(layer, 1);
  }

  /**
   * L13 `cheaper`: true if the CPU finishes member `i` before GPU load and execution, counting hand-over and queued CPU
   * work (not with `byRate`).
   */
  #cpuIsSooner(layer: number, i: number, byRate?: true): boolean {
    const { cost, dram, gpu, sizes } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const bytes = this.#bytesOf(i);
    let fromNs = event.startNs;
    if (dram !== null)
      fromNs = dram.holds(id, layer) ? Math.max(event.startNs, dram.arrivalNs[id]!) : dram.link.peek(sizes[id]!, event.startNs);
    const opened = event.cpuNs[id % cost.cpuQueues]! - (byRate === true ? cost.handoverNs : 0);
    const cpuNs = Math.max(opened, fromNs) + cost.cpuExpertNs(layer, count);
    const onGpuNs = Math.max(byRate === true ? 0 : this.#gpuNs, gpu.link.peek(bytes, fromNs));
    return cpuNs <= onGpuNs + cost.expertNs(layer, count);
  }
}

/** True if an event's misses always load together. */
export function loadsAtOnce({ gpu, onMiss, writeBack }: Gpu): boolean {
  const [first] = onMiss;
  return onMiss.length === 1 && first!.do === 'load' && first!.admit === 'policy' && writeBack === null && gpu.staging === null;
}

/** True if GPU and CPU share all members, hits included. */
export const balances = ({ onMiss }: Pick<Gpu, 'onMiss'>): boolean => onMiss[0]!.do === 'balance';

/** Placement of misses for a GPU's rules and tiers. */
export function missesOf(gpu: Gpu, event: RunningEvent, evictions: Evictions, promotions: Promotions | null): Misses {
  if (balances(gpu)) return new BalancedMisses(gpu, event, evictions, promotions);
  return loadsAtOnce(gpu) ? new Misses(gpu, event, evictions) : new EachMiss(gpu, event, evictions, promotions);
}
