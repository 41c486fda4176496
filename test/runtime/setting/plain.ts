// A setting for tests: everything on one card, one user, nothing unusual.
import { ALL_ON_GPU, type Setting } from '../../../src/runtime/setting/setting.js';

/** The whole model on the GPU, 8192 tokens of context, an f16 KV cache; `over` has what differs. */
export function plainSetting(over: Partial<Setting> = {}): Setting {
  return {
    ...ALL_ON_GPU,
    quantization: null,
    ubatch: 512,
    kv: 'f16',
    context: 8192,
    users: 1,
    followsPrompts: false,
    oneSocket: false,
    draft: 0,
    drafter: 'mtp',
    cache: null,
    fromDisk: false,
    ...over,
  };
}
