// One way to run a model: its placement and the other settings of the runtime. Types and small helpers only: kind/runtime.ts offers them, price.ts
// prices them, fits.ts counts their memory.
import type { HardwareSpec } from '../../hardware/door.js';
import type { CpuProjections, ModelSpec } from '../../model/door.js';

/** Storage of keys and values in the KV cache. */
export type KvType = 'f16' | 'q8_0' | 'q4_0';

/** The placement of weights. */
export interface WeightPlacement {
  /** Decoder layers on the GPUs, last ones first; null: all, with the output matrix. 0: the CPU computes everything. */
  readonly gpuLayers: number | null;
  /** First MoE layers whose experts lie in host memory. */
  readonly cpuMoe: number;
  /** Projections of the next layer's experts that lie there, too; null: none. */
  readonly cpuProjections: CpuProjections | null;
  /** Experts of each layer on the GPUs; null: all experts of their layers. */
  readonly gpuExperts: number | null;
  /** Experts of each layer in the GPUs' expert cache, while host memory holds all; null: there is no cache. */
  readonly slots: number | null;
}

/** Everything on the GPUs. */
export const ALL_ON_GPU: WeightPlacement = { gpuLayers: null, cpuMoe: 0, cpuProjections: null, gpuExperts: null, slots: null };

/** True if nothing lies in host memory: the CPU takes no part. */
export function isAllOnGpu({ cpuMoe, cpuProjections, gpuExperts, gpuLayers, slots }: WeightPlacement): boolean {
  return cpuMoe === 0 && cpuProjections === null && gpuExperts === null && gpuLayers === null && slots === null;
}

/** One way to run a model. */
export interface Setting extends WeightPlacement {
  /** Storage format of the weights, as `--quantization` has it; null: as the files or the profile have it. */
  readonly quantization: string | null;
  /** Most tokens of one pass over a prompt. */
  readonly ubatch: number;
  readonly kv: KvType;
  /** Tokens that one user's conversation may have. */
  readonly context: number;
  readonly users: number;
  /** True: the GPUs hold the experts that prompts route to most, chosen anew with the prompts; false: any, fixed. */
  readonly followsPrompts: boolean;
  /** True: one of several sockets computes, from its own memory; false: all do. */
  readonly oneSocket: boolean;
  /** Tokens that are drafted for each pass; 0: none. */
  readonly draft: number;
  /** What drafts them: the model's own layers for further tokens, or what followed the same tokens before. */
  readonly drafter: 'mtp' | 'ngram';
  /** Bundled system of the expert cache that has the slots; null: there is no cache. */
  readonly cache: string | null;
  /** True: host memory is too small and caches experts of the file on the disk. */
  readonly fromDisk: boolean;
}

/** True if no GPU takes part. */
export const isCpuOnly = ({ gpuLayers }: Pick<WeightPlacement, 'gpuLayers'>): boolean => gpuLayers === 0;

/** The machine as a setting uses it: its host is one socket with its own memory if only that computes. */
export function machineFor(hardware: HardwareSpec, { oneSocket }: Pick<Setting, 'oneSocket'>): HardwareSpec {
  const { cpu, tiers } = hardware;
  if (!oneSocket || cpu?.sockets === undefined) return hardware;
  const { sockets, ...alone } = cpu;
  const split = tiers.map((tier) => (tier.name === 'dram' ? { ...tier, bytes: tier.bytes / sockets.count } : tier));
  return { ...hardware, cpu: alone, tiers: split };
}

/** Values of a setting without anything unusual. */
export const PLAIN = { followsPrompts: false, oneSocket: false, draft: 0, drafter: 'mtp', cache: null } as const;

/** Bytes of an expert cache, by layer with experts. @param slots experts of each layer that it holds */
export const cachedBytes = ({ layers }: ModelSpec, slots: number): number[] =>
  layers.map(({ expertBytes, experts }) => Math.min(slots, experts) * expertBytes);

/** Slots of each layer that an expert cache may have: what one token uses, and all experts but one. */
export const slotRange = (layers: ModelSpec['layers']): readonly [least: number, most: number] => [
  Math.max(...layers.map(({ topK }) => topK)),
  Math.max(...layers.map(({ experts }) => experts)) - 1,
];

/** All experts in host memory, and a cache of the most slots down to the least. @param keeps false: it keeps nothing */
export function bySlots({ layers }: ModelSpec, keeps: boolean): WeightPlacement[] {
  const cached = { ...ALL_ON_GPU, cpuMoe: layers.length };
  if (!keeps) return [{ ...cached, slots: 0 }];
  const [least, most] = slotRange(layers);
  return Array.from({ length: most - least + 1 }, (_, i) => ({ ...cached, slots: most - i }));
}
