import { sum } from '../../base/statistics.js';
import { gpuRooms, type HardwareSpec } from '../../hardware/door.js';
import { decoderLayerOf, type ModelSpec, projectionTensors } from '../../model/door.js';
import { allocate, holdings } from '../allocation/allocate.js';
import { allocateDrafter } from '../allocation/drafter.js';
import type { AllocationRules, LoadPlan } from '../allocation/graph/load-plan.js';
import { type DeviceMemory, gpusOf, HOST, MARGIN } from '../setting/fits.js';
import { cachedBytes, isAllOnGpu, isCpuOnly, machineFor, type Setting, type WeightPlacement } from '../setting/setting.js';

/** Memory of a setting under ggml's allocation, with the split of layers over GPUs. */
export interface Loaded {
  readonly devices: readonly DeviceMemory[];
  /** Blocks per GPU, output matrix included (`-ts`); null: shared tensors, or at most a single GPU. */
  readonly split: readonly number[] | null;
  /** Blocks of the file on the GPUs, as `-ngl` counts; absent: all, or no such flag. */
  readonly blocks?: number;
}

/** Value of `-amb`, bytes, as in recorded DeepSeek runs. */
export const SCORES = 512 * 2 ** 20;

/** Latent attention (`-mla`): absorbed while decoding, unpacked for prompts. */
export const LATENT = 3;

/** Smallest `-b`: the default. */
export const LEAST_BATCH = 2048;

/** Bisection steps for the filled share of a GPU; ours: to a thousandth of a percent. */
const SPLIT_STEPS = 24;

/** Pipeline copies of tensors between GPUs (GGML_SCHED_MAX_COPIES). */
const PIPELINE_COPIES = 4;

/** Bytes by device. @throws UserError if the model's tensors are unknown */
export function loadedMemory(rules: AllocationRules, model: ModelSpec, setting: Setting, machine: HardwareSpec): Loaded {
  const hardware = machineFor(machine, setting);
  const [first, dram] = hardware.tiers;
  const gpus = gpusOf(hardware);
  const plan = planOf(rules, model, setting, gpus);
  const rooms = gpuRooms(hardware).map((bytes) => bytes - MARGIN);
  const slots = slotBytes(model, setting);
  const split = gpus > 1 && !isCpuOnly(setting) ? splitOf(model, plan, rooms, slots) : null;
  const placed = split === null ? plan : { ...plan, tensorSplit: split };
  const drafter = setting.draft === 0 || setting.drafter === 'ngram' ? null : allocateDrafter(model, placed).devices;
  const memory = allocate(model, placed).devices.map((allocated, i) => {
    const parts = drafter === null ? [allocated] : [allocated, drafter[i]!];
    const isHost = allocated.name === 'cpu';
    const name = isHost ? HOST : gpus === 1 ? 'GPU' : `GPU ${i}`;
    const device = { name, has: isHost ? (dram?.bytes ?? 0) : rooms[i]!, ...together(parts) };
    return isHost ? device : { ...device, weights: device.weights + sum(blocksOn(slots, split, i)) };
  });
  const flags = { split, ...(setting.gpuLayers === null ? {} : { blocks: plan.gpuLayers }) };
  if (first!.name !== 'unified') return { devices: memory, ...flags };
  return { devices: [{ name: 'memory', has: first!.bytes - (gpus > 0 ? MARGIN : 0), ...together(memory) }], ...flags };
}

function slotBytes(model: ModelSpec, { cpuMoe, slots }: Setting): number[] {
  const bytes: number[] = [];
  if (slots !== null) for (const [layer, size] of cachedBytes(model, slots, cpuMoe).entries()) bytes[decoderLayerOf(model, layer)] = size;
  return Array.from(bytes, (size = 0) => size);
}

function blocksOn(bytes: readonly number[], split: readonly number[] | null, gpu: number): readonly number[] {
  if (split === null) return bytes;
  const from = sum(split.slice(0, gpu));
  return bytes.slice(from, from + split[gpu]!);
}

