// The GPU memory that a model can use on a machine, which plans and advice compare with what a setting needs, and layers split by it.
import type { HardwareSpec } from './spec.js';

/** Bytes of each GPU for a model; one entry for a single GPU, or for one memory in place of all. */
export function gpuRooms({ gpus, tiers }: HardwareSpec): number[] {
  const first = tiers[0]!.bytes;
  const others = gpus?.others?.map(({ bytes }) => bytes) ?? Array.from({ length: (gpus?.count ?? 1) - 1 }, () => first);
  return [first, ...others];
}

/** Bytes of the smallest GPU: all that each can hold where GPUs hold alike. */
export function leastGpuRoom(hardware: HardwareSpec): number {
  return Math.min(...gpuRooms(hardware));
}

/**
 * The GPU of each of `count` layers, by its number, as llama.cpp splits them: in order, each GPU in proportion to its share.
 * @param parts of the GPUs in their order, in any unit; at least one is more than 0
 */
export function splitLayers(parts: readonly number[], count: number): number[] {
  const total = parts.reduce((sum, part) => sum + part, 0);
  let sum = 0;
  const ends = parts.map((part) => (sum += part) / total);
  // Rounding must not leave the last layer without a GPU.
  const open = ends.map((end) => (end >= 1 - 1e-9 ? Number.POSITIVE_INFINITY : end));
  return Array.from({ length: count }, (_, layer) => open.findIndex((end) => layer / count < end));
}
