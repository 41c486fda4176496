// Groups of constants that change together from machine to machine, so that two timings can fix them: a machine with slower memory than its data
// sheet says reads every format more slowly, and a slower host takes longer for everything that it does.
import type { ByFormat, RuntimeSpec } from '../../hardware/door.js';

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
  /** The runtime with the group's constants times a factor; shares stay at most 1. */
  turned(runtime: RuntimeSpec, factor: number): RuntimeSpec;
}

const share = (value: number): number => Math.min(1, value);
const table = (values: ByFormat, factor: number, most = Number.POSITIVE_INFINITY): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Math.min(most, value * factor)]));

/** All knobs. */
export const KNOBS: readonly Knob[] = [
  {
    name: 'gpu.bandwidth',
    says: 'memory of the GPU',
    spread: 0.2,
    turned: (runtime, factor) => ({
      ...runtime,
      gpu: { ...runtime.gpu, bandwidth: table(runtime.gpu.bandwidth, factor, 1) as typeof runtime.gpu.bandwidth },
    }),
  },
  {
    name: 'cpu.bandwidth',
    says: 'memory of the CPU',
    spread: 0.3,
    turned: (runtime, factor) => ({ ...runtime, cpu: { ...runtime.cpu, bandwidth: share(runtime.cpu.bandwidth * factor) } }),
  },
  {
    name: 'cpu.weightsPerCycle',
    says: 'unpacking of weights on the CPU',
    spread: 0.3,
    turned: (runtime, factor) => ({ ...runtime, cpu: { ...runtime.cpu, weightsPerCycle: table(runtime.cpu.weightsPerCycle, factor) } }),
  },
  {
    name: 'cpu.sockets',
    says: 'sockets together',
    spread: 0.3,
    turned: (runtime, factor) => ({ ...runtime, cpu: { ...runtime.cpu, sockets: share(runtime.cpu.sockets * factor) } }),
  },
  {
    name: 'layer',
    says: 'time of the host for each layer',
    spread: 0.4,
    turned: (runtime, factor) => ({
      ...runtime,
      pass: runtime.pass * factor,
      layer: runtime.layer * factor,
      expert: runtime.expert * factor,
      handover: runtime.handover * factor,
      cpu: { ...runtime.cpu, layer: runtime.cpu.layer * factor },
    }),
  },
  {
    name: 'gpu.attention',
    says: 'attention over a long context',
    spread: 0.4,
    turned: (runtime, factor) => {
      const { bandwidth, compute, vector } = runtime.gpu.attention;
      const attention = { bandwidth: share(bandwidth * factor), compute: share(compute * factor), vector: share(vector * factor) };
      return { ...runtime, gpu: { ...runtime.gpu, attention } };
    },
  },
  {
    name: 'gpu.compute',
    says: 'large products on the GPU',
    spread: 0.3,
    turned: (runtime, factor) => ({ ...runtime, gpu: { ...runtime.gpu, compute: share(runtime.gpu.compute * factor) } }),
  },
  {
    name: 'copy.efficiency',
    says: 'copies to the GPU',
    spread: 0.3,
    turned: (runtime, factor) => ({ ...runtime, copy: { ...runtime.copy, efficiency: share(runtime.copy.efficiency * factor) } }),
  },
  {
    name: 'cpu.operations',
    says: 'large products on the CPU',
    spread: 0.4,
    turned: (runtime, factor) => ({
      ...runtime,
      cpu: { ...runtime.cpu, operations: table(runtime.cpu.operations, factor) as typeof runtime.cpu.operations },
    }),
  },
];

/** The runtime with each knob turned by `exp` of its step. */
export function turnedBy(runtime: RuntimeSpec, steps: readonly number[]): RuntimeSpec {
  return KNOBS.reduce((spec, knob, i) => knob.turned(spec, Math.exp(steps[i]!)), runtime);
}
