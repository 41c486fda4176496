// Words for the device that executes a run, so that a report on a machine without a GPU does not mention one.
import type { Result } from '../result/result.js';

/** Words for the machine of a run. */
export interface DeviceWords {
  /** Device that executes dense layers and resident experts. */
  readonly processor: 'GPU' | 'CPU';
  /** Location of resident experts: `on the GPU`, on several that act as one, or `in memory` where CPU and GPU share it. */
  readonly place: 'on the GPU' | 'on all GPUs' | 'in memory';
  /** The memory that holds them. */
  readonly memory: 'GPU memory' | 'memory';
}

/** The words for a result; those of a GPU if it names no device. */
export function deviceWords({ inputs }: Pick<Result, 'inputs'>): DeviceWords {
  if (inputs.device === undefined) {
    return { processor: 'GPU', place: inputs.joined === undefined ? 'on the GPU' : 'on all GPUs', memory: 'GPU memory' };
  }
  return { processor: inputs.device === 'cpu' ? 'CPU' : 'GPU', place: 'in memory', memory: 'memory' };
}
