// LRU at all capacities from one exact pass: stack distances instead of a replay per capacity.
//
// This holds event by event too (L2, L4): after an event whose members all fit, an LRU cache of n slots holds the members and the
// n - |D| most recent others, which are the n most recent of all; so a member hits where fewer than n experts were used since, judged
// before the event. Caches too small for an event's members stream some of them, and are replayed one by one.

import { isUniform } from '../cache/cache.js';
import { lru } from '../cache/policies/lru.js';
import { evenSplit } from '../cache/scope.js';
import { LruStack } from '../cache/stack-distance.js';
import { expertSizes } from '../model/spec.js';
import { NULL_EXPERT } from '../trace/trace.js';
import type { Job, JobCapacity, JobCounts, ResolvedJob } from './job.js';
import { splitAtWarmup } from './job.js';
import { CapacityReplay } from './replay-job.js';

/** A pass over stack distances costs about as much as three replays. */
const WORTHWHILE = 3;

/** Exact stack distances for the capacities that they hold for, replays for the others. */
export class LruJob implements Job {
  readonly #job: ResolvedJob;
  /** One per layer, or one for all. */
  readonly #stacks: readonly LruStack[];
  readonly #distinctBefore: number[];
  /** Uses of each layer's experts at each distance; first uses are not in it. */
  readonly #byLayer: readonly Float64Array[];
  /** By capacity: slots of each cache, or the replay of a cache that is too small. */
  readonly #plans: readonly (readonly number[] | CapacityReplay)[];
  #done = 0;

  /** True where all experts of a cache have the same size, so that a capacity is a number of slots, and replays would cost more. */
  static suits({ definition, scope, model, capacities }: ResolvedJob): boolean {
    const uniform = scope === 'layer' || isUniform(expertSizes(model));
    return definition === lru && uniform && capacities.length >= WORTHWHILE;
  }

  constructor(job: ResolvedJob) {
    const { model, scope } = job;
    this.#job = job;
    this.#stacks = scope === 'layer' ? model.layers.map((layer) => new LruStack(layer.experts)) : [new LruStack(model.experts)];
    this.#distinctBefore = this.#stacks.map(() => 0);
    this.#byLayer = model.layers.map((layer) => new Float64Array(scope === 'layer' ? layer.experts : model.experts));
    this.#plans = job.capacities.map((capacity) => {
      const slots = slotsOf(job, capacity);
      const holds = job.sequential || slots.every((count, c) => count >= widest(job, c));
      return holds ? slots : new CapacityReplay(job, capacity, null);
    });
  }

  rows(experts: Uint16Array, tokens: number): void {
    for (const plan of this.#plans) if (plan instanceof CapacityReplay) plan.rows(experts, tokens);
    splitAtWarmup(this.#done, tokens, this.#job.warmup, (from, to, counted) => {
      if (this.#job.sequential) this.#sequentially(experts, from, to);
      else this.#atomically(experts, from, to);
      if (!counted) this.#forget();
    });
    this.#done += tokens;
  }

  finish(): JobCounts[] {
    return this.#plans.map((plan) => (plan instanceof CapacityReplay ? plan.counts() : this.#counts(plan)));
  }

  close(): void {}

  #counts(slots: readonly number[]): JobCounts {
    const own = this.#job.scope === 'layer';
    const hits = this.#byLayer.map((uses, l) => sumOf(uses, slots[own ? l : 0]!));
    const caches = this.#stacks.map((stack, c) => {
      const first = stack.distinct - this.#distinctBefore[c]!;
      const layers = own ? [this.#byLayer[c]!] : this.#byLayer;
      const later = layers.reduce((sum, uses) => sum + sumOf(uses, uses.length), 0);
      const hit = layers.reduce((sum, uses) => sum + sumOf(uses, slots[c]!), 0);
      // Every miss is inserted (the members of an event fit); what does not add to the residents has evicted.
      const insertions = slots[c] === 0 ? 0 : first + later - hit;
      const grown = Math.min(slots[c]!, stack.distinct) - Math.min(slots[c]!, this.#distinctBefore[c]!);
      return { insertions, evictions: slots[c] === 0 ? 0 : insertions - grown };
    });
    return { hits, caches };
  }

  #forget(): void {
    for (const [c, stack] of this.#stacks.entries()) this.#distinctBefore[c] = stack.distinct;
    for (const uses of this.#byLayer) uses.fill(0);
  }

  #sequentially(experts: Uint16Array, from: number, to: number): void {
    const { model, topK } = this.#job;
    let at = from * model.layers.length * topK;
    for (let row = from; row < to; row++) {
      for (let layer = 0; layer < this.#byLayer.length; layer++) {
        const stack = this.#stacks.length === 1 ? this.#stacks[0]! : this.#stacks[layer]!;
        const shift = this.#stacks.length === 1 ? model.layers[layer]!.offset : 0;
        const uses = this.#byLayer[layer]!;
        for (const end = at + topK; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          const distance = stack.distance(expert + shift);
          if (distance >= 0) uses[distance]! += 1;
          stack.touch(expert + shift);
        }
      }
    }
  }

  #atomically(experts: Uint16Array, from: number, to: number): void {
    const { model, topK } = this.#job;
    let start = from * model.layers.length * topK;
    for (let row = from; row < to; row++) {
      for (let layer = 0; layer < this.#byLayer.length; layer++) {
        const stack = this.#stacks.length === 1 ? this.#stacks[0]! : this.#stacks[layer]!;
        const shift = this.#stacks.length === 1 ? model.layers[layer]!.offset : 0;
        const uses = this.#byLayer[layer]!;
        const end = start + topK;
        for (let at = start; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          const distance = stack.distance(expert + shift);
          if (distance >= 0) uses[distance]! += 1;
        }
        for (let at = start; at < end; at++) {
          const expert = experts[at]!;
          if (expert !== NULL_EXPERT) stack.touch(expert + shift);
        }
        start = end;
      }
    }
  }
}

/** Slots of each cache at a capacity. */
function slotsOf({ model, scope }: ResolvedJob, { bytes, quotas }: JobCapacity): readonly number[] {
  if (scope === 'layer') return quotas ?? evenSplit(model, bytes);
  return [Math.min(model.experts, Math.floor(bytes / model.layers[0]!.expertBytes))];
}

/** Most experts that a row can demand of a cache at once. */
function widest({ model, scope, topK }: ResolvedJob, cache: number): number {
  return scope === 'layer' ? Math.min(topK, model.layers[cache]!.experts) : topK;
}

function sumOf(uses: Float64Array, slots: number): number {
  let sum = 0;
  for (let distance = 0; distance < Math.min(slots, uses.length); distance++) sum += uses[distance]!;
  return sum;
}
