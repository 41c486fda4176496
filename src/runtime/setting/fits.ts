import type { HardwareSpec } from '../../hardware/door.js';
import type { DeviceAllocation } from '../allocation/allocate.js';

/** Memory of one device, bytes. */
export interface DeviceMemory extends Pick<DeviceAllocation, 'weights' | 'kv'> {
  /** `GPU`, `GPU 0`, ..., `host`; `memory` if there is only one. */
  readonly name: string;
  /** Bytes that a model can use of it. */
  readonly has: number;
  /** Buffers that passes compute in, and their output. */
  readonly compute: number;
}

/** Name of the host's memory on a machine with GPUs. */
export const HOST = 'host';

/** Bytes kept free on each GPU in addition to the profile's reserve (512 MiB): together 1 GiB, the margin of llama.cpp's fitting (`--fit-target`). */
export const MARGIN = 512 * 2 ** 20;

/** Free bytes of a device; below 0: the bytes that it lacks. */
export const freeOf = ({ compute, has, kv, weights }: DeviceMemory): number => has - weights - kv - compute;

/** Bytes that a device holds. */
export const usedOf = ({ compute, kv, weights }: DeviceMemory): number => weights + kv + compute;

/** True if no device lacks memory. */
export const isFit = (devices: readonly DeviceMemory[]): boolean => devices.every((device) => freeOf(device) >= 0);

/** GPUs of a machine; 0 if the CPU replaces them. */
export const gpusOf = ({ cpuOnly, gpus }: HardwareSpec): number => (cpuOnly === true ? 0 : (gpus?.count ?? 1));
