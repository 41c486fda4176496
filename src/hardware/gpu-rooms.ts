// The GPU memory that a model can use on a machine: plans and advice compare it with what a setting needs.
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
