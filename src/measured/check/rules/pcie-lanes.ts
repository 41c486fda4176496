import { formatRatio } from '../../../base/units.js';
import type { Measurement } from '../../validate/rows/measurement.js';
import { asExpected, type CauseRule, explains } from './rule.js';
import { WEIGHTS } from './weights.js';

/** The link must decide, and a quarter of its rate give nearly the measured speed; ours. */
const LIKE = { decides: 0.5, near: 0.15 };

/**
 * The card runs with 4 of 16 lanes, or 1 of 4: expert copies of a prompt take four times as long, decoding does not.
 */
export const pcieLanes: CauseRule = {
  name: 'pcie-lanes',
  title: 'a PCIe slot with few lanes (x4)',
  weight: WEIGHTS.pcieLanes,
  advice:
    'See nvidia-smi -q -d PCIE, or moeprof machine detect, while it works; move the card to a slot with 16 lanes, or take a larger -ub.',
  examine: async (run) => {
    const { decode, prefill } = run;
    if (prefill === null || decode === null || !prefill.slow || !asExpected(decode)) return null;
    const quarter = await run.supposed(({ machine, ...rest }) => ({ ...rest, machine: { ...machine, gpus: machine.gpus.map(quartered) } }));
    if (!explains(quarter.prefill, prefill, LIKE)) return null;
    return `Prompts reach ${formatRatio(prefill.ratio, 0)} and decoding ${formatRatio(decode.ratio, 0)}: as if the card ran with a quarter of its lanes.`;
  },
};

type Gpu = Measurement['machine']['gpus'][number];

function quartered(gpu: Gpu): Gpu {
  const { gen = 4, lanes = 16, measured_gbps } = gpu.pcie ?? {};
  return {
    ...gpu,
    pcie: { gen, lanes: Math.max(1, Math.round(lanes / 4)), ...(measured_gbps !== undefined && { measured_gbps: measured_gbps / 4 }) },
  };
}
