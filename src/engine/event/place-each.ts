import { type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Hooks } from '../vocabulary/hooks.js';
import { type Evictions, TieredMisses } from './place.js';
import type { RuleChoice } from './rules.js';

/** Members are numbered by the demand. */
export interface Service {
  /** True: a member found in a staging buffer moves to a slot, if the policy admits it. */
  readonly keeps: boolean;
  /** Takes member `i`, before any change of caches. @returns false: a later rule serves the member */
  takes(layer: number, i: number): boolean;
  /** True if the service reads the weights of member `i` from host memory. */
  reads(i: number): boolean;
  /** @returns true: the expert stays where it lies */
  serve(layer: number, i: number): boolean;
}

/** Work of a placement before and after all members. */
export interface PlacingHooks {
  opened?(placing: EachMiss, layer: number): void;
  closed?(placing: EachMiss, layer: number): void;
}

/** Places misses one by one, each by the service of its rule. */
export class EachMiss extends TieredMisses {
  /** By rule. */
  services: readonly Service[] = [];
  hooks: readonly PlacingHooks[] = [];
  degraded: readonly Required<Pick<Hooks, 'degraded'>>[] = [];
  /** End of the GPU's work so far, ns, for services that compare; else meaningless. */
  gpuNs = 0;
  readonly choice: RuleChoice;
  readonly #compares: boolean;
  /** Members with unplaced transfers. */
  readonly #loads: Int32Array;
  #count = 0;
  /** By missed member: number of the rule. */
  readonly #rules: Uint8Array;

  /** @param compares true: services compare the ends of GPU and CPU */
  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions, choice: RuleChoice, compares: boolean) {
    super(gpu, event, evictions);
    this.choice = choice;
    this.#compares = compares;
    this.#loads = new Int32Array(event.missed.length);
    this.#rules = new Uint8Array(event.missed.length);
  }

  override place(layer: number, size: number): void {
    const { dram, gpu } = this.gpu;
    const { ids } = this.event.demand;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    this.#resolve(layer);
    if (dram !== null) this.pinInDram();
    for (const hook of this.hooks) hook.opened?.(this, layer);
    this.#count = 0;
    if (this.#compares) this.#beginOnGpu(layer);
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Members are distinct and pinned: residency stays as judged until a member's turn.
      if (resident[id - base] === 1) cache.touch(id - base);
      else this.absent(layer, i);
    }
    this.flush(layer);
    for (const hook of this.hooks) hook.closed?.(this, layer);
  }

  /** Rule of each miss, in order, before any change of state. */
  #resolve(layer: number): void {
    const { missed, misses } = this.event;
    for (let k = 0; k < misses; k++) {
      const i = missed[k]!;
      let at = this.choice.of(0, i);
      while (!this.services[at]!.takes(layer, i)) at = this.choice.of(at + 1, i);
      this.#rules[i] = at;
      this.decided(i);
    }
  }

  /** The missed member `i` has a rule; caches are unchanged. */
  protected decided(_i: number): void {}

  /** Serves a member without a slot. */
  protected absent(layer: number, i: number): void {
    this.services[this.#rules[i]!]!.serve(layer, i);
  }

  protected override reads(i: number): boolean {
    return this.services[this.#rules[i]!]!.reads(i);
  }

  /** Starts the transfers of members brought so far. */
  flush(layer: number): void {
    this.load(layer, this.#loads, this.#count);
    for (let k = 0; this.#compares && k < this.#count; k++) this.executed(layer, this.#loads[k]!);
    this.#count = 0;
  }

  #beginOnGpu(layer: number): void {
    const { cost } = this.gpu;
    const { demand, hit, hits, readyNs, startNs, waiting, waits } = this.event;
    this.gpuNs = startNs;
    for (let k = 0; k < hits; k++) this.gpuNs += cost.expertNs(layer, demand.counts[hit[k]!]!);
    sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) this.executed(layer, waiting[k]!);
  }

  /** Member `i` executes on the GPU after its arrival. */
  executed(layer: number, i: number): void {
    const { demand, readyNs } = this.event;
    this.gpuNs = Math.max(this.gpuNs, readyNs[i]!) + this.gpu.cost.expertNs(layer, demand.counts[i]!);
  }

  /** The policy sees an expert used without a slot. */
  passBy(i: number, layer: number): void {
    const { base, policy } = this.gpu.gpu.byLayer[layer]!;
    policy.streamed?.(this.event.demand.ids[i]! - base);
  }

  /**
   * Loads member `i` with the next transfers. @param slot true: into a slot, if the policy admits the expert, or
   * `always` @returns true: in a slot
   */
  bring(layer: number, i: number, slot: boolean, always: boolean): boolean {
    const { gpu } = this.gpu;
    const { event, evictions } = this;
    evictions.slotFreeNs = event.startNs;
    let admitted = false;
    if (!slot) this.passBy(i, layer);
    else {
      admitted = gpu.admit(event.demand.ids[i]!, layer, true, 0, always);
      evictions.account(event.startNs);
    }
    if (!admitted) this.countStreamed(layer, 1);
    event.readyNs[i] = admitted ? evictions.slotFreeNs : event.startNs;
    event.waiting[event.waits++] = i;
    this.#loads[this.#count++] = i;
    return admitted;
  }

  bytesOf(i: number): number {
    return this.gpu.sizes[this.event.demand.ids[i]!]!;
  }

  /** Arrival of member `i` in host memory, ns. */
  hostNs(layer: number, i: number): number {
    return this.gpu.dram === null ? this.event.startNs : this.inDram(this.event.demand.ids[i]!, layer);
  }

  /** Counts a transfer of a whole expert or a copy that gets no slot. */
  streamed(layer: number): void {
    this.countStreamed(layer, 1);
  }

  /** A copy or another expert serves member `i`. */
  degrade(i: number): void {
    const { counts, ids } = this.event.demand;
    this.gpu.recorder.degradedActivations += counts[i]!;
    for (const hook of this.degraded) hook.degraded(ids[i]!);
  }

  /** Member `i` executes with the hits, from weights other than its own. */
  standIn(layer: number, i: number): void {
    const { event } = this;
    event.hit[event.hits++] = i;
    event.standIns++;
    this.gpuNs += this.gpu.cost.expertNs(layer, event.demand.counts[i]!);
  }
}
