import { withConstant } from './constants.js';
import type { RuntimeSpec } from './runtime.js';

interface Knob {
  readonly name: string;
  /** Scaled quantity, in words: a speed or a time. */
  readonly says: string;
  /** Standard deviation of the logarithm between machines; ours, from residuals in profiles/measurements/. */
  readonly spread: number;
  /** Dotted names of constants or tables; absent: the knob's name. */
  readonly constants?: readonly string[];
  /** True: constants are shares, at most 1. */
  readonly shares?: true;
}

/** Deviations of a machine from its data sheet: groups of constants that vary together. */
export const KNOBS: readonly Knob[] = [
  { name: 'gpu.bandwidth', says: 'memory of the GPU', spread: 0.12, shares: true },
  { name: 'cpu.memory', says: 'memory of the CPU', spread: 0.25, shares: true },
  { name: 'cpu.core', says: 'what a core of the CPU reads', spread: 0.2 },
  { name: 'cpu.weightsPerCycle', says: 'unpacking of weights on the CPU', spread: 0.2 },
  { name: 'cpu.sockets', says: 'sockets together', spread: 0.3, shares: true },
  {
    name: 'layer',
    says: 'time of the host for each layer and pass',
    spread: 0.4,
    constants: ['pass', 'layer', 'expert', 'cpu.layer', 'cpu.barrier'],
  },
  { name: 'handover', says: 'time of the host to hand a layer to the CPU', spread: 0.4 },
  { name: 'gpu.attention', says: 'attention over a long context', spread: 0.4, shares: true },
  { name: 'gpu.compute', says: 'large products on the GPU', spread: 0.25, shares: true },
  { name: 'copy.efficiency', says: 'copies to the GPU', spread: 0.15, shares: true },
  { name: 'cpu.operations', says: 'large products on the CPU', spread: 0.3 },
];

/** The runtime with each knob turned by `exp` of a step. @param given dotted names of fixed constants */
export function turnedBy(runtime: RuntimeSpec, steps: readonly number[], given: readonly string[] = []): RuntimeSpec {
  return KNOBS.reduce((spec, knob, i) => {
    const { constants = [knob.name], shares } = knob;
    const most = shares === true ? 1 : Number.POSITIVE_INFINITY;
    const free =
      steps[i] === 0 ? [] : constants.filter((name) => !given.some((constant) => constant === name || constant.startsWith(`${name}.`)));
    return free.reduce((turned, name) => withConstant(turned, name.split('.'), Math.exp(steps[i]!), most), spec);
  }, runtime);
}
