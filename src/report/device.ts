// Words for the device that executes a run: a report on a machine without a GPU must not speak of a GPU.
import type { Result } from '../result/result.js';

/** Words for the machine of a run. */
export interface DeviceWords {
  /** Who executes dense layers and resident experts. */
  readonly processor: 'GPU' | 'CPU';
  /** Where resident experts lie: `on the GPU`, on several that are one to the model, or `in memory` where there is one memory for all. */
  readonly place: 'on the GPU' | 'on all GPUs' | 'in memory';
  /** The memory that they lie in. */
  readonly memory: 'GPU memory' | 'memory';
}

/** The words for a result; those of a GPU where it does not say. */
export function deviceWords({ inputs }: Pick<Result, 'inputs'>): DeviceWords {
  if (inputs.device === undefined) {
    return { processor: 'GPU', place: inputs.joined === undefined ? 'on the GPU' : 'on all GPUs', memory: 'GPU memory' };
  }
  return { processor: inputs.device === 'cpu' ? 'CPU' : 'GPU', place: 'in memory', memory: 'memory' };
}
