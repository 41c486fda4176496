// Finds the highest placement and the longest context that fit.
import { UserError } from '../base/errors.js';
import { sum } from '../base/statistics.js';
import { formatCount, formatCounted } from '../base/units.js';
import type { HardwareSpec } from '../hardware/door.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../model/door.js';
import {
  type AdvisedRuntime,
  ALL_ON_GPU,
  bySlots,
  type DeviceMemory,
  freeOf,
  HOST,
  isFit,
  type Loaded,
  type OfferedCache,
  PLAIN,
  type Setting,
  type WeightPlacement,
} from '../runtime/door.js';
import type { Question, Unpriced } from './question.js';

/** Bytes of all memory but drives. */
export function memoryBytes({ gpus, tiers }: HardwareSpec): number {
  return sum(tiers.map(({ bytes, name }) => (name === 'ssd' ? 0 : bytes * (name === 'gpu' ? (gpus?.count ?? 1) : 1))));
}

/** Values of a setting besides its placement. */
export type Beside = Omit<Setting, keyof WeightPlacement | 'fromDisk'>;

/** Expert cache of a setting; null: no cache. */
export function cacheOf({ caches }: AdvisedRuntime, { cache }: Pick<Setting, 'cache'>): OfferedCache | null {
  return caches.find(({ recorded, system }) => cache !== null && [system, recorded?.shared].includes(cache)) ?? null;
}

/** Placements, most on the GPU first. @param cache system of the expert cache; null: none */
export function ladderOf(
  { cachedLayers, hardware, runtime, slots }: Unpriced,
  model: ModelSpec,
  cache: string | null,
): readonly WeightPlacement[] {
  const [first] = hardware.tiers;
  if (cache !== null) {
    const rungs = bySlots(model, cacheOf(runtime, { cache })!.keeps, cachedLayers);
    return slots === undefined ? rungs : rungs.filter((rung) => rung.slots === slots);
  }
  if (first!.name !== 'unified') return runtime.ladder(model);
  // Unified memory has a single rung; a lone CPU keeps no layer on a GPU.
  return [hardware.cpuOnly === true ? { ...ALL_ON_GPU, gpuLayers: 0 } : ALL_ON_GPU];
}

/** Memory of a setting by device. */
export function devicesOf(question: Unpriced, model: ModelSpec, setting: Setting): readonly DeviceMemory[] {
  return loadOf(question, model, setting).devices;
}

/** Memory of a setting by device, and the layers of each GPU. */
export function loadOf({ hardware, runtime }: Unpriced, model: ModelSpec, setting: Setting): Loaded {
  return runtime.memory(model, setting, hardware);
}

/** Highest rung that fits; null: none. Below the first that fits the GPUs, rungs only add to the host. */
export function highestFit(question: Question, model: ModelSpec, beside: Beside): Setting | null {
  const setting = highestOnGpu(question, model, beside);
  return setting !== null && isFit(devicesOf(question, model, setting)) ? setting : null;
}

/** Highest rung that fits the GPUs, whatever host memory holds; null: none. */
export function highestOnGpu(question: Unpriced, model: ModelSpec, beside: Beside): Setting | null {
  const ladder = ladderOf(question, model, beside.cache);
  const at = firstOnGpu(question, model, beside, ladder);
  return at === ladder.length ? null : { ...beside, ...ladder[at]!, fromDisk: false };
}

/** Rung with the least on the GPUs, fitting or not. */
export function lowestRung(question: Unpriced, model: ModelSpec, beside: Beside): Setting {
  return { ...beside, ...ladderOf(question, model, beside.cache).at(-1)!, fromDisk: false };
}

/** Last resort: host memory caches experts of the disk; null: no disk, or a token's experts exceed memory. */
export function highestFromDisk(question: Question, model: ModelSpec, beside: Beside): Setting | null {
  const { hardware, runtime } = question;
  if (!runtime.mapsFiles || hardware.tiers.at(-1)!.name !== 'ssd') return null;
  const shared = hardware.tiers[0]!.name === 'unified';
  const highest = shared ? { ...beside, ...ladderOf(question, model, null)[0]!, fromDisk: false } : highestOnGpu(question, model, beside);
  if (highest === null) return null;
  // The disk is read in whole experts, so host memory keeps a split layer.
  const setting = highest.cpuProjections === null ? highest : { ...highest, cpuMoe: highest.cpuMoe + 1, cpuProjections: null };
  if (cacheBytes(devicesOf(question, model, setting), model, setting) < tokenCycleBytes(model)) return null;
  return { ...setting, fromDisk: true };
}

