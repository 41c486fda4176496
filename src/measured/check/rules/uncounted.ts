import { type CauseRule, isOutside } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Not in the expected speed: drafts, caches, splits, unknown flags. */
export const uncounted: CauseRule = {
  name: 'uncounted',
  title: 'settings that are not counted',
  weight: WEIGHTS.uncounted,
  advice: 'Compare with a run without them: the expected speed is of that.',
  examine: ({ cache, decode, prefill, uncounted }) => {
    const settings = cache === null ? uncounted : uncounted.filter((setting) => !setting.startsWith('--moe-cache'));
    return settings.length > 0 && (isOutside(decode) || isOutside(prefill)) ? `${settings.join(', ')}.` : null;
  },
};
