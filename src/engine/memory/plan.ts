import { within } from '../../base/errors.js';
import { formatBytes, formatCount } from '../../base/units.js';
import { capacityBytes } from '../../cache/capacity.js';
import { shrinkQuotas } from '../../cache/scope.js';
import type { DenseBytes, HardwareSpec } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { KvGrowth, Workload } from '../../schedule/door.js';
import { misfit, type RunSpec, type SystemSpec, stagingBufferBytes, stagingBuffers } from '../../system/door.js';
import { drafterBytes } from '../inputs/drafting.js';
import type { Serving } from '../inputs/serving.js';
import { RESERVED_TOKENS } from './activations.js';
import { copyRoom } from './copies.js';
import type { DenseRooms } from './dense.js';
import { atOnce, type MemoryNeed, type Rooms, separateRooms, sharedRoom, wantedCapacity } from './rooms.js';

/** Bytes of the tier that executes experts, and of DRAM. */
export interface MemoryPlan extends Rooms {
  /** Dense weights, and a copy of the model that drafts. */
  readonly denseBytes: number;
  /** Most tokens of a pass: the run's, or fewer, so that its activations fit. */
  readonly passTokens: number;
  /** Bytes of the activations of such passes beyond the machine's reserve. */
  readonly activationBytes: number;
  readonly kvBytesPerToken: number;
  /** Dense weights, and KV cache of one token, that lie in DRAM. */
  readonly dram: DenseBytes;
  /** Time at which KV caches take memory: at the start, or as they grow. */
  readonly kvGrowth: KvGrowth;
  /** Memory that dense weights and staging leave to KV caches and the expert cache: at least what both have been given. */
  readonly sharedBytes: number;
  /** The part of the expert cache for low-precision copies; 0: there are none, or every expert fits whole. */
  readonly copyBytes: number;
  /** The part of the expert cache for whole experts, bytes. */
  readonly wholeBytes: number;
  /** Experts that each layer's cache holds, in layer scope: as the system or `16/layer` sets it; null: an even split (L6). */
  readonly quotas: readonly number[] | null;
  /** Capacity of DRAM as a cache of the SSD; null if it holds every expert, or there is no tier below. */
  readonly dramBytes: number | null;
  readonly warnings: readonly Warning[];
}

/** Inputs of a memory plan: one GPU with its part of the host, the experts that live there, and the system that runs. */
interface MemoryInputs {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  readonly system: SystemSpec;
  readonly rooms: DenseRooms;
  /** Bytes that a pass of `tokens` tokens takes beyond what the machine reserves. Absent: unknown. */
  readonly activations?: (tokens: number) => number;
}

/** Divides memory: the expert cache has its size, or the rest. @throws UserError for a capacity that contradicts the system or the machine */
export function planMemory(
  { activations = () => 0, hardware, model, rooms: dense, system }: MemoryInputs,
  run: RunSpec,
  workload: Workload,
  serving: Serving,
): MemoryPlan {
  const gpuBytes = hardware.tiers[0]!.bytes;
  const denseBytes = dense.gpu.weightBytes + drafterBytes(model, run.workload);
  const kvGrowth = run.memory.kvGrowth ?? 'static';
  const need: MemoryNeed = {
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
  within('L6', 'dense weights, bytes,', denseBytes);
  within('L6', 'activations, bytes,', activationBytes);
  within('L6', 'expert cache, bytes,', cacheBytes);
  within('L6', 'copies in the expert cache, bytes,', copyBytes, 0, cacheBytes);
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
    warnings: [...fitWarnings(hardware, neededBytes, denseBytes, rooms), ...splitWarnings(need, passTokens, activations), ...dram.warnings],
  };
}

/** Bytes of the staging buffers of prefetches; 0: there are none. */
export const prefetchBytes = (model: ModelSpec, { predictor, prefetch: { staging } }: SystemSpec): number =>
  staging === undefined || predictor.kind.name === 'none' ? 0 : stagingBuffers(staging, model) * stagingBufferBytes(model);

