// Ollama: a Modelfile with parameters, and environment variables of its server. It has layers on the GPU, and no placement of experts.
import { type Command, type CommandInput, type Dialect, wrapped } from '../flags/dialect.js';
import { choice, count, type FlagUse, type Grammar, SWITCH, TEXT } from '../flags/flag.js';
import { byLayers, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { LLAMA_CPP_RULES, llamaCppRuntime } from '../llama.cpp/index.js';
import { evalRates } from '../logs/eval-rates.js';
import { isAllOnGpu } from '../setting/setting.js';

/** Variables of the server, then parameters of a Modelfile. */
const GRAMMAR: Grammar = {
  program: 'ollama serve',
  version: '2026-08-21 (fb30760)',
  source: 'github.com/ollama/ollama, envconfig/config.go and api/types.go',
  flags: [
    { names: ['OLLAMA_FLASH_ATTENTION'], takes: choice('0', '1'), does: 'flash attention: no scores are stored' },
    { names: ['OLLAMA_KV_CACHE_TYPE'], takes: choice('f16', 'q8_0', 'q4_0'), does: 'storage of keys and values' },
    { names: ['OLLAMA_NUM_PARALLEL'], takes: count(1), does: 'conversations at a time' },
    { names: ['OLLAMA_GPU_OVERHEAD'], takes: count(), does: 'bytes of each GPU that are left free' },
    { names: ['OLLAMA_SCHED_SPREAD'], takes: SWITCH, does: 'all GPUs are used even where one would do' },
    { names: ['FROM'], takes: TEXT, does: 'the model file' },
    { names: ['num_ctx'], takes: count(1), does: 'tokens of context of a conversation' },
    { names: ['num_gpu'], takes: count(), does: 'layers on the GPU, the output matrix counted as one' },
    { names: ['num_batch'], takes: count(1), does: 'most prompt tokens of one pass' },
    { names: ['num_thread'], takes: count(1), does: 'threads that compute what is not on the GPU' },
  ],
};

const MODELFILE = 'Modelfile';

/** More than any model has: all layers. */
const ALL_LAYERS = 999;

const dialect: Dialect = {
  grammar: GRAMMAR,
  write({ cores, hub, model, name, setting }: CommandInput): Command {
    const from = hub === null ? model : `hf.co/${hub}`;
    const parameters: FlagUse[] = [
      ['num_ctx', setting.context],
      ['num_gpu', setting.gpuLayers ?? ALL_LAYERS],
      ['num_batch', setting.ubatch],
      ...(cores > 0 && !isAllOnGpu(setting) ? ([['num_thread', cores]] as const) : []),
    ];
    const variables: FlagUse[] = [
      ['OLLAMA_FLASH_ATTENTION', 1],
      ...(setting.kv === 'f16' ? [] : ([['OLLAMA_KV_CACHE_TYPE', setting.kv]] as const)),
      ...(setting.users > 1 ? ([['OLLAMA_NUM_PARALLEL', setting.users]] as const) : []),
    ];
    const server = [...variables.map(([variable, value]) => [`${variable}=${value}`]), ['ollama serve']];
    return {
      steps: [
        { file: MODELFILE, lines: [`FROM ${from}`, ...parameters.map(([parameter, value]) => `PARAMETER ${parameter} ${value}`)] },
        { file: null, lines: wrapped(server) },
        { file: null, lines: [`ollama create ${name} -f ${MODELFILE} && ollama run ${name}`] },
      ],
      uses: [...variables, ['FROM', from], ...parameters],
      why: { num_gpu: 'more layers do not fit on the GPU; Ollama moves whole layers, not their experts alone' },
    };
  },
};

/** Ollama: llama.cpp under another server. */
export const ollamaRuntime: KnownRuntime = {
  name: 'ollama',
  programs: { ollama: llamaCppRuntime.name },
  // Of programs that print such rates only this one times the loading of the model with each reply.
  logs: [{ format: evalRates, by: 'ollama run --verbose', mark: /^\s*load duration:/m }],
  advised: {
    ...GGUF,
    dialect,
    isolates: false,
    ladder: byLayers,
    memory: (...loaded) => loadedMemory(LLAMA_CPP_RULES, ...loaded),
    ubatches: [512, 1024, 2048],
  },
  places: 'by itself',
  numaByFlag: true,
};
