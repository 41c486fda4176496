// Who gets how many bytes: dense weights, KV caches and staging come first, the expert cache takes what it is given or what is left.
import { formatBytes, formatCount } from '../../base/units.js';
import { capacityBytes } from '../../cache/capacity.js';
import { shrinkQuotas } from '../../cache/scope.js';
import type { DenseBytes } from '../../hardware/dense-split.js';
import type { HardwareSpec } from '../../hardware/spec.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../../model/spec.js';
import type { Warning } from '../../result/result.js';
import { inBlocks, type KvGrowth } from '../../schedule/kv-room.js';
import type { Workload } from '../../schedule/workload.js';
import { misfit, type RunSpec } from '../../system/run.js';
import { stagingBufferBytes, stagingBuffers } from '../../system/staging.js';
import type { SystemSpec } from '../../system/system.js';
import { drafterBytes } from '../drafting.js';
import type { Serving } from '../serving.js';
import { RESERVED_TOKENS } from './activations.js';
import { copyRoom } from './copies.js';
import type { DenseRooms } from './dense.js';

/** Bytes of the tier that executes experts, and of DRAM. */
export interface MemoryPlan extends Rooms {
  /** Dense weights, and a copy of the model that drafts. */
  readonly denseBytes: number;
  /** Most tokens of a pass: as the run says, or what leaves its activations room. */
  readonly passTokens: number;
  /** What activations of such passes take beyond what the machine reserves. */
  readonly activationBytes: number;
  /** KV cache of one token here. */
  readonly kvBytesPerToken: number;
  /** Dense weights, and KV cache of one token, that lie in DRAM. */
  readonly dram: DenseBytes;
  /** What KV caches take, and when. */
  readonly kvGrowth: KvGrowth;
  /** What dense weights and staging leave to KV caches and the expert cache: at least what both have been given. */
  readonly sharedBytes: number;
  /** Of the expert cache, what low-precision copies have that stay; 0: none do, or every expert fits whole. */
  readonly copyBytes: number;
  /** What whole experts have of it. */
  readonly wholeBytes: number;
  /** Experts that each layer's cache holds, in layer scope: as the system says, or as `16/layer` says; null: an even split (L6). */
  readonly quotas: readonly number[] | null;
  /** Capacity of DRAM as a cache of the SSD; null where it holds every expert, or there is no tier below. */
  readonly dramBytes: number | null;
  readonly warnings: readonly Warning[];
}

/** What a way of growing divides. */
interface Rooms {
  /** Room for KV caches: of as many of the longest requests as run at once, or what the run says; requests wait where it is taken. */
  readonly kvBytes: number;
  /** Capacity of the expert cache: at the start and, where KV caches grow at its expense or memory is lost, the most that it ever has. */
  readonly cacheBytes: number;
  /** Bytes that the expert cache is never smaller than on account of KV caches. */
  readonly leastCacheBytes: number;
  /**
   * Buffers that streamed experts execute from, one token's experts of the layer where they are largest, and those that prefetches land in; 0
   * where all are resident.
   */
  readonly stagingBytes: number;
}

/** What there is to divide, and what asks for a part of it. Bytes. */
interface Need extends AtOnce {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  /** Dense weights, and a copy of the model that drafts. */
  readonly denseBytes: number;
  readonly rooms: DenseRooms;
  /** What these leave of the GPU's memory. */
  readonly leftBytes: number;
  readonly stagingBytes: number;
  /** Capacity that the system or the run gives the expert cache, perhaps in experts per layer; null: what is left. */
  readonly wanted: { readonly bytes: number; readonly perLayer: number | null } | null;
  readonly run: RunSpec;
  readonly kvGrowth: KvGrowth;
  readonly serving: Serving;
}

/** What KV caches hold at most. */
interface AtOnce {
  /** Requests that run at once. */
  readonly sequences: number;
  /** Tokens in the KV cache of one request, its context included. */
  readonly longest: number;
}

/** What KV caches of a run hold at most. */
export function atOnce(run: RunSpec, workload: Workload, serving: Serving): AtOnce {
  return { sequences: Math.min(serving.running, workload.requests), longest: workload.longest + (run.workload.context ?? 0) };
}

