// Demands on memory, and the division of what dense weights leave of a GPU between KV caches and the expert cache: each in a room of its own, or both
// in one.
import { formatBytes } from '../../base/units.js';
import { capacityBytes } from '../../cache/capacity.js';
import type { HardwareSpec } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../../model/door.js';
import { inBlocks, type KvGrowth, type Workload } from '../../schedule/door.js';
import { misfit, type RunSpec, type SystemSpec } from '../../system/door.js';
import type { Serving } from '../inputs/serving.js';
import type { DenseRooms } from './dense.js';

/** The memory of a machine, and the demands on it. */
export interface MemoryNeed extends AtOnce {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  /** Dense weights, and a copy of the model that drafts. */
  readonly denseBytes: number;
  readonly rooms: DenseRooms;
  readonly leftBytes: number;
  readonly stagingBytes: number;
  /** Capacity that the system or the run gives the expert cache, perhaps in experts per layer; null: the rest. */
  readonly wanted: { readonly bytes: number; readonly perLayer: number | null } | null;
  readonly run: RunSpec;
  readonly kvGrowth: KvGrowth;
  readonly serving: Serving;
}

/** Upper limits of KV caches. */
interface AtOnce {
  readonly sequences: number;
  /** Tokens in the KV cache of one request, its context included. */
  readonly longest: number;
}

/** The upper limits of the KV caches of a run. */
export function atOnce(run: RunSpec, workload: Workload, serving: Serving): AtOnce {
  return { sequences: Math.min(serving.running, workload.requests), longest: workload.longest + (run.workload.context ?? 0) };
}

/** The size of the expert cache by system or run; null: neither. @param most bytes on the GPU @throws UserError if both give one and differ */
export function wantedCapacity(model: ModelSpec, most: number, { cache, name }: SystemSpec, run: RunSpec): MemoryNeed['wanted'] {
  const fixed = cache.capacity;
  const asked = run.memory.expertCache;
  if (fixed !== undefined && asked !== undefined && fixed.text !== asked.text) {
    const message = `system ${name} fixes its expert cache at ${fixed.text}; leave the size out, or take another system`;
    throw misfit(run, 'memory.expertCache', message);
  }
  const wanted = fixed ?? asked;
  return wanted === undefined
    ? null
    : {
        bytes: most < expertBytesTotal(model) ? Math.min(most, capacityBytes(wanted, model)) : capacityBytes(wanted, model),
        perLayer: wanted.kind === 'per-layer' ? wanted.experts : null,
      };
}

/** What dense weights leave of a GPU's memory, divided. */
export interface Rooms {
  /** Room for KV caches: for as many of the longest requests as run at once, or as the run sets; requests wait while it is full. */
  readonly kvBytes: number;
  /** Capacity of the expert cache: at the start, which is the most that it ever has. */
  readonly cacheBytes: number;
  /** Least size of the expert cache: KV caches never take more from it. */
  readonly leastCacheBytes: number;
  /** Buffers of streamed experts (a token's, of the layer with the largest) and of prefetches; 0 if all experts are resident. */
  readonly stagingBytes: number;
}

/** `static`: KV caches and the expert cache each have a room. @throws UserError for a least size of the expert cache, which never shrinks here */
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

/** True if experts are streamed however much memory the GPU has: those of layers that the CPU holds, for large prompts. */
const streamsAlways = ({ model, rooms }: Pick<MemoryNeed, 'model' | 'rooms'>): boolean => rooms.expertBytes < expertBytesTotal(model);

/** Room for KV caches: in a closed loop each user's longest request; for arrivals what experts leave or, without a given size, half. */
function kvRoom({ leftBytes, longest, rooms, sequences, serving, stagingBytes, wanted }: MemoryNeed): number {
  const mostBytes = sequences * longest * rooms.gpu.kvBytesPerToken;
  if (serving.arrivalsSha256 === null) return mostBytes;
  const sharedBytes = leftBytes - stagingBytes;
  const forKv = wanted === null ? sharedBytes / 2 : sharedBytes - wanted.bytes;
  return Math.max(0, Math.min(mostBytes, Math.floor(forKv)));
}

/** KV caches and experts share a room (`grow`, `reserve`), experts keep one token's, at most half. @throws UserError if nothing is left */
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
