import { formatNumber } from '../../../base/units.js';
import type { CauseRule, CheckedSpeed } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Ratios to the expected speed beyond which no machine of the parts runs; ours, beyond any band. */
const FAR = { low: 0.1, high: 2 };

/** The speed is of another machine, model or unit than it is judged by. */
export const mistaken: CauseRule = {
  name: 'mistaken',
  title: 'is it the right machine, model and unit?',
  weight: WEIGHTS.mistaken,
  advice: 'Name the machine with -w and the model with -m; speeds are tokens a second of all conversations together.',
  examine: ({ decode, model, prefill, row }) => {
    const far = [decode, prefill].filter(
      (speed) => speed !== null && (speed.ratio >= FAR.high || speed.ratio <= FAR.low),
    ) as CheckedSpeed[];
    const [worst] = far.sort((a, b) => Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)));
    if (worst === undefined) return null;
    const { metric, ratio } = worst;
    const times = ratio > 1 ? `${formatNumber(ratio, 1)} times` : `1/${formatNumber(1 / ratio, 0)} of`;
    return `${metric} reaches ${times} what ${model?.name ?? row.model.name} should reach on ${row.machine.name}.`;
  },
};