/** What is divided: one GPU with its part of the host, the experts that live there, and the system that runs. */
export interface MemoryInputs {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  readonly system: SystemSpec;
  readonly rooms: DenseRooms;
  /** Bytes that passes of so many tokens take beyond what the machine reserves. Absent: nobody knows. */
  readonly activations?: (tokens: number) => number;
}

/**
 * Divides memory.
 * @throws UserError for a capacity that contradicts the system or the machine
 */
export function planMemory(
  { activations = () => 0, hardware, model, rooms: dense, system }: MemoryInputs,
  run: RunSpec,
  workload: Workload,
  serving: Serving,
): MemoryPlan {
  const gpuBytes = hardware.tiers[0]!.bytes;
  const denseBytes = dense.gpu.weightBytes + drafterBytes(model, run.workload);
  const kvGrowth = run.memory.kvGrowth ?? 'static';
  const need: Need = {
    hardware,
    model,
    denseBytes,
    rooms: dense,
    leftBytes: gpuBytes - denseBytes,
    stagingBytes: model.layers.reduce((most, layer) => Math.max(most, layer.topK * layer.expertBytes), 0) + prefetchBytes(model, system),
    wanted: wantedCapacity(model, dense.expertBytes, system, run),
    run,
    kvGrowth,
    serving,
    ...atOnce(run, workload, serving),
  };
  if (kvGrowth === 'grow' && run.workload.context !== undefined) {
    const why = 'a request that is thrown out would run its context again, whose routing nobody knows';
    throw misfit(run, 'workload.context', `${why}; take memory.kvGrowth=reserve, or leave it out`);
  }
  const { activationBytes, neededBytes, passTokens, rooms } = withPasses(need, activations);
  const { cacheBytes, stagingBytes } = rooms;
  const dram = divideDram(need);
  const copyBytes = copyRoom(system.cache.copies, cacheBytes, dense.expertBytes);
  return {
    ...rooms,
    denseBytes,
    activationBytes,
    passTokens,
    kvBytesPerToken: dense.gpu.kvBytesPerToken,
    dram: dense.dram,
    kvGrowth,
    sharedBytes: Math.max(gpuBytes, neededBytes) - denseBytes - activationBytes - stagingBytes,
    copyBytes,
    wholeBytes: cacheBytes - copyBytes,
    quotas: quotasOf(need, system, cacheBytes - copyBytes),
    dramBytes: dram.bytes,
    warnings: [...doesNotFit(hardware, neededBytes, denseBytes, rooms), ...split(need, passTokens, activations), ...dram.warnings],
  };
}

/** Bytes of the buffers that prefetches land in; 0: there are none. */
function prefetchBytes(model: ModelSpec, { predictor, prefetch: { staging } }: SystemSpec): number {
  return staging === undefined || predictor.kind.name === 'none' ? 0 : stagingBuffers(staging, model) * stagingBufferBytes(model);
}

/** Memory divided beside the activations of passes. */
interface Divided {
  readonly passTokens: number;
  readonly activationBytes: number;
  readonly rooms: Rooms;
  readonly neededBytes: number;
}

/**
 * Divides memory beside passes as large as the run asks for, or, where these do not fit beside what has a size of its own, beside those of half
 * as many tokens, and so on; where no smaller pass would fit either, all is as the run asks for.
 */
function withPasses(need: Need, activations: (tokens: number) => number): Divided {
  const { batch, maxTokensPerPass, speculation } = need.run.workload;
  const least = Math.max(RESERVED_TOKENS, batch * (1 + (speculation?.draft ?? 0)));
  const asked = dividedBeside(need, maxTokensPerPass, activations(maxTokensPerPass));
  let divided = asked;
  while (!fits(need, divided) && divided.passTokens > least) {
    const tokens = Math.max(least, Math.floor(divided.passTokens / 2));
    divided = dividedBeside(need, tokens, activations(tokens));
  }
  return fits(need, divided) ? divided : asked;
}

function fits({ hardware }: Need, { neededBytes }: Divided): boolean {
  return neededBytes <= hardware.tiers[0]!.bytes;
}

