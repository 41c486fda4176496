// Memory of a setting as llama.cpp and its kin allocate it, and how layers are split over several GPUs so that it fits.
import { allocate, holdings } from '../../hardware/allocation/allocate.js';
import type { AllocatingEngine, LoadPlan } from '../../hardware/allocation/load-plan.js';
import type { HardwareSpec } from '../../hardware/spec.js';
import { firstMoe, type ModelSpec } from '../../model/spec.js';
import { type DeviceMemory, gpuName, gpusOf, HOST, MARGIN } from './fits.js';
import { isAllOnGpu, isCpuOnly, type Setting } from './setting.js';

/** What is loaded, and how its layers lie on several GPUs. */
export interface Loaded {
  readonly devices: readonly DeviceMemory[];
  /** Layers of each GPU, the output matrix counted as one (`-ts`); null: GPUs share tensors, or there is one, or none. */
  readonly split: readonly number[] | null;
}

/** Most bytes of attention scores at a time that ik_llama.cpp is told for latent attention (`-amb`), as recorded runs of DeepSeek give it. */
export const SCORES = 512 * 2 ** 20;

/** How latent attention is computed (ik_llama.cpp's `-mla`): absorbed while decoding, unpacked for prompts. */
export const LATENT = 3;

/** Least that `-b` is set to: llama.cpp's own default. */
export const LEAST_BATCH = 2048;

/** Halvings of the share of a GPU that is filled: to a thousandth of a percent. */
const SPLIT_STEPS = 24;

/** Copies of what passes between GPUs where they work as a pipeline (GGML_SCHED_MAX_COPIES). */
const PIPELINE_COPIES = 4;

/**
 * Memory of a setting by device.
 * @throws UserError where nothing says which tensors the model has
 */
export function loadedMemory(engine: AllocatingEngine, model: ModelSpec, setting: Setting, hardware: HardwareSpec): Loaded {
  const [first, dram] = hardware.tiers;
  const shared = first!.name === 'unified';
  const gpus = gpusOf(hardware);
  const plan = planOf(engine, model, setting, gpus);
  const rooms = gpuRooms(hardware);
  const split = gpus > 1 && !isCpuOnly(setting) ? splitOf(model, plan, rooms) : null;
  const { devices } = allocate(model, split === null ? plan : { ...plan, tensorSplit: split });
  const memory = devices.map(({ compute, kv, name, output, weights }, i) => ({
    name: name === 'cpu' ? HOST : gpuName(i, gpus),
    has: name === 'cpu' ? (dram?.bytes ?? 0) : rooms[i]!,
    ...{ weights, kv, compute: compute + output },
  }));
  if (!shared) return { devices: memory, split };
  const sum = (of: (device: DeviceMemory) => number): number => memory.reduce((total, device) => total + of(device), 0);
  const has = first!.bytes - (gpus > 0 ? MARGIN : 0);
  const one = {
    name: 'memory',
    has,
    weights: sum(({ weights }) => weights),
    kv: sum(({ kv }) => kv),
    compute: sum(({ compute }) => compute),
  };
  return { devices: [one], split };
}

/** The load that a setting's flags ask for. */
function planOf(engine: AllocatingEngine, model: ModelSpec, setting: Setting, gpus: number): LoadPlan {
  const { context, cpuMoe, gpuLayers, kv, ubatch, users } = setting;
  const depth = model.anatomy?.layers.length ?? 0;
  return {
    engine,
    gpus,
    gpuLayers: gpuLayers ?? depth + 1,
    cpuMoeLayers: cpuMoe === 0 ? 0 : firstMoe(model) + cpuMoe,
    context: context * users,
    parallel: users,
    batch: Math.max(LEAST_BATCH, ubatch),
    ubatch,
    kv: { k: kv, v: kv },
    flashAttention: true,
    mla: LATENT,
    ...(engine === 'ik_llama.cpp' ? { attnMaxBatch: SCORES } : {}),
    // Overridden tensors switch the pipeline off.
    ...(gpus > 1 && isAllOnGpu(setting) ? { pipelineCopies: PIPELINE_COPIES } : {}),
  };
}

/** Layers of each GPU such that the fullest holds as little of its room as can be; each has neighbouring layers, in order. */
function splitOf(model: ModelSpec, plan: LoadPlan, rooms: readonly number[]): number[] {
  const onGpus = Math.min(plan.gpuLayers, (model.anatomy?.layers.length ?? 0) + 1);
  // As many GPUs as layers: each holds one, and says what it weighs.
  const bytes = holdings(model, { ...plan, gpus: onGpus })
    .filter(({ name }) => name !== 'cpu')
    .map(({ kv, weights }) => kv + weights);
  // Shares of each room, from none to twice as much as there is of all of them and the largest layer.
  const all = rooms.reduce((sum, room) => sum + room, 0);
  const largest = Math.max(...bytes) / Math.min(...rooms);
  let [low, high] = [0, largest + (2 * bytes.reduce((sum, one) => sum + one, 0)) / all];
  for (let step = 0; step < SPLIT_STEPS; step++) {
    const middle = (low + high) / 2;
    if (filled(bytes, rooms, middle) !== null) high = middle;
    else low = middle;
  }
  return filled(bytes, rooms, high)!;
}

/** Layers on each GPU where one is filled up to a share of its room before the next begins; null: not all find a place. */
function filled(bytes: readonly number[], rooms: readonly number[], share: number): number[] | null {
  const counts = rooms.map(() => 0);
  let gpu = 0;
  let sum = 0;
  for (const one of bytes) {
    while (sum + one > share * rooms[gpu]!) {
      gpu += 1;
      sum = 0;
      if (gpu === rooms.length) return null;
    }
    counts[gpu]! += 1;
    sum += one;
  }
  return counts;
}

/** What a model can have of each GPU. */
function gpuRooms({ gpus, tiers }: HardwareSpec): number[] {
  const first = tiers[0]!.bytes - MARGIN;
  const others = gpus?.others?.map(({ bytes }) => bytes - MARGIN) ?? Array.from({ length: (gpus?.count ?? 1) - 1 }, () => first);
  return [first, ...others];
}
