import type { HardwareSpec } from '../../hardware/door.js';
import type { DeviceAllocation } from '../allocation/allocate.js';

/** Memory of a device, bytes. */
export interface DeviceMemory extends Pick<DeviceAllocation, 'weights' | 'kv'> {
  /** `GPU`, `GPU 0`, ..., `host`; `memory`: the only device. */
  readonly name: string;
  /** Usable bytes. */
  readonly has: number;
  /** Compute and output buffers. */
  readonly compute: number;
}

/** Name of host memory on a machine with GPUs. */
export const HOST = 'host';

/** Bytes per GPU beyond the profile's reserve (512 MiB): together 1 GiB, llama.cpp's margin (`--fit-target`). */
export const MARGIN = 512 * 2 ** 20;

/** Free bytes of a device; below 0: missing bytes. */
export const freeOf = ({ compute, has, kv, weights }: DeviceMemory): number => has - weights - kv - compute;

/** Used bytes of a device. */
export const usedOf = ({ compute, kv, weights }: DeviceMemory): number => weights + kv + compute;

/** True if no device lacks memory. */
export const isFit = (devices: readonly DeviceMemory[]): boolean => devices.every((device) => freeOf(device) >= 0);

/** GPUs of a machine; 0 for CPU only. */
export const gpusOf = ({ cpuOnly, gpus }: HardwareSpec): number => (cpuOnly === true ? 0 : (gpus?.count ?? 1));
