import { formatRatio } from '../../../base/units.js';
import type { CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** As many threads as cores, or more: one of them waits for the rest of the system, and all wait for it. */
export const threads: CauseRule = {
  name: 'threads',
  title: 'threads on all cores, or more',
  weight: ({ row: { machine, run } }) => ((run.threads ?? 0) > (machine.cpu?.cores ?? 0) ? WEIGHTS.threadsAbove : WEIGHTS.threadsAll),
  advice: 'Take fewer threads than there are cores (-t): those of a virtual machine are often half of a core each.',
  examine: ({ decode, row: { machine, placement, run } }) => {
    const { cores } = machine.cpu ?? {};
    if (cores === undefined || run.threads === undefined || run.threads < cores || placement.kind === 'all-gpu') return null;
    return decode?.slow === true ? `${run.threads} threads on ${cores} cores: decoding reaches ${formatRatio(decode.ratio, 0)}.` : null;
  },
};
