import { within } from '../../base/errors.js';
import { formatBytes, formatCount } from '../../base/units.js';
import { capacityBytes } from '../../cache/capacity.js';
import { cachedLayersOf, spareSlots } from '../../cache/policies/index.js';
import { shrinkQuotas } from '../../cache/scope.js';
import { keptBytes } from '../../cache/slot-groups.js';
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

/** Bytes of the tier executing experts, and of DRAM. */
export interface MemoryPlan extends Rooms {
  /** Dense weights and a drafting copy of the model. */
  readonly denseBytes: number;
  /** Most tokens of a pass: the run's, or fewer to fit activations. */
  readonly passTokens: number;
  /** Bytes of activations of `passTokens` tokens beyond the machine's reserve. */
  readonly activationBytes: number;
  readonly kvBytesPerToken: number;
  readonly dram: DenseBytes;
  readonly kvGrowth: KvGrowth;
  /** Memory left for KV caches and the expert cache, at least their sizes, bytes. */
  readonly sharedBytes: number;
  /** Expert cache's part for low-precision copies; 0: no copies, or all experts fit. */
  readonly copyBytes: number;
  readonly wholeBytes: number;
  /** Slots of each layer's cache from the system or `16/layer`; null: even split (L6). */
  readonly quotas: readonly number[] | null;
  /** Capacity of DRAM as a cache of the SSD; null: DRAM holds every expert, or no DRAM. */
  readonly dramBytes: number | null;
  readonly warnings: readonly Warning[];
}

interface MemoryInputs {
  readonly hardware: HardwareSpec;
  readonly model: ModelSpec;
  readonly system: SystemSpec;
  readonly rooms: DenseRooms;
  /** Bytes of a pass of `tokens` tokens beyond the machine's reserve. Absent: unknown. */
  readonly activations?: (tokens: number) => number;
}

/** An expert cache without given size gets the rest. @throws UserError if a capacity contradicts system or machine */
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
  const wholeBytes = withoutSpare(model, system, run, cacheBytes - copyBytes);
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
    wholeBytes,
    quotas: quotasOf(need, system, wholeBytes),
    dramBytes: dram.bytes,
    warnings: [...fitWarnings(hardware, neededBytes, denseBytes, rooms), ...splitWarnings(need, passTokens, activations), ...dram.warnings],
  };
}

/** Bytes of prefetch staging buffers; 0: no buffers. */
export const prefetchBytes = (model: ModelSpec, { predictor, prefetch: { staging } }: SystemSpec): number =>
  staging === undefined || predictor.kind.name === 'none' ? 0 : stagingBuffers(staging, model) * stagingBufferBytes(model);

interface Divided {
  readonly passTokens: number;
  readonly activationBytes: number;
  readonly rooms: Rooms;
  readonly neededBytes: number;
}

/** Halves passes until activations fit; if none does, the asked size stays. */
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
  // Without remaining memory, divides without activations: the division does not fit, and a smaller pass is tried.
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

/** Bytes of experts beside a policy's empty slots, which a capacity in experts leaves out. */
function withoutSpare(model: ModelSpec, { cache }: SystemSpec, run: RunSpec, bytes: number): number {
  const { kind = 'bytes' } = cache.capacity ?? run.memory.expertCache ?? {};
  const spare = spareSlots(cache.policy, model.layers[0]?.topK ?? 0);
  if (kind !== 'bytes' || spare === 0 || bytes >= expertBytesTotal(model)) return bytes;
  const cached = { ...model, layers: model.layers.slice(0, cachedLayersOf(cache.policy)) };
  const heldBytes = expertBytesTotal(model) - expertBytesTotal(cached);
  return heldBytes + keptBytes(cached, Math.max(0, bytes - heldBytes), spare);
}

/** Experts per layer from the system or a capacity such as `16/layer`; null: even or profiled split. */
function quotasOf({ model, wanted }: MemoryNeed, { cache }: SystemSpec, cacheBytes: number): readonly number[] | null {
  if (cache.quotas !== undefined) return typeof cache.quotas === 'string' ? null : cache.quotas;
  const perLayer = wanted === null || cache.scope === 'global' ? null : wanted.perLayer;
  if (perLayer === null) return null;
  // Memory shared with KV caches may be below the capacity: each layer gets its part of actual memory.
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
  // Rounded down, so the printed size fits.
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

/** @returns null capacity: DRAM holds all, or no SSD @throws UserError if DRAM caches nothing */
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
