import { allocationRules } from '../flags/flag.js';
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { HYBRID, llamaCppFlags } from './flags.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';

/** llama-bench, with the flags shared with the server. */
const LLAMA_BENCH = {
  command: 'llama-bench',
  flags: ['-ngl', '-ncmoe', '-ot', '-ub', '-t', '-ctk', '-ctv', '-lm'],
  tuned: ['-ts', '-fa', '--numa'],
  tests: '-p 512 -n 128',
};

/** Source of the expert cache, in builds since 11480 (pull request 29887). */
const READ = 'docs/moe-cache.md of build 12191, autumn 2026';

/** llama.cpp: GGUF files, last layers on the GPU first, experts of the first layers in host memory. */
export const llamaCppRuntime: KnownRuntime = {
  name: 'llama.cpp',
  backends: [
    { profile: 'llama.cpp-rocm', vendors: ['amd'], gpus: /^(rx-|mi\d|instinct|radeon|ai-max)/ },
    { profile: 'llama.cpp-metal', vendors: ['apple'], gpus: /^apple/ },
    // CUDA is faster on NVIDIA cards, and the default.
    { profile: 'llama.cpp-vulkan', vendors: ['intel', 'amd', 'nvidia'], gpus: /^arc-/ },
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
    looksUp: true,
    caches: [
      { name: 'LRU cache', system: 'llama.cpp-cache', misses: 'link', keeps: true, read: READ },
      { name: 'hybrid', system: HYBRID, misses: 'cpu', keeps: true, read: READ },
    ],
    // --cache-ram, 8,192 MiB by default (tools/server/README.md).
    promptCache: 8192 * 2 ** 20,
    memory: (...loaded) => loadedMemory(allocationRules('llama.cpp'), ...loaded),
  },
  // llama-server has four slots in all versions with recurrent layers.
  memory: {
    sequences: 4,
    rulesOf: ({ version = '' }) => {
      const build = /^b?(\d+) \(/.exec(version)?.[1];
      return allocationRules('llama.cpp', build === undefined ? build : Number(build));
    },
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
