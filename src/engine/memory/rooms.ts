import { formatBytes } from '../../base/units.js';
import { capacityBytes } from '../../cache/capacity.js';
import { cachedLayersOf } from '../../cache/policies/index.js';
import type { HardwareSpec } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../../model/door.js';
import { inBlocks, type KvGrowth, type Workload } from '../../schedule/door.js';
import { misfit, type RunSpec, type SystemSpec } from '../../system/door.js';
import type { Serving } from '../inputs/serving.js';
import type { DenseRooms } from './dense.js';

/** Memory of a machine, and demands. */
export interface MemoryNeed extends AtOnce {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  readonly denseBytes: number;
  readonly rooms: DenseRooms;
  readonly leftBytes: number;
  readonly stagingBytes: number;
  /** Expert cache capacity from system or run; null: the rest. */
  readonly wanted: { readonly bytes: number; readonly perLayer: number | null } | null;
  readonly run: RunSpec;
  readonly kvGrowth: KvGrowth;
  readonly serving: Serving;
}

interface AtOnce {
  readonly sequences: number;
  /** Tokens in a request's KV cache, context included. */
  readonly longest: number;
}

/** Upper limits of a run's KV caches. */
export function atOnce(run: RunSpec, workload: Workload, serving: Serving): AtOnce {
  return { sequences: Math.min(serving.running, workload.requests), longest: workload.longest + (run.workload.context ?? 0) };
}

/** Null: not given. @param most bytes on the GPU @throws UserError if system and run differ */
export function wantedCapacity(model: ModelSpec, most: number, { cache, name }: SystemSpec, run: RunSpec): MemoryNeed['wanted'] {
  const fixed = cache.capacity;
  const asked = run.memory.expertCache;
  if (fixed !== undefined && asked !== undefined && fixed.text !== asked.text) {
    const message = `system ${name} fixes its expert cache at ${fixed.text}; leave the size out, or take another system`;
    throw misfit(run, 'memory.expertCache', message);
  }
  const wanted = fixed ?? asked;
  if (wanted === undefined) return null;
  const cached = { ...model, layers: model.layers.slice(0, cachedLayersOf(cache.policy)) };
  const bytes = capacityBytes(wanted, cached) + expertBytesTotal(model) - expertBytesTotal(cached);
  return { bytes: Math.min(most, bytes), perLayer: wanted.kind === 'per-layer' ? wanted.experts : null };
}

/** Division of GPU memory left by dense weights, in bytes. */
export interface Rooms {
  /** Room for KV caches: for the longest concurrent requests, or set by the run; requests wait for room. */
  readonly kvBytes: number;
  /** Initial and largest capacity of the expert cache. */
  readonly cacheBytes: number;
  /** Least size of the expert cache, out of reach of KV caches. */
  readonly leastCacheBytes: number;
  /** Streamed experts (of a token, in the layer with the largest) and prefetches; 0: all resident. */
  readonly stagingBytes: number;
}

/** `static`: separate rooms. @throws UserError for a least expert cache size: a static cache never shrinks */
export function separateRooms(need: MemoryNeed): Rooms {
  const { leftBytes, run, stagingBytes, wanted } = need;
  const { expertBytes } = need.rooms;
  if (run.memory.minExpertCache !== undefined) {
    const why = 'the expert cache gives nothing up with static KV room; say memory.kvGrowth=grow, or leave it out';
    throw misfit(run, 'memory.minExpertCache', why);
  }
  const kvBytes = run.memory.kv ?? kvRoom(need);
  const freeBytes = leftBytes - kvBytes;
  const fits = freeBytes >= expertBytes + (streamsAlways(need) ? stagingBytes : 0);
  const cacheBytes = wanted?.bytes ?? (fits ? expertBytes : Math.max(0, freeBytes - stagingBytes));
  const resident = cacheBytes >= expertBytes && !streamsAlways(need);
  return { kvBytes, cacheBytes, leastCacheBytes: cacheBytes, stagingBytes: resident ? 0 : stagingBytes };
}

const streamsAlways = ({ model, rooms }: Pick<MemoryNeed, 'model' | 'rooms'>): boolean => rooms.expertBytes < expertBytesTotal(model);

/** Closed loop: every user's longest request; arrivals: memory left by experts or, without given size, half. */
function kvRoom({ leftBytes, longest, rooms, sequences, serving, stagingBytes, wanted }: MemoryNeed): number {
  const mostBytes = sequences * longest * rooms.gpu.kvBytesPerToken;
  if (serving.arrivalsSha256 === null) return mostBytes;
  const sharedBytes = leftBytes - stagingBytes;
  const forKv = wanted === null ? sharedBytes / 2 : sharedBytes - wanted.bytes;
  return Math.max(0, Math.min(mostBytes, Math.floor(forKv)));
}

/** `grow`, `reserve`: shared room; experts keep a token's, at most half. @throws UserError if no memory is left */
export function sharedRoom({
  denseBytes,
  hardware,
  leftBytes,
  longest,
  model,
  rooms,
  run,
  sequences,
  stagingBytes,
  wanted,
}: MemoryNeed): Rooms {
  const { expertBytes } = rooms;
  const mostKvBytes = sequences * inBlocks(longest) * rooms.gpu.kvBytesPerToken;
  const staging = leftBytes >= expertBytes + mostKvBytes && !streamsAlways({ model, rooms }) ? 0 : stagingBytes;
  const sharedBytes = leftBytes - staging;
  if (sharedBytes <= 0)
    throw misfit(
      run,
      'memory.kvGrowth',
      `dense weights (${formatBytes(denseBytes)}) and staging (${formatBytes(staging)}) leave nothing of the ` +
        `${formatBytes(hardware.tiers[0]!.bytes)} of ${hardware.name}; take a smaller --quantization, or another machine`,
    );
  const cacheBytes = Math.min(sharedBytes, wanted?.bytes ?? expertBytes);
  const leastCacheBytes =
    run.memory.minExpertCache === undefined
      ? Math.min(cacheBytes, tokenCycleBytes(model), Math.floor(sharedBytes / 2))
      : capacityBytes(run.memory.minExpertCache, model);
  if (leastCacheBytes > cacheBytes) {
    const why = `${formatBytes(leastCacheBytes)} is more than the expert cache has at all (${formatBytes(cacheBytes)}); take less`;
    throw misfit(run, 'memory.minExpertCache', why);
  }
  const kvBytes = Math.min(sharedBytes - leastCacheBytes, run.memory.kv ?? sharedBytes);
  return { kvBytes, cacheBytes, leastCacheBytes, stagingBytes: staging };
}
