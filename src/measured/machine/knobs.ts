// Groups of constants that change together from machine to machine, so that two timings can fix them: a machine with slower memory than its data
// sheet says reads every format more slowly, and a slower host takes longer for everything that it does.
import type { RuntimeSpec } from '../../hardware/door.js';
import { withConstant } from '../validate/constants.js';

/** A group of constants. */
interface Knob {
  readonly name: string;
  /** The scaled quantity, in words: a speed or a time. */
  readonly says: string;
  /**
   * Spread between machines, as the standard deviation of its logarithm: fitted on the rows of profiles/measurements/open.jsonl of machines
   * that have three and more.
   */
  readonly spread: number;
  /** Dotted names of its constants, or of their tables; absent: its own name is. */
  readonly constants?: readonly string[];
  /** True: its constants are shares, which stay at most 1. */
  readonly shares?: true;
}

/** All knobs. */
export const KNOBS: readonly Knob[] = [
  { name: 'gpu.bandwidth', says: 'memory of the GPU', spread: 0.2, shares: true },
  { name: 'cpu.bandwidth', says: 'memory of the CPU', spread: 0.3, shares: true },
  { name: 'cpu.weightsPerCycle', says: 'unpacking of weights on the CPU', spread: 0.3 },
  { name: 'cpu.sockets', says: 'sockets together', spread: 0.3, shares: true },
  {
    name: 'layer',
    says: 'time of the host for each layer',
    spread: 0.4,
    constants: ['pass', 'layer', 'expert', 'handover', 'cpu.layer'],
  },
  { name: 'gpu.attention', says: 'attention over a long context', spread: 0.4, shares: true },
  { name: 'gpu.compute', says: 'large products on the GPU', spread: 0.3, shares: true },
  { name: 'copy.efficiency', says: 'copies to the GPU', spread: 0.3, shares: true },
  { name: 'cpu.operations', says: 'large products on the CPU', spread: 0.4 },
];

/** The runtime with each knob turned by `exp` of its step. */
export function turnedBy(runtime: RuntimeSpec, steps: readonly number[]): RuntimeSpec {
  return KNOBS.reduce((spec, knob, i) => {
    const { constants = [knob.name], shares } = knob;
    const most = shares === true ? 1 : Number.POSITIVE_INFINITY;
    return constants.reduce((turned, name) => withConstant(turned, name.split('.'), Math.exp(steps[i]!), most), spec);
  }, runtime);
}
