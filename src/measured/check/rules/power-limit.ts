import { formatRatio } from '../../../base/units.js';
import { asExpected, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Share of rated power below which a card lowers its clocks; ours. */
const LIMITED = 0.85;

/** The card's power is limited and prompts are slow: large matrix products slow down, memory reads hardly do. */
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
