// ik_llama.cpp: the fork of llama.cpp with formats and kernels of its own, and variants of latent attention.
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import type { KnownRuntime } from '../kind/runtime.js';
import { llamaTimings } from '../llama.cpp/llama-timings.js';
import { ikLlamaCppFlags } from './flags.js';
import { sweepBench } from './sweep-bench.js';

/** Its allocation, which docs/memory.md derives from logs. */
export const IK_LLAMA_CPP_RULES = {
  fuses: true,
  latentVariants: true,
  keepsWindows: false,
  cachesNextLayers: true,
  offloadsBy: 'expert',
} as const;

/**
 * Before 18 March 2025 (its pull request 260) it kept more of latent attention. Issues and pull requests are numbered as they begin, and end
 * soon after; discussions go on for months.
 */
const LATENT_SINCE = 260;

/** ik_llama.cpp. */
export const ikLlamaCppRuntime: KnownRuntime = {
  name: 'ik_llama.cpp',
  logs: [
    { format: sweepBench, by: 'llama-sweep-bench' },
    { format: llamaTimings, by: 'llama-server and llama-cli', mark: /\bik_llama|iqk_|fused_moe|-fmoe\b/ },
  ],
  advised: {
    ...GGUF,
    profile: 'ik_llama.cpp',
    dialect: ikLlamaCppFlags,
    ladder: byExpertLayers,
    // It drafts for one conversation at a time (common/speculative.cpp).
    drafts: (model, users) => (users === 1 ? fileDrafts(model) : []),
    memory: (...loaded) => loadedMemory(IK_LLAMA_CPP_RULES, ...loaded),
  },
  memory: {
    rules: IK_LLAMA_CPP_RULES,
    sequences: 1,
    isBefore: (source) => Number(/ik_llama\.cpp\/(?:issues|pull)\/(\d+)$/.exec(source)?.[1] ?? LATENT_SINCE) < LATENT_SINCE,
  },
  places: 'by flags',
  depthFirst: true,
  // Where experts are in host memory (ikawrakow/ik_llama.cpp pull 1669).
  redoesAccepted: true,
};
