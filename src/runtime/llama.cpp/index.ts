import { allocationRules } from '../flags/flag.js';
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import { runtimeFrom } from '../kind/runtime.js';
import { HYBRID, llamaBench, llamaCppFlags } from './flags.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';

/** System of fixed experts. */
export const FIXED = 'llama.cpp-static';

/** System of the cache if misses cross the link. */
const LRU = 'llama.cpp-cache';

/** Source of the expert cache, in builds since 11480 (pull request 29887). */
const READ = 'docs/moe-cache.md of build 12191, autumn 2026';

/** llama.cpp: GGUF files, last layers on the GPU first, experts of the first layers in host memory. */
export const llamaCppRuntime = runtimeFrom({
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
    pins: true,
    benchmark: llamaBench,
    ladder: byExpertLayers,
    drafts: fileDrafts,
    looksUp: true,
    caches: [
      { name: 'LRU cache', system: LRU, misses: 'link', keeps: true, read: READ },
      { name: 'hybrid', system: HYBRID, misses: 'cpu', keeps: true, read: READ },
    ],
    memory: (...loaded) => loadedMemory(allocationRules('llama.cpp'), ...loaded),
  },
  // llama-server has four slots in all versions with recurrent layers.
  memory: {
    sequences: 4,
    rulesOf: ({ version = '' }) => {
      const build = /^b?(\d+) \(/.exec(version)?.[1];
      return allocationRules('llama.cpp', build === undefined ? build : Number(build));
    },
    latentLack: () => null,
  },
  places: 'by flags',
  numaByFlag: true,
  depthFirst: true,
  // ggml-org/llama.cpp pull 19493.
  redoesAccepted: true,
  systemOf: ({ as, misses }) => (as === 'cache' ? (misses === 'cpu' ? HYBRID : LRU) : undefined),
});
