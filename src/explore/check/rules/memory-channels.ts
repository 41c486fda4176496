// Half the memory channels, or memory at half its speed: what the CPU reads takes twice as long, and nothing else does.
import { asExpected, type CauseRule, percentText } from '../rule.js';

/** How near the figure must be to what half the bandwidth gives. */
const NEAR = 0.12;
/** The CPU's memory must decide: half of it must cost this part of the speed. */
const DECIDES = 0.6;

/** The CPU reads at half of what its memory should give. */
export const memoryChannels: CauseRule = {
  name: 'memory-channels',
  title: 'half the memory channels, or memory at the wrong speed',
  examine: async (run) => {
    const { decode, prefill, row } = run;
    // Without a normal prompt beside it, a slow figure says nothing of where the time goes.
    if (decode === null || prefill === null || !decode.slow || !asExpected(prefill) || row.machine.cpu?.sockets !== 1) return null;
    const half = await run.supposed(({ machine, ...rest }) => ({ ...rest, machine: { ...machine, ram: halved(machine.ram) } }));
    if (half.decode === undefined || half.decode > DECIDES * decode.expected || Math.abs(decode.measured / half.decode - 1) > NEAR)
      return null;
    return {
      weight: 0.6,
      evidence: `Decoding reaches ${percentText(decode.ratio)} and prompts ${percentText(prefill.ratio)}: as if the CPU read at half the speed of ${ramText(row.machine.ram)}.`,
      advice:
        'Look at the slots and at the speed in the firmware (XMP, EXPO); moeprof machine detect shows both, moeprof machine calibrate measures.',
    };
  },
};

type Ram = Parameters<Parameters<Parameters<CauseRule['examine']>[0]['supposed']>[0]>[0]['machine']['ram'];

function halved(ram: Ram): Ram {
  if (ram === undefined) return undefined;
  return {
    ...ram,
    ...(ram.measured_gbps !== undefined && { measured_gbps: ram.measured_gbps / 2 }),
    ...(ram.mts !== undefined && { mts: ram.mts / 2 }),
  };
}

function ramText(ram: Ram): string {
  return ram?.type === undefined || ram.mts === undefined
    ? 'its memory'
    : `${ram.channels ?? ''}${ram.channels === undefined ? '' : 'x'}${ram.type}-${ram.mts}`;
}
