import { formatRatio } from '../../../base/units.js';
import { asExpected, type CauseRule, explains } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Prompts on the CPU must decide, and be near the measured speed; ours. */
const LIKE = { decides: 0.6, near: 0.2 };

/** Prompts at the CPU's speed: a format without GPU kernels, repacked weights, or --no-op-offload. */
export const cpuPrompt: CauseRule = {
  name: 'cpu-prompt',
  title: 'prompts computed on the CPU',
  weight: WEIGHTS.cpuPrompt,
  advice:
    'Give prompts in passes of more than 32 tokens (-ub 2048), without --no-op-offload and repacking (-rtr), in a format that the GPU has kernels for.',
  examine: async (run) => {
    const { decode, prefill, row } = run;
    if (prefill === null || decode === null || !prefill.slow || !asExpected(decode) || row.placement.prefill_where === 'cpu') return null;
    if (row.machine.gpus.length === 0 || row.machine.unified === true || row.placement.kind === 'all-gpu') return null;
    const onCpu = await run.supposed(({ placement, ...rest }) => ({ ...rest, placement: { ...placement, prefill_where: 'cpu' } }));
    if (!explains(onCpu.prefill, prefill, LIKE)) return null;
    return `Prompts reach ${formatRatio(prefill.ratio, 0)} and decoding ${formatRatio(decode.ratio, 0)}: as if the CPU computed the experts of prompts, too.`;
  },
};
