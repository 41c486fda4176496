import { formatRatio } from '../../../base/units.js';
import { DEFAULT_RUNTIME, runtimeOfProgram } from '../../../runtime/door.js';
import type { Measurement } from '../../validate/rows/measurement.js';
import { atMost, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Largest ratio to the expected speed; ours. */
const RATIO = 0.85;
/** NUMA settings that place no weights by socket. */
const NUMA_OFF = /^(on|off|disable|none|0|1)$/;

/** The program ignores sockets: pages lie on one socket or anywhere, and half of all reads cross over. */
export const sockets: CauseRule = {
  name: 'numa',
  title: 'threads over several sockets',
  weight: ({ row }) => (isOff(row) ? WEIGHTS.socketsOff : WEIGHTS.socketsUnsaid),
  advice: `Keep threads and memory on one socket (numactl --cpunodebind=0 --membind=0), or let the program place weights by socket (${DEFAULT_RUNTIME} --numa distribute, KTransformers with NUMA on).`,
  examine: ({ decode, row }) => {
    const { engine, machine, placement, run } = row;
    const count = machine.cpu?.sockets ?? 1;
    if (count < 2 || placement.kind === 'all-gpu' || !atMost(decode, RATIO)) return null;
    const off = isOff(row);
    // Such programs print their setting; unset, threads read the memory of all sockets.
    const unaware =
      runtimeOfProgram(engine).numaByFlag &&
      (run.numa === undefined || NUMA_OFF.test(run.numa)) &&
      placement.kind === 'all-cpu' &&
      decode!.slow;
    if (!off && !unaware) return null;
    return `${count} sockets, and ${off ? 'the program runs without awareness of them' : 'nothing tells the program of them'}: decoding reaches ${formatRatio(decode!.ratio, 0)}.`;
  },
};

const isOff = ({ run: { numa } }: Measurement): boolean => numa !== undefined && /^(off|disable|none|0)$/.test(numa);
