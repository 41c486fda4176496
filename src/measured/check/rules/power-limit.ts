// A power limit: large matrix products slow down, memory reads hardly do.

import { asExpected, type CauseRule, percentText } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Share of its usual power below which a card lowers its clocks while it computes. */
const LIMITED = 0.85;

/** The card may draw less than its rated power, and prompts are slow. */
export const powerLimit: CauseRule = {
  name: 'power-limit',
  title: 'a power limit of the card',
  examine: ({ decode, powerShare, prefill }) => {
    if (powerShare === null || powerShare > LIMITED || prefill?.slow !== true || !asExpected(decode)) return null;
    return {
      weight: WEIGHTS.powerLimit,
      evidence: `The card may draw ${percentText(powerShare)} of what it is made for, and prompts reach ${percentText(prefill.ratio)}.`,
      advice: 'Raise it (nvidia-smi -pl), unless it is meant so; decoding gains little.',
    };
  },
};
