import type { ExpertCache } from '../../cache/cache.js';
import type { ResolvedPolicy } from '../../cache/policies/index.js';
import { PINNED, UNPINNED } from '../../cache/policy.js';
import { buildCaches, type CacheOptions, type Caches, layerOfExperts } from '../../cache/scope.js';
import { expertSizes } from '../../model/door.js';
import { type CopiesSpec, copyShare, type MissRule } from '../../system/door.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import { EachMiss } from '../event/place-each.js';
import { MissService } from '../event/service.js';
import { copiesOf, copyRoom } from '../memory/copies.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** Arrays are indexed by dense expert id. */
interface CopyPoolParts {
  /** Of `buildCaches`, for a model with copy-sized experts. */
  readonly caches: Pick<Caches, 'byLayer' | 'caches' | 'rank' | 'split'>;
  /** Bytes of each copy, and MoE layer of its expert. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly bytesOf: (capacityBytes: number) => number;
  /** True: a copy is a slice of its expert. */
  readonly additive: boolean;
}

/**
 * L6, L13: low-precision copies on a GPU, in slots taken from whole experts' bytes. Copies come on demand only: pooled
 * copies have arrived.
 */
export class CopyPool {
  readonly caches: readonly ExpertCache[];
  readonly sizes: Float64Array;
  readonly additive: boolean;
  /** Misses served from copies; transferred copies and bytes. */
  hits = 0;
  brought = 0;
  broughtBytes = 0;
  readonly #parts: CopyPoolParts;
  #tier: Pick<CachedTier, 'account'> | null = null;
  readonly #pinned: number[] = [];

  constructor(parts: CopyPoolParts) {
    this.#parts = parts;
    this.caches = parts.caches.caches;
    this.sizes = parts.sizes;
    this.additive = parts.additive;
  }

  /** Takes a part of a tier's capacity, with the initial copies. */
  lieIn(tier: CachedTier): void {
    this.#tier = tier;
    tier.leave((capacityBytes) => this.#resize(capacityBytes));
    tier.account(this.usedBytes);
  }

  get usedBytes(): number {
    return this.caches.reduce((bytes, cache) => bytes + cache.usedBytes, 0);
  }

  get evictions(): number {
    return this.caches.reduce((count, cache) => count + cache.evictions, 0);
  }

  holds(id: number): boolean {
    const cache = this.#cacheOf(id);
    return cache.resident[id - cache.base] === 1;
  }

  serve(id: number): void {
    this.hits++;
    this.touch(id);
  }

  /** @returns false: no slot */
  bring(id: number): boolean {
    this.brought++;
    this.broughtBytes += this.sizes[id]!;
    return this.admit(id, true);
  }

  touch(id: number): void {
    const cache = this.#cacheOf(id);
    cache.touch(id - cache.base);
  }

  /**
   * Gives the missing copy of `id` a slot (L5). @param used false: slice of an evicted expert @returns false: no room,
   * or refused by the policy
   */
  admit(id: number, used: boolean): boolean {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    const admitted = cache.admit(id - cache.base, used);
    this.#tier!.account(cache.usedBytes - before);
    return admitted;
  }

  /** Frees the slot of a slice, now part of its expert. */
  merge(id: number): void {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    cache.remove(id - cache.base);
    this.#tier!.account(cache.usedBytes - before);
  }

  /** Pins a present or coming copy until the running event's end (L4). */
  pin(id: number): void {
    this.#parts.caches.rank[id] = PINNED;
    this.#pinned.push(id);
  }

  unpinAll(): void {
    for (const id of this.#pinned) this.#parts.caches.rank[id] = UNPINNED;
    this.#pinned.length = 0;
  }

  /** @returns bytes of the pool's part */
  #resize(capacityBytes: number): number {
    const bytes = this.#parts.bytesOf(capacityBytes);
    const shares = this.#parts.caches.split(bytes);
    const before = this.usedBytes;
    for (const [c, cache] of this.caches.entries()) cache.resize(shares[c]!);
    this.#tier!.account(this.usedBytes - before);
    return bytes;
  }

  #cacheOf(id: number): ExpertCache {
    return this.#parts.caches.byLayer[this.#parts.layerOf[id]!]!;
  }
}

/** Copies kept with whole experts. */
interface KeptCopies extends Pick<CacheOptions, 'scope'> {
  readonly spec: CopiesSpec;
  readonly policy: ResolvedPolicy;
  /** Copy size as a share of the expert's bytes. */
  readonly copyBytes: number;
}

interface PoolOptions extends KeptCopies, Omit<CacheOptions, 'capacityBytes' | 'parameters' | 'policy' | 'quotas' | 'rank' | 'scope'> {
  readonly roomBytes: number;
}

/** Copy pool of a GPU, with the policy's initial contents. */
export function copyPool({ copyBytes, model: whole, policy, roomBytes, spec, ...knows }: PoolOptions): CopyPool {
  const model = copiesOf(whole, copyBytes);
  const rank = new Int32Array(model.experts).fill(UNPINNED);
  const { definition, parameters } = policy;
  const caches = buildCaches({ ...knows, model, policy: definition, parameters, capacityBytes: roomBytes, rank });
  for (const cache of caches.caches) cache.preload();
  const expertBytes = whole.layers.reduce((bytes, layer) => bytes + layer.experts * layer.expertBytes, 0);
  return new CopyPool({
    caches,
    sizes: expertSizes(model),
    layerOf: layerOfExperts(model),
    bytesOf: (capacityBytes) => Math.min(roomBytes, copyRoom(spec, capacityBytes, expertBytes)),
    additive: spec.additive,
  });
}

