// ik_llama.cpp's server: llama.cpp's flags, and its own for latent attention.

import { lineDialect } from '../flags/dialect.js';
import { choice, count, type FlagUse, type Grammar, SWITCH, TEXT } from '../flags/flag.js';
import { LATENT, SCORES } from '../kind/loaded.js';
import { SHARED_FLAGS, sharedUses } from '../llama.cpp/flags.js';

const GRAMMAR: Grammar = {
  program: 'llama-server',
  version: '2026-08-15 (8337e4c)',
  source: 'github.com/ikawrakow/ik_llama.cpp, common/common.cpp',
  flags: [
    ...SHARED_FLAGS,
    {
      names: ['-mla', '--mla-use'],
      takes: count(),
      does: 'how latent attention is computed; 3: absorbed while decoding, unpacked for prompts',
    },
    { names: ['-amb', '--attention-max-batch'], takes: count(), does: 'most MiB that attention scores may take at a time' },
    { names: ['-rtr', '--run-time-repack'], takes: SWITCH, does: 'weights in host memory are repacked at the start' },
    { names: ['-muge', '--merge-up-gate-experts'], takes: SWITCH, does: 'up and gate projections of experts are one tensor' },
    { names: ['--fit'], takes: SWITCH, does: 'which tensors go to the GPU is chosen at the start' },
    { names: ['--spec-type'], takes: TEXT, does: "what drafts tokens, and how many; mtp: the model's own further layer" },
    { names: ['-sm', '--split-mode'], takes: choice('none', 'layer', 'attn', 'graph'), does: 'how several GPUs share the model' },
  ],
};

/** ik_llama.cpp. */
export const ikLlamaCppFlags = lineDialect(GRAMMAR, (input) => {
  const { uses, why } = sharedUses(input, ['-m', input.model]);
  const { draft } = input.setting;
  // All drafts are checked, however sure the layer is of them: prices count them all.
  if (draft > 0) uses.push(['--spec-type', `mtp:n_max=${draft},p_min=0.0`]);
  if (!input.mla) return { uses, why };
  const latent: FlagUse[] = [
    ['-mla', LATENT],
    ['-amb', SCORES / 2 ** 20],
  ];
  return {
    uses: [...uses, ...latent],
    why: { ...why, '-mla': 'the KV cache holds only the latent: 71 times smaller than unpacked (DeepSeek-V3)' },
  };
});
