import { lineDialect } from '../flags/dialect.js';
import { allocationRules } from '../flags/flag.js';
import { byExpertLayers, fileDrafts, GGUF } from '../kind/advised.js';
import { loadedMemory } from '../kind/loaded.js';
import { runtimeFrom } from '../kind/runtime.js';
import { sharedUses } from '../llama.cpp/flags.js';
import { llamaCppRuntime } from '../llama.cpp/index.js';

const dialect = lineDialect('thecodacus', (input) => {
  const { uses, why } = sharedUses(input, ['-m', input.model]);
  const { slots } = input.setting;
  if (slots !== null) {
    uses.push(['--moe-cache-profile', 'experts.csv'], ['--moe-cache-slots', slots]);
    why['--moe-cache-profile'] = 'which experts those are; moeprof place --for codacus -o experts.csv writes it from a trace';
  }
  if (input.setting.draft > 0) uses.push(['--spec-type', 'draft-mtp'], ['--spec-draft-n-max', input.setting.draft]);
  return { uses, why };
});

/** thecodacus' fork of llama.cpp: the experts most used in a profile stay on the GPU, the CPU computes the rest. */
export const thecodacusRuntime = runtimeFrom({
  name: 'thecodacus',
  programs: { thecodacus: llamaCppRuntime.name },
  advised: {
    ...GGUF,
    dialect,
    ladder: byExpertLayers,
    drafts: fileDrafts,
    caches: [{ name: 'hot set', system: 'llama.cpp-hot-set', misses: 'cpu', keeps: true, read: 'its pull request 5, 2026-07-24' }],
    memory: (...loaded) => loadedMemory(allocationRules('llama.cpp'), ...loaded),
  },
  numaByFlag: true,
});
