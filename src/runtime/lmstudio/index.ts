import { type Command, type Dialect, flagsIn } from '../flags/dialect.js';
import { grammarOf, least, type NameIn, USUAL } from '../flags/flag.js';
import { byWholeExpertLayers, GGUF } from '../kind/advised.js';
import { runtimeFrom } from '../kind/runtime.js';
import { llamaCppRuntime } from '../llama.cpp/index.js';
import { isAllOnGpu } from '../setting/setting.js';

/** Rows of the load dialog, as people write them down. */
const GRAMMAR = grammarOf(
  { program: 'LM Studio', version: '0.4, 2026', source: 'github.com/lmstudio-ai/docs, cli/load; rows of the dialog as users publish them' },
  {
    'Context Length': USUAL.context,
    'GPU Offload': ['text', 'layers on the GPU; max: all'],
    'CPU Thread Pool Size': [least(1), 'threads that compute what is not on the GPU'],
    'Evaluation Batch Size': USUAL.pass,
    'Max Concurrent Predictions': USUAL.users,
    'Number of layers for which to force MoE weights onto CPU': [least(0), 'layers, from the first on, whose experts stay in host memory'],
    'Flash Attention': [['on', 'off'], 'flash attention: no scores are stored'],
    'K Cache Quantization Type': [['f16', 'q8_0', 'q4_0'], 'storage of keys in the KV cache'],
    'V Cache Quantization Type': [['f16', 'q8_0', 'q4_0'], 'storage of values in the KV cache'],
  },
);

const dialect: Dialect = {
  grammar: GRAMMAR,
  write({ blocks, cores, cpuExpertLayers, gpus, setting }): Command {
    const { context, kv, ubatch, users } = setting;
    const flags = flagsIn<NameIn<typeof GRAMMAR>>([
      ['Context Length', context],
      ['GPU Offload', gpus === 0 ? 0 : (blocks ?? 'max')],
      cores > 0 && !isAllOnGpu(setting) && ['CPU Thread Pool Size', cores],
      ['Evaluation Batch Size', ubatch],
      ['Max Concurrent Predictions', users],
      [
        'Number of layers for which to force MoE weights onto CPU',
        cpuExpertLayers !== 0 && cpuExpertLayers,
        'fewer layers in host memory do not fit on the GPU',
      ],
      ['Flash Attention', 'on'],
      kv !== 'f16' && ['K Cache Quantization Type', kv],
      kv !== 'f16' && ['V Cache Quantization Type', kv],
    ]);
    return {
      steps: [{ file: null, note: 'Rows of the dialog that loads the model', lines: flags.uses.map((use) => use.join(': ')) }],
      ...flags,
    };
  },
};

/** LM Studio: llama.cpp with a GUI. */
export const lmStudioRuntime = runtimeFrom({
  name: 'lmstudio',
  programs: { lmstudio: llamaCppRuntime.name },
  advised: {
    ...GGUF,
    dialect,
    isolates: false,
    ubatches: [512, 1024, 2048],
    ladder: byWholeExpertLayers,
    memory: llamaCppRuntime.advised!.memory,
  },
  numaByFlag: true,
});
