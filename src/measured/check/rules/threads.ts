import { formatRatio } from '../../../base/units.js';
import { atMost, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Largest ratio to the expected speed; ours: 24 threads on 24 virtual cores reach .15. */
const RATIO = 0.4;

/** More threads than cores, or as many in a machine that has no core to spare: all threads wait for the last. */
export const threads: CauseRule = {
  name: 'threads',
  title: 'threads on all cores, or more',
  weight: ({ row: { machine, run } }) => (run.threads === machine.cpu?.cores ? WEIGHTS.threadsAll : WEIGHTS.threadsAbove),
  advice: 'Take fewer threads than there are cores (-t): those of a virtual machine are often half of a core each.',
  examine: ({ decode, row: { machine, placement, run } }) => {
    const { cores } = machine.cpu ?? {};
    if (cores === undefined || run.threads === undefined || run.threads < cores || placement.kind === 'all-gpu') return null;
    if (!atMost(decode, RATIO) || !decode!.slow) return null;
    return `${run.threads} threads on ${cores} cores: decoding reaches ${formatRatio(decode!.ratio, 0)}.`;
  },
};
