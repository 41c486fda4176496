// Who gets how many bytes: dense weights, KV cache and staging come first, the expert cache takes what it is given or what is left.
import { UserError } from '../../base/errors.js';
import { formatBytes } from '../../base/units.js';
import { expertsPerLayer, parseCapacity } from '../../cache/capacity.js';
import { shrinkQuotas } from '../../cache/scope.js';
import { expertBytesTotal, tokenCycleBytes } from '../../model/spec.js';
import type { Warning } from '../../result/result.js';
import { inBlocks, type KvGrowth } from '../../schedule/kv-room.js';
import type { Workload } from '../../schedule/workload.js';
import type { RunSpec } from '../../system/run.js';
import type { Inputs } from '../inputs.js';
import type { ParallelPlan } from '../parallel/plan.js';
import type { Serving } from '../serving.js';

/** Bytes of the tier that executes experts, and of DRAM. */
export interface MemoryPlan {
  readonly denseBytes: number;
  /** Room for KV caches: of as many of the longest requests as run at once, or what the run says; requests wait where it is taken. */
  readonly kvBytes: number;
  /** Buffers that streamed experts execute from: one token's experts of the layer where they are largest. */
  readonly stagingBytes: number;
  /** Capacity of the expert cache: at the start and, where KV caches grow at its expense or memory is lost, the most that it ever has. */
  readonly cacheBytes: number;
  /** What KV caches take, and when. */
  readonly kvGrowth: KvGrowth;
  /** Bytes that the expert cache is never smaller than on account of KV caches. */
  readonly leastCacheBytes: number;
  /** What dense weights and staging leave to KV caches and the expert cache: at least what both have been given. */
  readonly sharedBytes: number;
  /** Experts that each layer's cache holds, in layer scope: as the system says, or as `16/layer` says; null: an even split (L6). */
  readonly quotas: readonly number[] | null;
  /** How the model is laid out over several GPUs; the bytes in here are then those of all together. Null: there is one. */
  readonly parallel: ParallelPlan | null;
  /** Capacity of DRAM as a cache of the SSD; null where it holds every expert, or there is no tier below. */
  readonly dramBytes: number | null;
  readonly warnings: readonly Warning[];
}

/**
 * Divides memory.
 * @throws UserError for a capacity that cannot be read, or that contradicts the system
 */
