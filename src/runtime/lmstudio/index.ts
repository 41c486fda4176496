import type { Command, Dialect } from '../flags/dialect.js';
import { allocationRules, type FlagUse, grammarOf } from '../flags/flag.js';
import { byWholeExpertLayers, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import { runtimeFrom } from '../kind/runtime.js';
import { llamaCppRuntime } from '../llama.cpp/index.js';
import { isAllOnGpu } from '../setting/setting.js';

const MOE = 'Number of layers for which to force MoE weights onto CPU';

const dialect: Dialect = {
  get grammar() {
    return grammarOf('lmstudio');
  },
  write({ blocks, cores, cpuExpertLayers, gpus, setting }): Command {
    const { context, kv, ubatch, users } = setting;
    const uses: FlagUse[] = [
      ['Context Length', context],
      ['GPU Offload', gpus === 0 ? 0 : (blocks ?? 'max')],
      ...(cores > 0 && !isAllOnGpu(setting) ? ([['CPU Thread Pool Size', cores]] as const) : []),
      ['Evaluation Batch Size', ubatch],
      ['Max Concurrent Predictions', users],
      ...(cpuExpertLayers === 0 ? [] : ([[MOE, cpuExpertLayers]] as const)),
      ['Flash Attention', 'on'],
      ...(kv === 'f16'
        ? []
        : ([
            ['K Cache Quantization Type', kv],
            ['V Cache Quantization Type', kv],
          ] as const)),
    ];
    const why = { [MOE]: 'fewer layers in host memory do not fit on the GPU' };
    return {
      steps: [{ file: null, note: 'Rows of the dialog that loads the model', lines: uses.map((use) => use.join(': ')) }],
      uses,
      why,
    };
  },
};

/** LM Studio: llama.cpp with a GUI; settings are rows of the load dialog. */
export const lmStudioRuntime = runtimeFrom({
  name: 'lmstudio',
  programs: { lmstudio: llamaCppRuntime.name },
  advised: {
    ...GGUF,
    dialect,
    isolates: false,
    ubatches: [512, 1024, 2048],
    ladder: byWholeExpertLayers,
    memory: (...loaded) => loadedMemory(allocationRules('llama.cpp'), ...loaded),
  },
  numaByFlag: true,
});
