// A way to run a model. kind/runtime.ts offers settings, price.ts prices them, fits.ts counts their memory.
import { sum } from '../../base/statistics.js';
import type { HardwareSpec } from '../../hardware/door.js';
import { type CpuProjections, type ModelSpec, mostExperts, mostTopK } from '../../model/door.js';

/** Storage of keys and values in the KV cache. */
export type KvType = 'f16' | 'q8_0' | 'q4_0';

/** Placement of weights. */
export interface WeightPlacement {
  /** Last decoder layers; null: all, with the output matrix. 0: CPU only. */
  readonly gpuLayers: number | null;
  /** First MoE layers with experts in host memory. */
  readonly cpuMoe: number;
  /** Projections of the next layer's experts in host memory; null: none. */
  readonly cpuProjections: CpuProjections | null;
  /** Experts per layer on the GPUs; null: all. */
  readonly gpuExperts: number | null;
  /** Experts per layer in the GPUs' cache, while host memory holds all; null: no cache. */
  readonly slots: number | null;
}

/** Everything on the GPUs. */
export const ALL_ON_GPU: WeightPlacement = { gpuLayers: null, cpuMoe: 0, cpuProjections: null, gpuExperts: null, slots: null };

/** True if no weights lie in host memory. */
export function isAllOnGpu({ cpuMoe, cpuProjections, gpuExperts, gpuLayers, slots }: WeightPlacement): boolean {
  return cpuMoe === 0 && cpuProjections === null && gpuExperts === null && gpuLayers === null && slots === null;
}

/** A way to run a model. */
export interface Setting extends WeightPlacement {
  /** Storage format; null: the format of the files or the profile. */
  readonly quantization: string | null;
  /** Most tokens of a prompt pass. */
  readonly ubatch: number;
  readonly kv: KvType;
  /** Most tokens of a conversation. */
  readonly context: number;
  readonly users: number;
  /** True: the GPUs hold the experts most used by prompts; false: fixed experts. */
  readonly followsPrompts: boolean;
  /** True: a single socket computes, from local memory. */
  readonly oneSocket: boolean;
  /** Tokens drafted per pass; 0: none. */
  readonly draft: number;
  /** Source of drafts: MTP layers, or n-grams. */
  readonly drafter: 'mtp' | 'ngram';
  /** Bundled system of the expert cache; null: no cache. */
  readonly cache: string | null;
  /** Share of the cache's misses that the CPU computes; absent: as the system has it. */
  readonly cpuShare?: number;
  /** True: host memory caches experts of the disk. */
  readonly fromDisk: boolean;
}

/** True if no GPU takes part. */
export const isCpuOnly = ({ gpuLayers }: Pick<WeightPlacement, 'gpuLayers'>): boolean => gpuLayers === 0;

/** The machine of a setting: with `oneSocket`, the host is a socket and its memory. */
export function machineFor(hardware: HardwareSpec, { oneSocket }: Pick<Setting, 'oneSocket'>): HardwareSpec {
  const { cpu, tiers } = hardware;
  if (!oneSocket || cpu?.sockets === undefined) return hardware;
  const { sockets, ...alone } = cpu;
  const split = tiers.map((tier) => (tier.name === 'dram' ? { ...tier, bytes: tier.bytes / sockets.count } : tier));
  return { ...hardware, cpu: alone, tiers: split };
}

/** Defaults of a setting. */
export const PLAIN = { followsPrompts: false, oneSocket: false, draft: 0, drafter: 'mtp', cache: null } as const;

/**
 * Expert-cache bytes by MoE layer. @param slots experts per layer @param cached first layers with a part in the cache
 */
export const cachedBytes = ({ layers }: ModelSpec, slots: number, cached = layers.length): number[] =>
  layers.slice(0, cached).map(({ expertBytes, experts }) => Math.min(slots, experts) * expertBytes);

/** Size of an expert cache as its flag has it, MiB. */
export const cacheMebibytes = (model: ModelSpec, { cpuMoe, slots }: Pick<WeightPlacement, 'cpuMoe' | 'slots'>): number =>
  Math.floor(sum(cachedBytes(model, slots ?? 0, cpuMoe)) / 2 ** 20);

/** From a token's experts to all experts but one. */
export const slotRange = (layers: ModelSpec['layers']): readonly [least: number, most: number] => [
  mostTopK({ layers }),
  mostExperts({ layers }) - 1,
];

/** Experts of the first layers in host memory, with most cache slots first. @param keeps false: no cache */
export function bySlots({ layers }: ModelSpec, keeps: boolean, cpuMoe = layers.length): WeightPlacement[] {
  const cached = { ...ALL_ON_GPU, cpuMoe };
  if (!keeps) return [{ ...cached, slots: 0 }];
  const [least, most] = slotRange(layers);
  return Array.from({ length: most - least + 1 }, (_, i) => ({ ...cached, slots: most - i }));
}
