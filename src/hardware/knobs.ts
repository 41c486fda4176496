import { withConstant } from './constants.js';
import type { RuntimeSpec } from './runtime.js';

/** Constants that vary together between machines: one step slows all. */
interface Knob {
  readonly name: string;
  /** What takes longer or shorter, in words. */
  readonly says: string;
  /** Standard deviation of the logarithm of the time between machines. */
  readonly spread: number;
  /** The same between runtimes of a machine, and between models; absent: 0. */
  readonly runtime?: number;
  readonly model?: number;
  /** Dotted names of constants or tables: rates, and times. */
  readonly rates: readonly string[];
  readonly times: readonly string[];
}

const LAUNCHES = ['pass', 'layer', 'expert'];
const HANDOVERS = ['handover', 'windows.handover', 'cpu.layer', 'cpu.barrier'];
const CPU_READS = ['cpu.bandwidth', 'cpu.weightsPerCycle'];
const KV_READS = ['gpu.attention.bandwidth', 'gpu.attention.vector', 'cpu.attention.vector'];
const CPU_PRODUCTS = ['cpu.operations'];
const PROMPT_ATTENTION = ['gpu.attention.compute', 'cpu.attention.prompt'];

/**
 * Deviations of a machine from predictions. The first two are offsets of all reading and waiting, and of all
 * arithmetic, by machine, runtime and model; the others add to them. Spreads: random effects of 512 speeds of 88
 * machines of profiles/measurements/ (open, second, unified), by folds of machines, wider by half for machines without
 * fitted constants.
 */
export const KNOBS: readonly Knob[] = [
  {
    name: 'reading',
    says: 'all that decoding waits for',
    spread: 0.1,
    runtime: 0.3,
    model: 0.12,
    rates: ['gpu.bandwidth', 'gpu.covered', 'cpu.recurrence', ...CPU_READS, ...KV_READS],
    times: [...LAUNCHES, ...HANDOVERS],
  },
  {
    name: 'arithmetic',
    says: 'large products, on GPU and CPU',
    spread: 0.1,
    runtime: 0.38,
    model: 0.3,
    rates: ['gpu.compute', ...CPU_PRODUCTS, ...PROMPT_ATTENTION],
    times: [],
  },
  { name: 'cpu.memory', says: 'weights that the CPU reads', spread: 0.4, rates: CPU_READS, times: [] },
  { name: 'kv', says: 'attention over a long context, decoding', spread: 0.9, rates: KV_READS, times: [] },
  { name: 'launches', says: 'time of the host for each layer and pass', spread: 1, rates: [], times: LAUNCHES },
  { name: 'handover', says: 'time of the host to hand a layer to the CPU', spread: 1, rates: [], times: HANDOVERS },
  { name: 'attention', says: 'attention of prompts', spread: 0.4, rates: PROMPT_ATTENTION, times: [] },
  { name: 'copies', says: 'copies to the GPU', spread: 0.9, rates: ['copy.efficiency', 'copy.staging'], times: [] },
  { name: 'products', says: 'large products on the CPU', spread: 0.3, rates: CPU_PRODUCTS, times: [] },
];

/**
 * The runtime with each knob slower by `exp` of a step. Shares may exceed 1.
 * @param given dotted names of fixed constants
 */
export function turnedBy(runtime: RuntimeSpec, steps: readonly number[], given: readonly string[] = []): RuntimeSpec {
  const isFree = (name: string): boolean => !given.some((constant) => constant === name || constant.startsWith(`${name}.`));
  return KNOBS.reduce((spec, { rates, times }, k) => {
    const step = steps[k]!;
    if (step === 0) return spec;
    const turned = rates.filter(isFree).reduce((at, name) => withConstant(at, name.split('.'), Math.exp(-step)), spec);
    return times.filter(isFree).reduce((at, name) => withConstant(at, name.split('.'), Math.exp(step)), turned);
  }, runtime);
}
