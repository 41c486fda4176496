// The GPU memory that a model can use on a machine: plans and advice compare it with what a setting needs.
import type { HardwareSpec } from '../hardware/spec.js';

/** Bytes that each GPU has for a model; one entry where there is one, or one memory that stands for all. */
export function gpuRooms({ gpus, tiers }: HardwareSpec): number[] {
  const first = tiers[0]!.bytes;
  const others = gpus?.others?.map(({ bytes }) => bytes) ?? Array.from({ length: (gpus?.count ?? 1) - 1 }, () => first);
  return [first, ...others];
}

/** The same of the GPU that has least: of GPUs that hold alike, what each can have. */
export function leastGpuRoom(hardware: HardwareSpec): number {
  return Math.min(...gpuRooms(hardware));
}
