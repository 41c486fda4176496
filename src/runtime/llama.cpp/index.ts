// llama.cpp: GGUF files, layers on the GPU from the last on, experts of the first layers in host memory.
import { allocationRules } from '../flags/flag.js';
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { llamaCppFlags } from './flags.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';

/** Its benchmark, and the flags that it has in common with the server. */
const LLAMA_BENCH = {
  command: 'llama-bench',
  flags: ['-ngl', '-ncmoe', '-ot', '-ub', '-t', '-ctk', '-ctv'],
  tuned: ['-ts', '-fa', '-lm', '--numa'],
  tests: '-p 512 -n 128',
};

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
    looksUp: true,
    caches: [
      { name: 'LRU cache', system: 'llama.cpp-cache', misses: 'link', keeps: true, read: 'server README, --moe-cache-mib, November 2026' },
      { name: 'hybrid', system: 'llama.cpp-hot-cache', misses: 'cpu', keeps: true, read: 'pull request 24524' },
    ],
    // --cache-ram, 8,192 MiB by default (tools/server/README.md).
    promptCache: 8192 * 2 ** 20,
    memory: (...loaded) => loadedMemory(allocationRules('llama.cpp'), ...loaded),
  },
  // llama-server has had four slots in all versions that know models with recurrent layers.
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
