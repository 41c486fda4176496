import { lineDialect } from '../flags/dialect.js';
import { grammarOf, least } from '../flags/flag.js';
import { byExpertLayers, GGUF } from '../kind/advised.js';
import { type OwnDrafts, WITH_DRAFTS } from '../kind/own-drafts.js';
import { runtimeFrom } from '../kind/runtime.js';
import { SHARED_FLAGS, sharedUses } from '../llama.cpp/flags.js';
import { llamaCppRuntime } from '../llama.cpp/index.js';

const GRAMMAR = grammarOf(
  { program: 'llama-server', version: 'pull request 5, merged, 2026-07-24', source: 'github.com/thecodacus/llama.cpp, pull request 5' },
  {
    ...SHARED_FLAGS,
    '--moe-cache-profile': ['text', 'rows layer,expert of a profile: the experts that stay on the GPU'],
    '--moe-cache-slots': [least(1), 'experts of each layer on the GPU, of the layers in host memory'],
    '--spec-type': [['none', 'draft-mtp'], "what drafts tokens; draft-mtp: the model's own further layer"],
    '--spec-draft-n-max': [least(1), 'most tokens that are drafted for a pass'],
  },
);

const dialect = lineDialect(GRAMMAR, (input) => {
  const { draft, slots } = input.setting;
  const which = 'which experts those are; moeprof place --for codacus -o experts.csv writes it from a trace';
  return [
    ['-m', input.model],
    ...sharedUses(input),
    slots !== null && ['--moe-cache-profile', 'experts.csv', which],
    slots !== null && ['--moe-cache-slots', slots],
    draft > 0 && ['--spec-type', 'draft-mtp'],
    draft > 0 && ['--spec-draft-n-max', draft],
  ];
});

/** What llama.cpp had when the fork's pull request was merged. */
const DRAFTS: OwnDrafts = {
  read: 'its pull request 5, 2026-07-24',
  has: { 'llama.cpp 22673, May 2026': WITH_DRAFTS.qwen35, 'llama.cpp 23274, June 2026': WITH_DRAFTS.step },
  lacks: { 'llama.cpp 26534 is younger than the fork': WITH_DRAFTS.glm4 },
};

/** thecodacus' fork of llama.cpp: the experts most used in a profile stay on the GPU, the CPU computes the rest. */
export const thecodacusRuntime = runtimeFrom({
  name: 'thecodacus',
  programs: { thecodacus: llamaCppRuntime.name },
  advised: {
    ...GGUF,
    dialect,
    ladder: byExpertLayers,
    ownDrafts: DRAFTS,
    caches: [
      {
        name: 'hot set',
        system: 'llama.cpp-hot-set',
        misses: 'cpu',
        keeps: true,
        read: 'its pull request 5, 2026-07-24',
        measured: { 'llama.cpp': '2 pairs of profiles/measurements: 1.2 to 1.3x' },
      },
    ],
    memory: llamaCppRuntime.advised!.memory,
  },
  numaByFlag: true,
});