/** Memory divided for passes of one size. */
interface Divided {
  readonly passTokens: number;
  readonly activationBytes: number;
  readonly rooms: Rooms;
  readonly neededBytes: number;
}

/** Divides the memory that activations leave. While they do not fit, passes are halved; if not even the smallest fits, the asked size stands. */
function withPasses(need: MemoryNeed, activations: (tokens: number) => number): Divided {
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

const fits = ({ hardware }: MemoryNeed, { neededBytes }: Divided): boolean => neededBytes <= hardware.tiers[0]!.bytes;

function dividedBeside(need: MemoryNeed, passTokens: number, activationBytes: number): Divided {
  const beside = { ...need, leftBytes: need.leftBytes - activationBytes };
  const growing = need.kvGrowth !== 'static';
  // If activations leave nothing to share, divide without them: it will not fit, and a smaller pass is tried.
  const rooms = growing ? sharedRoom(beside.leftBytes > need.stagingBytes ? beside : need) : separateRooms(beside);
  const { cacheBytes, kvBytes, leastCacheBytes, stagingBytes } = rooms;
  const roomBytes = growing ? Math.max(cacheBytes, kvBytes + leastCacheBytes) : kvBytes + cacheBytes;
  return { passTokens, activationBytes, rooms, neededBytes: need.denseBytes + activationBytes + stagingBytes + roomBytes };
}

function splitWarnings({ run }: MemoryNeed, passTokens: number, activations: (tokens: number) => number): Warning[] {
  const { maxTokensPerPass } = run.workload;
  if (passTokens === maxTokensPerPass) return [];
  const message =
    `Activations of ${formatCount(maxTokensPerPass)} tokens take ${formatBytes(activations(maxTokensPerPass))} more than those of a usual pass, which do ` +
    `not fit beside weights and caches: passes have at most ${formatCount(passTokens)} tokens. Take a smaller --cache, or workload.maxTokensPerPass=${passTokens}.`;
  return [{ code: 'pass-split', message }];
}

/** Experts per layer set by the system or by a capacity such as `16/layer`; null: an even split, or a split that a profile decides. */
function quotasOf({ model, wanted }: MemoryNeed, { cache }: SystemSpec, cacheBytes: number): readonly number[] | null {
  if (cache.quotas !== undefined) return typeof cache.quotas === 'string' ? null : cache.quotas;
  const perLayer = wanted === null || cache.scope === 'global' ? null : wanted.perLayer;
  if (perLayer === null) return null;
  // Shared with KV caches, the memory may be less than the capacity: each layer then has its part of what there is.
  const whole = model.layers.map((layer) => Math.min(layer.experts, perLayer));
  return shrinkQuotas(model, cacheBytes, whole);
}

function fitWarnings(
  hardware: HardwareSpec,
  neededBytes: number,
  denseBytes: number,
  { cacheBytes, kvBytes, stagingBytes }: Rooms,
): Warning[] {
  const gpuBytes = hardware.tiers[0]!.bytes;
  if (neededBytes <= gpuBytes) return [];
  // Rounded down, so that what is written fits.
  const room = Math.floor(((gpuBytes - neededBytes + cacheBytes) / 2 ** 30) * 10) / 10;
  return [
    {
      code: 'does-not-fit',
      message:
        `${hardware.name} has ${formatBytes(gpuBytes)} for a model, this run needs ${formatBytes(neededBytes)} ` +
        `(dense ${formatBytes(denseBytes)}, KV ${formatBytes(kvBytes)}, staging ${formatBytes(stagingBytes)}, experts ${formatBytes(cacheBytes)}): ` +
        `take ${room > 0 ? `--cache ${room}GiB or less` : 'a smaller --cache'}, a smaller --quantization or less context.`,
    },
  ];
}

/** Capacity of DRAM as a cache of the SSD; null: it holds all, or there is no SSD. With warnings. @throws UserError if DRAM caches nothing */
function divideDram({ hardware, longest, model, rooms, run, sequences }: MemoryNeed): {
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
  // The rest of the CPU's memory use comes first.
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