/** Placement with additive copies: loads bring what a slice on the GPU lacks, and victims leave their slices. */
class SlicedMisses extends EachMiss {
  readonly #copies: CopyPool;
  /** By missed member: 1 if the GPU has a slice of the expert. */
  readonly #slices: Uint8Array;

  constructor({ event, evictions, gpu }: GpuParts, copies: CopyPool, ...rest: readonly [EachMiss['choice'], boolean]) {
    super(gpu, event, evictions, ...rest);
    this.#copies = copies;
    this.#slices = new Uint8Array(event.missed.length);
  }

  protected override decided(i: number): void {
    const id = this.event.demand.ids[i]!;
    this.#slices[i] = this.#copies.holds(id) ? 1 : 0;
    this.#copies.pin(id);
  }

  override bring(layer: number, i: number, slot: boolean, always: boolean): boolean {
    const admitted = super.bring(layer, i, slot, always);
    if (slot) this.#leaveSlices();
    const id = this.event.demand.ids[i]!;
    if (this.#slices[i] === 1) {
      if (admitted) this.#copies.merge(id);
      else this.#copies.touch(id);
    }
    return admitted;
  }

  #leaveSlices(): void {
    const { victimCount, victims } = this.gpu.gpu;
    for (let k = 0; k < victimCount; k++) if (!this.#copies.holds(victims[k]!)) this.#copies.admit(victims[k]!, false);
  }

  /** Bytes of member `i` over the link, without its slice on the GPU. */
  override bytesOf(i: number): number {
    const bytes = super.bytesOf(i);
    return this.#slices[i] === 1 ? bytes - this.#copies.sizes[this.event.demand.ids[i]!]! : bytes;
  }

  protected override bringOver(layer: number, order: Int32Array, count: number): void {
    const { gpu, recorder } = this.gpu;
    const { demand, readyNs } = this.event;
    for (let k = 0; k < count; k++) {
      const i = order[k]!;
      const bytes = this.bytesOf(i);
      readyNs[i] = gpu.link.demand(demand.ids[i]!, bytes, readyNs[i]!);
      recorder.layers.onDemandBytes[layer]! += bytes;
    }
  }
}

/** L13 `low-precision`: a smaller copy executes, as long as the expert. */
class LowPrecision extends MissService {
  override readonly keeps = false;
  readonly #pool: CopyPool | null;
  readonly #copyBytes: number;

  /** @param pool null: no copies stay */
  constructor(placing: EachMiss, pool: CopyPool | null, { copyBytes }: MissRule) {
    super(placing);
    this.#pool = pool;
    this.#copyBytes = copyBytes;
  }

  /** Pins the kept copy, before evictions. */
  override takes(_layer: number, i: number): boolean {
    this.#pool?.pin(this.placing.event.demand.ids[i]!);
    return true;
  }

  override reads(i: number): boolean {
    return this.#pool === null || !this.#pool.holds(this.placing.event.demand.ids[i]!);
  }

  serve(layer: number, i: number): boolean {
    const { placing } = this;
    const id = placing.event.demand.ids[i]!;
    placing.passBy(i, layer);
    placing.degrade(i);
    if (this.#pool?.holds(id)) {
      this.#pool.serve(id);
      placing.standIn(layer, i);
    } else this.#bring(layer, i, id);
    return true;
  }

  /** Transfers a copy, kept if copies are kept and room is left. */
  #bring(layer: number, i: number, id: number): void {
    const { placing } = this;
    const { event } = placing;
    const { gpu, recorder, sizes } = placing.gpu;
    placing.flush(layer);
    const bytes = Math.ceil(this.#copyBytes * sizes[id]!);
    const fromNs = placing.hostNs(layer, i);
    event.readNs[i] = fromNs;
    event.readyNs[i] = gpu.link.demand(id, bytes, fromNs);
    event.waiting[event.waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
    placing.executed(layer, i);
    if (this.#pool === null || !this.#pool.bring(id)) placing.streamed(layer);
  }
}

function onGpu(parts: GpuParts, pool: CopyPool | null): FoldPart {
  return {
    ...(pool === null ? {} : { hooks: [{ ending: () => pool.unpinAll() }] }),
    ...(pool?.additive ? { place: (choice, compares) => new SlicedMisses(parts, pool, choice, compares) } : {}),
    service: (placing, rule) => (rule.do === 'low-precision' ? new LowPrecision(placing, pool, rule) : null),
  };
}

/** Copies in a run. @param kept null: copies are dropped after use */
export class LowPrecisionCopies implements RunPart {
  /** Of GPUs with room for copies. */
  readonly pools: CopyPool[] = [];
  readonly #kept: KeptCopies | null;

  constructor(kept: KeptCopies | null) {
    this.#kept = kept;
  }

  on(parts: GpuParts): FoldPart {
    const roomBytes = parts.memory.copyBytes;
    if (this.#kept === null || roomBytes === 0) return onGpu(parts, null);
    const pool = copyPool({ ...parts.knows, ...this.#kept, roomBytes });
    pool.lieIn(parts.gpu.gpu);
    this.pools.push(pool);
    return onGpu(parts, pool);
  }
}

/** Low-precision copies, transferred or kept on the GPU. */
export const COPIES: Mechanism = {
  name: 'copies',
  law: 'L13',
  inRun({ plan: { inputs }, policies, rules }) {
    if (!rules.some((rule) => rule.do === 'low-precision')) return null;
    const { cache, onMiss } = inputs.system;
    const { copies: spec } = cache;
    if (spec === undefined) return new LowPrecisionCopies(null);
    const scope = spec.scope ?? cache.scope;
    return new LowPrecisionCopies({ spec, scope, policy: policies.copies!, copyBytes: copyShare(onMiss) });
  },
};
