// llama.cpp: GGUF files, layers on the GPU from the last on, experts of the first layers in host memory.
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { llamaCppFlags } from './flags.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';

/** Its allocation, which docs/memory.md derives from logs. */
export const LLAMA_CPP_RULES = {
  fuses: false,
  latentVariants: false,
  keepsWindows: true,
  cachesNextLayers: false,
  offloadsBy: 'pass',
  fetchesRepacked: false,
} as const;

/** llama.cpp. */
export const llamaCppRuntime: KnownRuntime = {
  name: 'llama.cpp',
  backends: [
    { profile: 'llama.cpp-rocm', vendor: 'amd', gpus: /^(rx-|mi\d|instinct|radeon|ai-max)/ },
    { profile: 'llama.cpp-metal', vendor: 'apple', gpus: /^apple/ },
    { profile: 'llama.cpp-vulkan', vendor: 'intel', gpus: /^arc-/ },
  ],
  logs: [
    { format: llamaBenchJson, by: 'llama-bench -o json or jsonl' },
    { format: llamaBenchMarkdown, by: 'llama-bench -o md, its usual table' },
    { format: llamaTimings, by: 'llama-server and llama-cli' },
  ],
  advised: {
    ...GGUF,
    dialect: llamaCppFlags,
    ladder: byExpertLayers,
    drafts: fileDrafts,
    memory: (...loaded) => loadedMemory(LLAMA_CPP_RULES, ...loaded),
  },
  // llama-server has had four slots in all versions that know models with recurrent layers.
  memory: { rules: LLAMA_CPP_RULES, sequences: 4 },
  places: 'by flags',
  numaByFlag: true,
  wholeLayers: true,
  depthFirst: true,
  // ggml-org/llama.cpp pull 19493.
  redoesAccepted: true,
  systems: {
    fixed: 'llama.cpp-static',
    cache: (_, misses) => (misses === 'cpu' ? 'llama.cpp-hot-cache' : 'llama.cpp-cache'),
  },
};
