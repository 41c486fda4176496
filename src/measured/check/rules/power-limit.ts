import { formatRatio } from '../../../base/units.js';
import { asExpected, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Share of its usual power below which a card lowers its clocks while it computes. */
const LIMITED = 0.85;

/** A power limit: large matrix products slow down, memory reads hardly do. The card may draw less than its rated power, and prompts are slow. */
export const powerLimit: CauseRule = {
  name: 'power-limit',
  title: 'a power limit of the card',
  weight: WEIGHTS.powerLimit,
  advice: 'Raise it (nvidia-smi -pl), unless it is meant so; decoding gains little.',
  examine: ({ decode, powerShare, prefill }) => {
    if (powerShare === null || powerShare > LIMITED || prefill?.slow !== true || !asExpected(decode)) return null;
    return `The card may draw ${formatRatio(powerShare, 0)} of what it is made for, and prompts reach ${formatRatio(prefill.ratio, 0)}.`;
  },
};
