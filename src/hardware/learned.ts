import { ownValue } from '../base/objects.js';
import { KNOBS, turnedBy } from './knobs.js';
import type { Machine } from './parts/defaults.js';
import { memoryKind } from './parts/kinds.js';
import { memoryRate } from './parts/memory.js';
import type { RuntimeSpec } from './runtime.js';

/** Knobs of a machine learned from timings, with covariance for the bands of predictions. */
export interface Learned {
  /** Most likely steps of {@link KNOBS}, logarithms. */
  readonly steps: readonly number[];
  readonly covariance: readonly (readonly number[])[];
  readonly timings: number;
  readonly said: string;
}

/** Speeds with a band. */
export type SpeedKind = 'decode' | 'prefill';

/** Step of a knob for slopes of predictions, a logarithm; ours. */
export const NUDGE = 0.1;

/**
 * Unexplained standard deviation (of a logarithm) of a further run on a machine: fitted so that bands hold three to
 * four of five rows of profiles/measurements/, each predicted by a row of the same machine. Owners of equal parts
 * differ by 0.08.
 */
const LEFT: Readonly<Record<SpeedKind, number>> = { decode: 0.12, prefill: 0.2 };
/** Standard deviations around four of five Gaussian values. */
const FOUR_OF_FIVE = 1.2816;

/** Copies with each knob moved in turn, by {@link NUDGE}. */
export function nudged(learned: Learned): Learned[] {
  return KNOBS.map((_, k) => ({ ...learned, steps: learned.steps.map((step, i) => (i === k ? step + NUDGE : step)) }));
}

/**
 * Half the width of a speed's band, as a share. @param speed tokens/s @param moved speeds with the knobs of
 * {@link nudged}
 */
export function learnedWidth(
  { covariance }: Pick<Learned, 'covariance'>,
  kind: SpeedKind,
  speed: number,
  moved: readonly number[],
): number {
  const slopes = moved.map((turned) => Math.log(turned / speed) / NUDGE);
  const along = covariance.map((row) => row.reduce((sum, value, i) => sum + value * slopes[i]!, 0));
  const variance = slopes.reduce((sum, slope, i) => sum + slope * along[i]!, 0);
  return Math.exp(FOUR_OF_FIVE * Math.sqrt(Math.max(0, variance) + LEFT[kind] ** 2)) - 1;
}

/** Least mentioned knob movement, as a share; ours. */
const FEW = 0.05;

/** Least mentioned residual factor. Ours: far above differences between owners of equal parts. */
const UNEXPLAINED = 1.3;

/** Summary of a learned machine. @param usual runtime of all machines @param left largest residual */
export function learnedText(machine: Machine, usual: RuntimeSpec, steps: readonly number[], timings: number, left = 0): string {
  const turned = turnedBy(usual, steps);
  const moved = KNOBS.flatMap((knob, i) => (Math.abs(Math.exp(steps[i]!) - 1) < FEW ? [] : [{ knob, step: steps[i]! }]));
  const words = moved
    .sort((a, b) => Math.abs(b.step) - Math.abs(a.step))
    .slice(0, 3)
    .map(({ knob, step }) => knobText(knob.name, machine, usual, turned) ?? `${knob.says}: times ${Math.exp(step).toFixed(2)}`);
  const on = `Learned from ${timings} ${timings === 1 ? 'timing' : 'timings'} of this machine`;
  const factor = Math.exp(Math.abs(left));
  const rest =
    factor < UNEXPLAINED
      ? ''
      : ` One is still ${factor.toFixed(1)} times as ${left > 0 ? 'slow' : 'fast'} as that explains: does its placement fit (moeprof check)?`;
  return `${on}: ${words.length === 0 ? 'it is as others of its parts, to within 5 %' : words.join('; ')}.${rest}`;
}

function knobText(name: string, { cpu, gpus, ram }: Machine, usual: RuntimeSpec, turned: RuntimeSpec): string | null {
  const sheet = (what: string, rate: number, share: number): string =>
    `${what} gives ${((rate * share) / 1e9).toPrecision(2)} GB/s, ${Math.round(100 * share)} % of its sheet`;
  const time = (what: string, ns: number, before: number): string =>
    `${what} takes ${Math.round(ns / 1e3)} us, usual ${Math.round(before / 1e3)}`;
  if (name === 'cpu.memory' && cpu !== null && ram !== null) {
    const { bandwidth, memory } = turned.cpu;
    return sheet('your memory', memoryRate(ram), bandwidth * (ownValue(memory, memoryKind(cpu, ram.type)) ?? memory.default!));
  }
  if (name === 'gpu.bandwidth' && gpus[0] !== undefined)
    return sheet("your GPU's memory", gpus[0].memoryBandwidth, turned.gpu.bandwidth.default!);
  if (name === 'layer') return time('a layer', turned.layer, usual.layer);
  if (name === 'handover') return time('a handover to the CPU', turned.handover, usual.handover);
  return null;
}
