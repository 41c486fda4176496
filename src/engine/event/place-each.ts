// Placement where the fate of a miss depends on what became of those before it (L13): the CPU computes it where it lies (or, of a pass
// that is large enough for its runtime, the GPU streams it), it is streamed, served from a smaller copy or skipped, or its slot is free only after a write-back.
import { inRange, type MissRule } from '../../system/miss-rules.js';
import type { Promotions } from '../prefetch/promotions.js';
import type { Staging } from '../transfer/staging.js';
import type { RunningEvent } from './event.js';
import type { Evictions } from './evictions.js';
import type { Gpu } from './gpu.js';
import { Misses } from './place.js';
import { PRECISION, type Precision } from './precision.js';

/** Places the misses of one GPU one by one. */
class EachMiss extends Misses {
  /** Members that are to be loaded, as far as that is decided. */
  readonly #loads: Int32Array;
  #count = 0;
  readonly #promotions: Promotions | null;
  /** True where a rule may have the CPU compute. */
  readonly #usesCpu: boolean;

  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions, promotions: Promotions | null) {
    super(gpu, event, evictions);
    this.#loads = new Int32Array(event.missed.length);
    this.#promotions = promotions;
    this.#usesCpu = gpu.onMiss.some((rule) => rule.do === 'cpu' || rule.do === 'cheaper');
  }

  override place(layer: number, size: number, startNs: number): void {
    const { cost, dram, gpu } = this.gpu;
    const { event } = this;
    const { ids } = event.demand;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    const { staging } = gpu;
    if (dram !== null) this.pinInDram();
    if (this.#usesCpu) event.cpuNs.fill(cost.onCpu[layer] === 1 ? startNs : startNs + cost.handoverNs);
    this.#count = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Members are distinct and pinned: until its own turn, each is still held, or not, as it was judged.
      if (resident[id - base] === 1) cache.touch(id - base);
      else if (staging !== null && staging.held[id] === 1) this.#moveIn(staging, layer, i, startNs);
      else this.#miss(layer, i, startNs);
    }
    this.#flush(layer, startNs);
  }

  /** Serves member `i`, which was missed, as the first rule that holds says. */
  #miss(layer: number, i: number, startNs: number): void {
    const { precision } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const rule = this.#ruleFor(event.demand.counts[i]!);
    // What a runtime copies from so many tokens on holds where the rule does not say itself when it does.
    const streamed = rule.do === 'static' || (rule.do === 'cpu' && event.offloaded && rule.when === null);
    if ((rule.do === 'cpu' && !streamed) || (rule.do === 'cheaper' && this.#cpuIsSooner(layer, i, startNs))) {
      this.#compute(layer, i, startNs);
      if (rule.admit === 'background') this.#promotions!.missed(id, rule.after);
      return;
    }
    if (precision !== null && precision.of(id) !== PRECISION.full) {
      // In order: what was to be loaded before it goes first.
      this.#flush(layer, startNs);
      this.#degrade(layer, i, precision, startNs);
      return;
    }
    this.#bring(layer, i, startNs, streamed ? null : rule);
    this.#loads[this.#count++] = i;
    // Placed at once, so that the next member is judged against the link as it is then.
    if (rule.do === 'cheaper') this.#flush(layer, startNs);
  }

  /** The first rule that holds for an expert that `count` tokens of the pass chose. */
  #ruleFor(count: number): MissRule {
    const { onMiss } = this.gpu;
    const { prefill, tokens } = this.event;
    let at = 0;
    for (; at < onMiss.length - 1; at++) {
      const when = onMiss[at]!.when!;
      if (when.phase !== null && (when.phase === 'prefill') !== prefill) continue;
      if (when.tokens !== null && !inRange(when.tokens, count)) continue;
      if (when.pass !== null && !inRange(when.pass, tokens)) continue;
      break;
    }
    return onMiss[at]!;
  }

  /** Places the transfers of what is to be loaded so far. */
  #flush(layer: number, startNs: number): void {
    this.load(layer, this.#loads, this.#count, startNs);
    this.#count = 0;
  }

  /** Member `i` was brought ahead, into a buffer: it moves into the cache, or is executed where it is. */
  #moveIn(staging: Staging, layer: number, i: number, startNs: number): void {
    const { gpu } = this.gpu;
    const { evictions, event } = this;
    const id = event.demand.ids[i]!;
    const cache = gpu.byLayer[layer]!;
    const rule = this.#ruleFor(event.demand.counts[i]!);
    if (rule.do === 'static') {
      cache.policy.streamed?.(id - cache.base);
      return;
    }
    evictions.slotFreeNs = startNs;
    const admitted = gpu.admit(id, layer, true, 0, rule.admit === 'always');
    evictions.account(startNs);
    if (admitted) staging.free(id, evictions.slotFreeNs);
  }

  /** The CPU computes member `i` where it lies. */
  #compute(layer: number, i: number, startNs: number): void {
    const { cost, dram, gpu } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const cache = gpu.byLayer[layer]!;
    const fromNs = dram === null ? startNs : this.inDram(id, layer, startNs);
    const queue = id % cost.cpuQueues;
    const cpuStartNs = Math.max(event.cpuNs[queue]!, fromNs);
    const cpuEndNs = cpuStartNs + cost.cpuExpertNs(layer, event.demand.counts[i]!);
    event.cpuNs[queue] = cpuEndNs;
    event.observer?.computedOnCpu(id, layer, cpuStartNs, cpuEndNs);
    event.onCpu[event.cpuExperts++] = i;
    cache.policy.streamed?.(id - cache.base);
  }

  /** Member `i` is to be loaded: into a slot where it gets one, when that is free; without a rule it is streamed. */
  #bring(layer: number, i: number, startNs: number, rule: MissRule | null): void {
    const { gpu } = this.gpu;
    const { event, evictions } = this;
    const id = event.demand.ids[i]!;
    const cache = gpu.byLayer[layer]!;
    evictions.slotFreeNs = startNs;
    let admitted = false;
    if (rule === null) cache.policy.streamed?.(id - cache.base);
    else {
      admitted = gpu.admit(id, layer, true, 0, rule.admit === 'always');
      evictions.account(startNs);
    }
    if (!admitted) this.countStreamed(layer, 1);
    event.readyNs[i] = admitted ? evictions.slotFreeNs : startNs;
    event.waiting[event.waits++] = i;
  }

  /** A miss that matters little: its low-precision copy is streamed, or it is skipped. Executing a copy is priced as the expert is. */
  #degrade(layer: number, i: number, precision: Precision, startNs: number): void {
    const { dram, gpu, recorder, sizes } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const cache = gpu.byLayer[layer]!;
    cache.policy.streamed?.(id - cache.base);
    if (precision.of(id) === PRECISION.skipped) {
      recorder.skippedExperts++;
      recorder.skippedActivations += count;
      return;
    }
    const bytes = Math.ceil(precision.limits.copyBytes * sizes[id]!);
    const fromNs = dram === null ? startNs : this.inDram(id, layer, startNs);
    event.readyNs[i] = gpu.link.demand(id, bytes, fromNs);
    event.waiting[event.waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
    recorder.degradedActivations += count;
    this.countStreamed(layer, 1);
  }

  /** L13 `cheaper`: whether the CPU would be done with member `i` before it could be loaded and executed. */
  #cpuIsSooner(layer: number, i: number, startNs: number): boolean {
    const { cost, dram, gpu, sizes } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const bytes = sizes[id]!;
    let fromNs = startNs;
    if (dram !== null) fromNs = dram.holds(id, layer) ? Math.max(startNs, dram.arrivalNs[id]!) : dram.link.peek(bytes, startNs);
    const cpuNs = Math.max(event.cpuNs[id % cost.cpuQueues]!, fromNs) + cost.cpuExpertNs(layer, count);
    return cpuNs <= gpu.link.peek(bytes, fromNs) + cost.expertNs(layer, count);
  }
}

/** True where some miss is promoted in the background. */
export function promotes({ onMiss }: Pick<Gpu, 'onMiss'>): boolean {
  return onMiss.some(({ admit }) => admit === 'background');
}

/** Places the misses of a GPU as its rules, its tiers and its precision ask for. */
export function missesOf(gpu: Gpu, event: RunningEvent, evictions: Evictions, promotions: Promotions | null): Misses {
  const [first] = gpu.onMiss;
  const plain = gpu.onMiss.length === 1 && first!.do === 'load' && first!.admit === 'policy';
  const atOnce = plain && gpu.writeBack === null && gpu.precision === null && gpu.gpu.staging === null;
  return atOnce ? new Misses(gpu, event, evictions) : new EachMiss(gpu, event, evictions, promotions);
}