function dividedBeside(need: Need, passTokens: number, activationBytes: number): Divided {
  const beside = { ...need, leftBytes: need.leftBytes - activationBytes };
  const growing = need.kvGrowth !== 'static';
  // Of what cannot be shared, no part is given: a smaller pass may leave something.
  const rooms = growing ? sharedRoom(beside.leftBytes > need.stagingBytes ? beside : need) : separateRooms(beside);
  const { cacheBytes, kvBytes, leastCacheBytes, stagingBytes } = rooms;
  const roomBytes = growing ? Math.max(cacheBytes, kvBytes + leastCacheBytes) : kvBytes + cacheBytes;
  return { passTokens, activationBytes, rooms, neededBytes: need.denseBytes + activationBytes + stagingBytes + roomBytes };
}

/** What the reader must know of passes that are smaller than the run asks for. */
function split({ run }: Need, passTokens: number, activations: (tokens: number) => number): Warning[] {
  const { maxTokensPerPass } = run.workload;
  if (passTokens === maxTokensPerPass) return [];
  const message =
    `Activations of ${formatCount(maxTokensPerPass)} tokens take ${formatBytes(activations(maxTokensPerPass))} more than those of a usual pass, which do ` +
    `not fit beside weights and caches: passes have at most ${formatCount(passTokens)} tokens. Take a smaller --cache, or workload.maxTokensPerPass=${passTokens}.`;
  return [{ code: 'pass-split', message }];
}

