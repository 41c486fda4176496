import { rulesOfBuild } from '../allocation/graph/load-plan.js';
import { byExpertLayers, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import { type OwnDrafts, WITH_DRAFTS } from '../kind/own-drafts.js';
import { runtimeFrom } from '../kind/runtime.js';
import { llamaBench, llamaCppFlags, llamaTimer } from './flags.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';

/** Allocation by its pull requests, builds of the months after August 2025 about. */
const RULES = {
  keepsWindows: [0],
  gatesApart: [5780], // 14158, June 2025
  streams: [5913], // 14363, July 2025
  headFirst: [7470], // 18148, December 2025
  takesEmbeddings: [7650], // 18550, January 2026
  halfMasks: [7650], // between October 2025 and summer 2026
  keepsLatentValues: [0, 7650], // as halfMasks
  fewOutputs: [9460], // 23861, June 2026
  graphOf2026: [10650], // 25952, September 2026
} as const;

/** System of fixed experts. */
export const FIXED = 'llama.cpp-static';

/** System of the cache if misses cross the link. */
const LRU = 'llama.cpp-cache';

/** System of the cache if the CPU computes a share of them. */
const SHARED = 'llama.cpp-cache-share';

/** Source of the expert cache, in builds since 11480 (pull request 29887). */
const READ = 'docs/moe-cache.md of build 12191, autumn 2026';

/** Measured rows by backend: RTX 5070 Ti, RTX 4080 alone and with an RTX 3060; none of Vulkan or Metal. */
const MEASURED = {
  'llama.cpp': '8 rows of 3 machines, October 2026: 1.3 to 2.6x without the cache',
  'llama.cpp-rocm': '7 rows of a Radeon AI PRO R9700 at PCIe x4, October 2026: 0.5 to 1.3x without the cache',
} as const;

const { glm4, glm5, glm5Next, ling3, mimo, nemotron, qwen35, qwen38, qwenNext, step } = WITH_DRAFTS;

/** Drafts by a model's own layers, by pull request. */
const DRAFTS: OwnDrafts = {
  read: 'its pull requests to September 2026',
  has: {
    'pull request 22673, May 2026': qwen35,
    'pull request 23274, June 2026': step,
    'pull request 24260, June 2026': ['cohere2moe', 'cohere2_moe'],
    'pull request 24868, June 2026': ['deepseek2', 'glm4_moe_lite'],
    'pull request 25589, July 2026': qwenNext,
    'pull request 25980, July 2026': glm5,
    'pull request 26228, July 2026': mimo,
    'pull request 26534, August 2026': glm4,
    'pull request 26608, August 2026': ling3,
    'pull request 26725, August 2026': nemotron,
  },
  lacks: { 'pull request 28243 is open, September 2026': qwen38, 'pull request 27773 is open, September 2026': glm5Next },
};

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
    timer: llamaTimer,
    ladder: byExpertLayers,
    ownDrafts: DRAFTS,
    looksUp: true,
    caches: [
      {
        ...{ name: 'expert cache', system: LRU, misses: 'link', keeps: true, ofLayers: true, read: READ, measured: MEASURED },
        recorded: { variable: 'LLAMA_MOE_CACHE_TRACE', shared: SHARED },
      },
    ],
    memory: (...loaded) => loadedMemory(rulesOfBuild(RULES), ...loaded),
  },
  // llama-server has four slots in all versions with recurrent layers.
  memory: {
    sequences: 4,
    rulesOf: ({ version = '' }) => {
      const build = /^b?(\d+) \(/.exec(version)?.[1];
      return rulesOfBuild(RULES, build === undefined ? build : Number(build));
    },
    latentLack: () => null,
  },
  places: 'by flags',
  numaByFlag: true,
  depthFirst: true,
  // ggml-org/llama.cpp pull 19493.
  redoesAccepted: true,
  systemOf: ({ as, misses }) => (as === 'cache' ? (misses === 'cpu' ? SHARED : LRU) : null),
});