/** Bytes of host or unified memory free to cache experts. */
export function cacheBytes(devices: readonly DeviceMemory[], model: ModelSpec, setting: Setting): number {
  const memory = devices.at(-1)!;
  const layers = setting.cpuMoe > 0 && memory.name === HOST ? model.layers.slice(0, setting.cpuMoe) : model.layers;
  return Math.max(0, freeOf(memory) + expertBytesTotal({ layers }));
}

function firstOnGpu(question: Unpriced, model: ModelSpec, beside: Beside, ladder: readonly WeightPlacement[]): number {
  return firstFit(ladder.length, (at) => {
    const devices = devicesOf(question, model, { ...beside, ...ladder[at]!, fromDisk: false });
    return missingOn(devices.filter(({ name }) => name !== HOST));
  });
}

const missingOn = (devices: readonly DeviceMemory[]): number => Math.max(...devices.map((device) => -freeOf(device)));

/** Index of a placement on its ladder. */
export function rungOf(ladder: readonly WeightPlacement[], placement: WeightPlacement): number {
  const same = (rung: WeightPlacement): boolean =>
    (['cpuMoe', 'cpuProjections', 'gpuExperts', 'gpuLayers', 'slots'] as const).every((part) => rung[part] === placement[part]);
  return ladder.findIndex(same);
}

/** Divisors of a context that does not fit. Ours. */
export const SHORTER = [2, 4, 8];

const shortestOf = ({ context }: Unpriced): number => Math.floor(context / SHORTER.at(-1)!);

/** Most users by KV cache alone, at the shortest context; Infinity: no KV cache. */
export function usersHeld(question: Unpriced): number {
  const { quantizations, runtime } = question;
  const quantization = quantizations.at(-1)!;
  const model = question.model(quantization);
  const beside = { quantization, ubatch: runtime.ubatches[0]!, kv: runtime.kv.at(-1)!, context: shortestOf(question), users: 1, ...PLAIN };
  const devices = devicesOf(question, model, lowestRung(question, model, beside));
  return Math.max(1, Math.floor(sum(devices.map(({ has }) => has)) / sum(devices.map(({ kv }) => kv))));
}

/** @throws UserError for more users than the machine holds */
export function refuseUsers(question: Unpriced): void {
  const { hardware, users } = question;
  const held = usersHeld(question);
  if (users <= held) return;
  const holds = `${formatCounted(held, 'KV cache')} of ${formatCount(shortestOf(question))} tokens`;
  throw new UserError(`--users ${users}: asks for more than ${hardware.name} holds without a model, which is ${holds}; take fewer`);
}

/** Step of the longest context, tokens. Ours. */
const CONTEXT_STEP = 1024;

/** Longest trained context of any model, tokens. */
export const MOST_CONTEXT = 2 ** 20;

/** Longest context of each user that fits, in steps of 1,024 tokens; at least the setting's own. */
export function contextThatFits(question: Question, { model, setting }: { readonly model: ModelSpec; readonly setting: Setting }): number {
  const start = Math.floor(setting.context / CONTEXT_STEP);
  const most = Math.max(start, Math.floor(Math.min(MOST_CONTEXT, model.trainedContext ?? MOST_CONTEXT) / CONTEXT_STEP));
  const at = firstFit(most - start + 1, (down) =>
    missingOn(devicesOf(question, model, { ...setting, context: (most - down) * CONTEXT_STEP })),
  );
  return Math.max(setting.context, (most - at) * CONTEXT_STEP);
}

/**
 * First place with nothing missing, by regula falsi; `count` if none.
 * @param missing bytes missing at a place; at most 0 if it fits; non-increasing
 */
export function firstFit(count: number, missing: (at: number) => number): number {
  if (count === 0) return 0;
  let [low, lack] = [0, missing(0)];
  if (lack <= 0) return 0;
  let [high, room] = [count - 1, count === 1 ? lack : missing(count - 1)];
  if (room > 0) return count;
  for (let looks = 1; high - low > 1; looks++) {
    // Regula falsi creeps on curved lines, so every third step bisects.
    const straight = looks % 3 === 0 ? (low + high) / 2 : low + ((high - low) * lack) / (lack - room);
    const at = Math.min(high - 1, Math.max(low + 1, Math.ceil(straight)));
    const bytes = missing(at);
    if (bytes <= 0) [high, room] = [at, bytes];
    else [low, lack] = [at, bytes];
  }
  return high;
}