/** The size that the expert cache is given by the system or the run; null: neither says. */
function wantedCapacity(model: ModelSpec, most: number, { cache, name }: SystemSpec, run: RunSpec): Need['wanted'] {
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

/** `static`: KV caches have a room of their own, and the expert cache has its own. */
function separateRooms(need: Need): Rooms {
  const { leftBytes, run, stagingBytes, wanted } = need;
  const { expertBytes } = need.rooms;
  if (run.memory.minExpertCache !== undefined) {
    throw misfit(
      run,
      'memory.minExpertCache',
      'the expert cache gives nothing up with static KV room; say memory.kvGrowth=grow, or leave it out',
    );
  }
  const kvBytes = run.memory.kv ?? kvRoom(need);
  const freeBytes = leftBytes - kvBytes;
  const fits = freeBytes >= expertBytes + (streamsAlways(need) ? stagingBytes : 0);
  const cacheBytes = wanted?.bytes ?? (fits ? expertBytes : Math.max(0, freeBytes - stagingBytes));
  const resident = cacheBytes >= expertBytes && !streamsAlways(need);
  return { kvBytes, cacheBytes, leastCacheBytes: cacheBytes, stagingBytes: resident ? 0 : stagingBytes };
}

/** True where experts are streamed however much memory the GPU has: those of layers that the CPU holds, for large prompts. */
function streamsAlways({ model, rooms }: Pick<Need, 'model' | 'rooms'>): boolean {
  return rooms.expertBytes < expertBytesTotal(model);
}

/**
 * Users of a closed loop all have their room, at the expense of the expert cache. Where requests arrive by themselves, any number may
 * come at once: they take what the expert cache leaves or, where it has no size of its own, at most half of what both share.
 */
function kvRoom({ leftBytes, longest, rooms, sequences, serving, stagingBytes, wanted }: Need): number {
  const mostBytes = sequences * longest * rooms.gpu.kvBytesPerToken;
  if (serving.arrivalsSha256 === null) return mostBytes;
  const sharedBytes = leftBytes - stagingBytes;
  const forKv = wanted === null ? sharedBytes / 2 : sharedBytes - wanted.bytes;
  return Math.max(0, Math.min(mostBytes, Math.floor(forKv)));
}

/**
 * `grow` and `reserve`: KV caches and the expert cache share what dense weights and staging leave. The expert cache gives up what running
 * requests take, down to its least size: by default what one token touches, but at most half of what is shared and never more than its
 * full size.
 */
function sharedRoom({ denseBytes, hardware, leftBytes, longest, model, rooms, run, sequences, stagingBytes, wanted }: Need): Rooms {
  const { expertBytes } = rooms;
  const mostKvBytes = sequences * inBlocks(longest) * rooms.gpu.kvBytesPerToken;
  const staging = leftBytes >= expertBytes + mostKvBytes && !streamsAlways({ model, rooms }) ? 0 : stagingBytes;
  const sharedBytes = leftBytes - staging;
  if (sharedBytes <= 0) {
    throw misfit(
      run,
      'memory.kvGrowth',
      `dense weights (${formatBytes(denseBytes)}) and staging (${formatBytes(staging)}) leave nothing of the ` +
        `${formatBytes(hardware.tiers[0]!.bytes)} of ${hardware.name}; take a smaller --quantization, or another machine`,
    );
  }
  const cacheBytes = Math.min(sharedBytes, wanted?.bytes ?? expertBytes);
  const leastCacheBytes =
    run.memory.minExpertCache === undefined
      ? Math.min(cacheBytes, tokenCycleBytes(model), Math.floor(sharedBytes / 2))
      : capacityBytes(run.memory.minExpertCache, model);
  if (leastCacheBytes > cacheBytes) {
    throw misfit(
      run,
      'memory.minExpertCache',
      `${formatBytes(leastCacheBytes)} is more than the expert cache has at all (${formatBytes(cacheBytes)}); take less`,
    );
  }
  const kvBytes = Math.min(sharedBytes - leastCacheBytes, run.memory.kv ?? sharedBytes);
  return { kvBytes, cacheBytes, leastCacheBytes, stagingBytes: staging };
}

/** Experts per layer that the system or a capacity such as `16/layer` says; null: an even split, or a split that a profile decides. */
function quotasOf({ model, wanted }: Need, { cache }: SystemSpec, cacheBytes: number): readonly number[] | null {
  if (cache.quotas !== undefined) return typeof cache.quotas === 'string' ? null : cache.quotas;
  const perLayer = wanted === null || cache.scope === 'global' ? null : wanted.perLayer;
  if (perLayer === null) return null;
  // Where KV caches share the memory there may be less of it than asked for: each layer then has its part of what there is.
  const whole = model.layers.map((layer) => Math.min(layer.experts, perLayer));
  return shrinkQuotas(model, cacheBytes, whole);
}

function doesNotFit(
  hardware: HardwareSpec,
  neededBytes: number,
  denseBytes: number,
  { cacheBytes, kvBytes, stagingBytes }: Rooms,
): Warning[] {
  const gpuBytes = hardware.tiers[0]!.bytes;
  if (neededBytes <= gpuBytes) return [];
  return [
    {
      code: 'does-not-fit',
      message:
        `${hardware.name} has ${formatBytes(gpuBytes)} for a model, this run needs ${formatBytes(neededBytes)} ` +
        `(dense ${formatBytes(denseBytes)}, KV ${formatBytes(kvBytes)}, staging ${formatBytes(stagingBytes)}, experts ${formatBytes(cacheBytes)}): ` +
        'take a smaller --cache, a smaller --quantization or less context.',
    },
  ];
}

/** Capacity of DRAM as a cache of the SSD, null where it is none; and what that means for the reader. */
function divideDram({ hardware, longest, model, rooms, run, sequences }: Need): {
  readonly bytes: number | null;
  readonly warnings: readonly Warning[];
} {
  const [, dram, ssd] = hardware.tiers;
  const caches = dram?.name === 'dram' && ssd !== undefined;
  const asked = run.memory.dramCache;
  if (asked !== undefined) {
    if (caches) return { bytes: capacityBytes(asked, model), warnings: [] };
    throw misfit(run, 'memory.dramCache', `${hardware.name} has no SSD tier below its DRAM that it could be a cache of; leave it out`);
  }
  if (dram?.name !== 'dram') return { bytes: null, warnings: [] };
  const expertBytes = expertBytesTotal(model);
  // What the CPU holds beside experts comes first.
  const heldBytes = rooms.dram.weightBytes + sequences * longest * rooms.dram.kvBytesPerToken;
  const leftBytes = Math.max(0, dram.bytes - heldBytes);
  if (expertBytes <= leftBytes) return { bytes: null, warnings: [] };
  const beside = heldBytes === 0 ? '' : ` beside ${formatBytes(heldBytes)} of dense weights and KV caches`;
  const lack = `${formatBytes(expertBytes)} of experts do not fit into ${formatBytes(dram.bytes)} of DRAM${beside}`;
  if (ssd !== undefined) {
    const message = `${lack}: it is a cache of the SSD here, cold at the start.`;
    return { bytes: leftBytes, warnings: [{ code: 'dram-too-small', message }] };
  }
  return { bytes: null, warnings: [{ code: 'does-not-fit', message: `${lack}, and ${hardware.name} has no SSD tier.` }] };
}