export function planMemory({ hardware, model, system }: Inputs, run: RunSpec, workload: Workload, serving: Serving): MemoryPlan {
  const [fast, second, third] = hardware.tiers;
  const experts = expertBytesTotal(model);
  const denseBytes = model.dense.weightBytes;
  const stagingBytes = model.layers.reduce((most, layer) => Math.max(most, layer.topK * layer.expertBytes), 0);
  const fixed = system.cache.capacity;
  const asked = run.memory.expertCache;
  if (fixed !== undefined && asked !== undefined && fixed !== asked) {
    throw new UserError(`--cache: system ${system.name} fixes its expert cache at ${fixed}; leave the size out, or take another system`);
  }
  const wanted = fixed ?? asked;
  const kvGrowth = run.memory.kvGrowth ?? 'static';
  const { minExpertCache } = run.memory;
  if (kvGrowth === 'static' && minExpertCache !== undefined) {
    throw new UserError(
      'memory.minExpertCache: the expert cache gives nothing up with static KV room; say memory.kvGrowth=grow, or leave it out',
    );
  }
  const warnings: Warning[] = [];
  const { cacheBytes, kvBytes, leastCacheBytes, staging } = kvGrowth === 'static' ? divide() : share();
  const needed = denseBytes + staging + (kvGrowth === 'static' ? kvBytes + cacheBytes : Math.max(cacheBytes, kvBytes + leastCacheBytes));
  if (needed > fast!.bytes) {
    warnings.push({
      code: 'does-not-fit',
      message:
        `${hardware.name} has ${formatBytes(fast!.bytes)} for a model, this run needs ${formatBytes(needed)} ` +
        `(dense ${formatBytes(denseBytes)}, KV ${formatBytes(kvBytes)}, staging ${formatBytes(staging)}, experts ${formatBytes(cacheBytes)}): ` +
        'take a smaller --cache, a smaller --quantization or less context.',
    });
  }
  const given = system.cache.quotas;
  let quotas = given === undefined || typeof given === 'string' ? null : given;
  const perLayer = wanted === undefined || system.cache.scope === 'global' ? null : expertsPerLayer(wanted);
  if (given === undefined && perLayer !== null) {
    // Where KV caches share the memory there may be less of it than asked for: each layer then has its part of what there is.
    const whole = model.layers.map((layer) => Math.min(layer.experts, perLayer));
    quotas = shrinkQuotas(model, cacheBytes, whole);
  }
  const sharedBytes = Math.max(fast!.bytes, needed) - denseBytes - staging;
  const dramBytes = dramCapacity();
  const parts = { denseBytes, kvBytes, stagingBytes: staging, cacheBytes, kvGrowth, leastCacheBytes, sharedBytes };
  return { ...parts, quotas, dramBytes, parallel: null, warnings };

  /** KV caches have a room of their own, and the expert cache has its own. */
  function divide() {
    const room = kvRoom();
    const free = fast!.bytes - denseBytes - room;
    let cache: number;
    if (wanted === undefined) cache = free >= experts ? experts : Math.max(0, free - stagingBytes);
    else cache = parseCapacity(wanted, model, 'expert cache');
    return { kvBytes: room, cacheBytes: cache, leastCacheBytes: cache, staging: cache >= experts ? 0 : stagingBytes };
  }

  /**
   * KV caches and the expert cache share what dense weights and staging leave. The expert cache gives up what running requests take, down
   * to its least size: by default what one token touches, but at most half of what is shared and never more than its full size.
   */
  function share() {
    const most = Math.min(serving.running, workload.requests) * inBlocks(workload.longest) * model.dense.kvBytesPerToken;
    const fits = fast!.bytes - denseBytes >= experts + most;
    const own = fits ? 0 : stagingBytes;
    const shared = fast!.bytes - denseBytes - own;
    if (shared <= 0) {
      throw new UserError(
        `memory.kvGrowth: dense weights (${formatBytes(denseBytes)}) and staging (${formatBytes(own)}) leave nothing of the ` +
          `${formatBytes(fast!.bytes)} of ${hardware.name}; take a smaller --quantization, or another machine`,
      );
    }
    const cache = Math.min(shared, wanted === undefined ? experts : parseCapacity(wanted, model, 'expert cache'));
    const least =
      minExpertCache === undefined
        ? Math.min(cache, tokenCycleBytes(model), Math.floor(shared / 2))
        : parseCapacity(minExpertCache, model, 'memory.minExpertCache');
    if (least > cache) {
      throw new UserError(
        `memory.minExpertCache: ${formatBytes(least)} is more than the expert cache has at all (${formatBytes(cache)}); take less`,
      );
    }
    return { kvBytes: Math.min(shared - least, run.memory.kv ?? shared), cacheBytes: cache, leastCacheBytes: least, staging: own };
  }

  /**
   * Users of a closed loop all have their room, at the expense of the expert cache. Where requests arrive by themselves, any number may
   * come at once: they take what the expert cache leaves or, where it has no size of its own, at most half of what both share.
   */
  function kvRoom(): number {
    if (run.memory.kv !== undefined) return run.memory.kv;
    const most = Math.min(serving.running, workload.requests) * workload.longest * model.dense.kvBytesPerToken;
    if (serving.arrivalsSha256 === null) return most;
    const shared = fast!.bytes - denseBytes - stagingBytes;
    const left = wanted === undefined ? shared / 2 : shared - parseCapacity(wanted, model, 'expert cache');
    return Math.max(0, Math.min(most, Math.floor(left)));
  }

  function dramCapacity(): number | null {
    if (run.memory.dramCache !== undefined && (second?.name !== 'dram' || third === undefined)) {
      throw new UserError(`memory.dramCache: ${hardware.name} has no SSD tier below its DRAM that it could be a cache of; leave it out`);
    }
    if (second?.name !== 'dram') return null;
    if (third === undefined) {
      if (experts > second.bytes) {
        warnings.push({
          code: 'does-not-fit',
          message: `${formatBytes(experts)} of experts do not fit into ${formatBytes(second.bytes)} of DRAM, and ${hardware.name} has no SSD tier.`,
        });
      }
      return null;
    }
    if (run.memory.dramCache !== undefined) return parseCapacity(run.memory.dramCache, model, 'DRAM cache');
    if (experts <= second.bytes) return null;
    warnings.push({
      code: 'dram-too-small',
      message: `${formatBytes(experts)} of experts do not fit into ${formatBytes(second.bytes)} of DRAM: it is a cache of the SSD here, cold at the start.`,
    });
    return second.bytes;
  }
}
