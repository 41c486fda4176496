// llama.cpp: GGUF files, layers on the GPU from the last on, experts of the first layers in host memory.
import type { AllocationRules } from '../allocation/graph/load-plan.js';
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { llamaCppFlags } from './flags.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';

/** Its allocation, which docs/memory.md derives from logs and from its source. */
export const LLAMA_CPP_RULES = {
  fuses: false,
  latentVariants: false,
  gatesApart: true,
  halfMasks: true,
  takesEmbeddings: true,
  keepsLatentValues: false,
  keepsWindows: true,
  cachesNextLayers: false,
  streams: true,
  fewOutputs: true,
  graphOf2026: true,
  headFirst: true,
  offloadsBy: 'pass',
  fetchesRepacked: false,
} as const;

/** Its benchmark, and the flags that it has in common with the server. */
const LLAMA_BENCH = { command: 'llama-bench', flags: ['-m', '-ngl', '-ncmoe', '-ot', '-ub', '-t', '-ctk', '-ctv'], tests: '-p 512 -n 128' };

/**
 * Builds since which it combines gate and up by an operation that has no place to share (its pull request 14158, June 2025), has streams (14363,
 * July 2025), gives the output to a GPU first (18148, December 2025), has inputs for embeddings (18550), masks in f16 and caches of a latent
 * without values (between October 2025 and summer 2026), and holds what is fused (25952, September 2026; about).
 */
const SINCE = { gatesApart: 5780, streams: 5913, headFirst: 7470, halfMasks: 7650, takesEmbeddings: 7650, graphOf2026: 10_650 };

function rulesOfBuild(build: number): AllocationRules {
  const since = Object.fromEntries(Object.entries(SINCE).map(([rule, first]) => [rule, build >= first]));
  return { ...LLAMA_CPP_RULES, ...since, keepsLatentValues: build < SINCE.halfMasks };
}

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
    benchmark: LLAMA_BENCH,
    ladder: byExpertLayers,
    drafts: fileDrafts,
    // --cache-ram, 8,192 MiB by default (tools/server/README.md).
    promptCache: 8192 * 2 ** 20,
    memory: (...loaded) => loadedMemory(LLAMA_CPP_RULES, ...loaded),
  },
  // llama-server has had four slots in all versions that know models with recurrent layers.
  memory: {
    rules: LLAMA_CPP_RULES,
    sequences: 4,
    rulesOf: ({ version = '' }) => rulesOfBuild(Number(/^b?(\d+) \(/.exec(version)?.[1] ?? Number.POSITIVE_INFINITY)),
  },
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
