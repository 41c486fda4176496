import { formatRatio } from '../../../base/units.js';
import type { Measurement } from '../../validate/rows/measurement.js';
import type { CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Least number of repeats; ours. */
const ENOUGH = 3;
/** Relative fall of speed; ours, as benchmarks repeat within some percent. */
const FALL = 0.12;

/** Later runs of one setting are slower than earlier runs: heat. */
export const thermal: CauseRule = {
  name: 'thermal',
  title: 'clocks that fall with heat',
  weight: WEIGHTS.thermal,
  advice:
    'Watch clocks and temperatures while it runs (nvidia-smi dmon, turbostat); clean fans, give it air, or set a power limit that it can hold.',
  examine: ({ row, siblings }) => {
    const speed = ({ measured }: Measurement): number => measured.tg_tps ?? 0;
    const same = [...siblings.filter((other) => settings(other) === settings(row)), row].filter((run) => speed(run) > 0);
    const order = same.sort((a, b) => lineOf(a) - lineOf(b));
    const last = order.at(-1);
    if (order.length < ENOUGH || last !== row) return null;
    const falls = order.slice(1).every((run, i) => speed(run) <= 1.01 * speed(order[i]!));
    const share = speed(last) / speed(order[0]!);
    if (!falls || share > 1 - FALL) return null;
    return `The same run ${order.length} times over became slower each time, down to ${formatRatio(share, 0)} of the first.`;
  },
};

/** Log line of a run. */
const lineOf = ({ id }: Measurement): number => Number(/:(\d+)$/.exec(id)?.[1] ?? 0);

const settings = ({ model, placement, run }: Measurement): string => JSON.stringify([model, placement, run]);