function together(
  parts: readonly (Omit<DeviceMemory, 'name' | 'has'> & { readonly output?: number })[],
): Omit<DeviceMemory, 'name' | 'has'> {
  const all = { weights: 0, kv: 0, compute: 0 };
  for (const { compute, kv, output = 0, weights } of parts) {
    all.weights += weights;
    all.kv += kv;
    all.compute += compute + output;
  }
  return all;
}

/** First decoder layers with experts in host memory, as `-ncmoe` counts. */
export function cpuExpertLayers(model: ModelSpec, { cpuMoe }: Pick<WeightPlacement, 'cpuMoe'>): number {
  return cpuMoe === 0 ? 0 : decoderLayerOf(model, cpuMoe - 1) + 1;
}

/** `-ot` pattern of the next layer's tensors in host memory; null: none. */
export function splitPattern(model: ModelSpec, { cpuMoe, cpuProjections }: WeightPlacement): string | null {
  if (cpuProjections === null) return null;
  const names = projectionTensors(model, cpuMoe, cpuProjections).map((name) => /ffn_(.*)_exps$/.exec(name)![1]!);
  const which = names.length === 1 ? names[0]! : `(${names.join('|')})`;
  return `blk\\.${decoderLayerOf(model, cpuMoe)}\\.ffn_${which}_exps`;
}

function planOf(rules: AllocationRules, model: ModelSpec, setting: Setting, gpus: number): LoadPlan {
  const { context, draft, gpuLayers, kv, ubatch, users } = setting;
  const split = splitPattern(model, setting);
  return {
    rules,
    gpus,
    gpuLayers: blocksOf(rules, model, gpuLayers),
    ...(split === null ? {} : { overrides: [{ pattern: split, device: 'cpu' }] }),
    cpuMoeLayers: cpuExpertLayers(model, setting),
    context: context * users,
    parallel: users,
    ...(rules.fewOutputs ? { outputs: users * (1 + draft) } : {}),
    batch: Math.max(LEAST_BATCH, ubatch),
    ubatch,
    kv: { k: kv, v: kv },
    flashAttention: true,
    mla: LATENT,
    ...(rules.latentVariants ? { attnMaxBatch: SCORES } : {}),
    // Overridden tensors switch the pipeline off.
    ...(gpus > 1 && isAllOnGpu(setting) ? { pipelineCopies: PIPELINE_COPIES } : {}),
  };
}

/** Value of `-ngl` for the last decoder layers; null: all. MTP blocks follow in the file. */
function blocksOf({ headFirst }: AllocationRules, { anatomy }: ModelSpec, layers: number | null): number {
  if (layers === null) return Number.POSITIVE_INFINITY;
  return layers === 0 ? 0 : layers + (anatomy?.nextLayers ?? 0) + Number(headFirst);
}

/** In order, the fullest GPU as empty as possible. @param slots cache bytes by block */
function splitOf(model: ModelSpec, plan: LoadPlan, rooms: readonly number[], slots: readonly number[]): number[] {
  const { layers = [], nextLayers = 0 } = model.anatomy ?? {};
  const onGpus = Math.min(plan.gpuLayers, layers.length + nextLayers + 1);
  const bytes = holdings(model, { ...plan, gpus: onGpus })
    .filter(({ name }) => name !== 'cpu')
    .map(({ kv, weights }, block) => kv + weights + (slots[block] ?? 0));
  // Shares of each room; the upper bound surely fits.
  const largest = Math.max(...bytes) / Math.min(...rooms);
  let [low, high] = [0, largest + (2 * sum(bytes)) / sum(rooms)];
  for (let step = 0; step < SPLIT_STEPS; step++) {
    const middle = (low + high) / 2;
    if (filledTo(bytes, rooms, middle) !== null) high = middle;
    else low = middle;
  }
  return filledTo(bytes, rooms, high)!;
}

/** Each GPU filled up to a share of its room; null: some do not fit. */
function filledTo(bytes: readonly number[], rooms: readonly number[], share: number): number[] | null {
  const counts = rooms.map(() => 0);
  let gpu = 0;
  let filled = 0;
  for (const size of bytes) {
    while (filled + size > share * rooms[gpu]!) {
      gpu += 1;
      filled = 0;
      if (gpu === rooms.length) return null;
    }
    counts[gpu]! += 1;
    filled += size;
  }
  return counts;
}
