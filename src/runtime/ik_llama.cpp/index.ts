import { definedFields } from '../../base/objects.js';
import { rulesOfBuild } from '../allocation/graph/load-plan.js';
import { lineDialect } from '../flags/dialect.js';
import { grammarOf, least } from '../flags/flag.js';
import type { Timer } from '../flags/timer.js';
import { byExpertLayers, GGUF } from '../kind/advised.js';
import { LATENT, loadedMemory, SCORES } from '../kind/loaded.js';
import { type OwnDrafts, WITH_DRAFTS } from '../kind/own-drafts.js';
import { runtimeFrom } from '../kind/runtime.js';
import { withCaches } from '../llama.cpp/cache-log.js';
import { SHARED_FLAGS, sharedUses } from '../llama.cpp/flags.js';
import { settingsOfLog } from '../llama.cpp/llama-log.js';
import { llamaTimings } from '../llama.cpp/llama-timings.js';
import { demandCells, linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';

const GRAMMAR = grammarOf(
  { program: 'llama-server', version: '2026-08-15 (8337e4c)', source: 'github.com/ikawrakow/ik_llama.cpp, common/common.cpp' },
  {
    ...SHARED_FLAGS,
    '-hfr, --hf-repo': ['text', 'the repository of the model on the Hugging Face hub, fetched at the first start'],
    '-hff, --hf-file': ['text', 'its file there; of a split one the first part'],
    '--no-mmap': [null, 'weights are read into memory instead of being mapped'],
    '--mlock': [null, 'weights in host memory are never paged out'],
    '-mla, --mla-use': [least(0), 'how latent attention is computed; 3: absorbed while decoding, unpacked for prompts'],
    '-amb, --attention-max-batch': [least(0), 'most MiB that attention scores may take at a time'],
    '-rtr, --run-time-repack': [null, 'weights in host memory are repacked at the start'],
    '-muge, --merge-up-gate-experts': [null, 'up and gate projections of experts are one tensor'],
    '--fit': [null, 'which tensors go to the GPU is chosen at the start'],
    '--spec-type': ['text', "what drafts tokens, and how many; mtp: the model's own further layer"],
    '-sm, --split-mode': [['none', 'layer', 'attn', 'graph'], 'how several GPUs share the model'],
  },
);

const RULES = {
  fuses: [0],
  latentVariants: [0],
  gatesApart: [0],
  keepsLatentValues: [0],
  cachesNextLayers: [0],
  offloadsByExpert: [0],
  fetchesRepacked: [3714], // 461, May 2025
} as const;

const ikLlamaCppFlags = lineDialect(GRAMMAR, (input) => {
  const { hub, hubFile, mla, model, setting } = input;
  const ofHub = hub !== null && hubFile !== undefined;
  return [
    ofHub ? ['-hfr', hub.replace(/:.*$/, '')] : ['-m', model],
    ofHub && ['-hff', hubFile],
    ...sharedUses(input),
    // All drafts are checked regardless of confidence: prices count all drafts.
    setting.draft > 0 && ['--spec-type', `mtp:n_max=${setting.draft},p_min=0.0`],
    mla && ['-mla', LATENT, 'the KV cache holds only the latent: 71 times smaller than unpacked (DeepSeek-V3)'],
    mla && ['-amb', SCORES / 2 ** 20],
  ];
});

const HEAD = /^\|\s*PP\s*\|\s*TG\s*\|\s*N_KV\s*\|/;
/** Columns of llama-sweep-bench's table. */
const COLUMNS = 7;

const sweepBench: TimingFormat = {
  recognizes: (text) => text.split('\n').some((line) => HEAD.test(line.trim())),
  read: (text, path) => {
    const settings = settingsOfLog(text, path);
    let inTable = false;
    const found: PrintedTiming[] = [];
    const lines = linesOf(text, path);
    for (const { place, text: line } of lines) {
      const trimmed = line.trim();
      if (HEAD.test(trimmed)) inTable = true;
      if (!inTable || !/^\|\s*\d/.test(trimmed)) continue;
      const cells = trimmed.split('|').slice(1, -1);
      demandCells(cells, COLUMNS, place);
      const [prompt, generated, depth, , prefill, , decode] = cells as [string, string, string, string, string, string, string];
      found.push({
        ...settings,
        place,
        prefill: printedSpeed(prefill, place, 'S_PP t/s'),
        decode: printedSpeed(decode, place, 'S_TG t/s'),
        ...definedFields({
          promptTokens: wholeOf(prompt.trim()),
          generatedTokens: wholeOf(generated.trim()),
          depth: wholeOf(depth.trim()),
        }),
      });
    }
    return withCaches(found, lines);
  },
};

/**
 * First pull request (260, 18 March 2025) with smaller latent caches. Issues and pull requests are numbered when opened
 * and close soon; discussions last for months.
 */
const LATENT_SINCE = 260;

/** First pull request (461, 26 May 2025) with GPU kernels for interleaved rows of iq2_k to iq5_k. */
const INTERLEAVED_SINCE = 461;

/** Flags of the server that only serve users, or drafts. */
const SERVED = ['-c', '-np', '-cram', '--spec-type'];

/** llama-sweep-bench: all depths in steps of a pass; its log names tensors. */
const sweepTimer: Timer = {
  file: 'bench.log',
  prints: 'stderr',
  commands: ({ depths, uses }) => {
    const pass = Number(uses.find(([name]) => name === '-ub')?.[1] ?? 512);
    const placed = uses.filter(([name]) => !SERVED.includes(name)).map((use) => use.filter((word) => word !== null).map(String));
    return [[['llama-sweep-bench'], ...placed, ['-c', `${depths.at(-1)! + pass}`]]];
  },
};

/** Drafts by a model's own layers, by pull request; one conversation at a time by common/speculative.cpp. */
const DRAFTS: OwnDrafts = {
  read: 'its pull requests to September 2026',
  alone: true,
  has: { 'pull request 1270, February 2026': WITH_DRAFTS.glm4, 'pull request 1745, May 2026': WITH_DRAFTS.qwen35 },
  lacks: {
    'pull request 1513 was closed: 16 to 37 % slower': WITH_DRAFTS.glm5,
    'pull request 2369': WITH_DRAFTS.qwen38,
    'pull request 2399 is open, September 2026': WITH_DRAFTS.glm5Next,
  },
};

/** ik_llama.cpp: a fork of llama.cpp with additional formats and kernels, and variants of latent attention. */
export const ikLlamaCppRuntime = runtimeFrom({
  name: 'ik_llama.cpp',
  // README of August 2026: CUDA and CPUs work; ROCm, Vulkan and Metal are not promised.
  vendors: ['nvidia', 'none'],
  logs: [
    { format: sweepBench, by: 'llama-sweep-bench' },
    { format: llamaTimings, by: 'llama-server and llama-cli', mark: /\bik_llama|iqk_|fused_moe|-fmoe\b|\bevictions=\d+ hit-rate=/ },
  ],
  advised: {
    ...GGUF,
    profile: 'ik_llama.cpp',
    dialect: ikLlamaCppFlags,
    timer: sweepTimer,
    ladder: byExpertLayers,
    ownDrafts: DRAFTS,
    memory: (...loaded) => loadedMemory(rulesOfBuild(RULES), ...loaded),
  },
  memory: {
    sequences: 1,
    rulesOf: ({ source = '', version = '' }) => {
      const build = /^(\d{2,}) \(/.exec(version)?.[1];
      const thread = Number(/ik_llama\.cpp\/\w+\/(\d+)/.exec(source)?.[1] ?? INTERLEAVED_SINCE);
      return rulesOfBuild(RULES, build === undefined ? (thread < INTERLEAVED_SINCE ? 0 : undefined) : Number(build));
    },
    latentLack: (source) =>
      Number(/ik_llama\.cpp\/(?:issues|pull)\/(\d+)$/.exec(source)?.[1] ?? LATENT_SINCE) < LATENT_SINCE
        ? 'an engine of before March 2025, which kept more'
        : null,
  },
  places: 'by flags',
  depthFirst: true,
  // With experts in host memory (ikawrakow/ik_llama.cpp pull 1669).
  redoesAccepted: true,
});
