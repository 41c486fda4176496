import { formatRatio } from '../../../base/units.js';
import type { Measurement } from '../../validate/rows/measurement.js';
import { asExpected, type CauseRule, explains } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Ours: CPU memory decides, and halved bandwidth gives nearly the measured speed. */
const LIKE = { decides: 0.6, near: 0.12 };

/** Half the memory channels, or half the memory speed: only CPU reads take twice as long. */
export const memoryChannels: CauseRule = {
  name: 'memory-channels',
  title: 'half the memory channels, or memory at the wrong speed',
  weight: WEIGHTS.memoryChannels,
  advice:
    'Look at the slots and at the speed in the firmware (XMP, EXPO); moeprof machine detect shows both, moeprof machine calibrate measures.',
  examine: async (run) => {
    const { decode, prefill, row } = run;
    // Without a normal prompt speed, too many causes fit.
    if (decode === null || prefill === null || !decode.slow || !asExpected(prefill) || row.machine.cpu?.sockets !== 1) return null;
    const half = await run.supposed(({ machine, ...rest }) => ({ ...rest, machine: { ...machine, ram: halved(machine.ram) } }));
    if (!explains(half.decode, decode, LIKE)) return null;
    return `Decoding reaches ${formatRatio(decode.ratio, 0)} and prompts ${formatRatio(prefill.ratio, 0)}: as if the CPU read at half the speed of ${ramText(row.machine.ram)}.`;
  },
};

type Ram = Measurement['machine']['ram'];

function halved(ram: Ram): Ram {
  if (ram === undefined) return undefined;
  const { measured_gbps: rate, mts } = ram;
  return { ...ram, ...(rate !== undefined && { measured_gbps: rate / 2 }), ...(mts !== undefined && { mts: mts / 2 }) };
}

function ramText(ram: Ram): string {
  return ram?.type === undefined || ram.mts === undefined
    ? 'its memory'
    : `${ram.channels ?? ''}${ram.channels === undefined ? '' : 'x'}${ram.type}-${ram.mts}`;
}
