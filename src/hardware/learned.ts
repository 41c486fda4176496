import { ownValue } from '../base/objects.js';
import { KNOBS, turnedBy } from './knobs.js';
import type { Machine } from './parts/defaults.js';
import { memoryKind } from './parts/kinds.js';
import { memoryRate } from './parts/memory.js';
import { expectedSteps, expectedVariance, type Figure, FOUR_OF_FIVE, posteriorCovariance, type TaughtFigure } from './posterior.js';
import type { RuntimeSpec } from './runtime.js';

/** A machine learned from timings. */
export interface Learned {
  readonly taught: readonly TaughtFigure[];
  readonly timings: number;
  /** Model in question; null: any. */
  readonly model: string | null;
  /** Index of a knob that is moved by {@link NUDGE}; absent: none. */
  readonly nudged?: number;
}

/** Step of a knob for shares of predictions, a logarithm; ours. */
export const NUDGE = 0.1;

/** The runtime with its constants on a learned machine. @param given dotted names of fixed constants */
export function learnedRuntime(runtime: RuntimeSpec, { model, nudged, taught }: Learned, given: readonly string[] = []): RuntimeSpec {
  const steps = expectedSteps(taught, { runtime: runtime.name, model });
  return turnedBy(
    runtime,
    steps.map((step, k) => (k === nudged ? step + NUDGE : step)),
    given,
  );
}

/** Copies with each knob moved in turn, by {@link NUDGE}. */
export const nudged = (learned: Learned): Learned[] => KNOBS.map((_, k) => ({ ...learned, nudged: k }));

/** Shares of a speed's time by {@link KNOBS}. @param moved speeds with each knob slower by {@link NUDGE} */
export function timeShares(speed: number, moved: readonly number[]): number[] {
  return moved.map((slower) => Math.min(1, Math.max(0, Math.log(speed / slower) / NUDGE)));
}

/** Half the width of a speed's band, as a share. */
export function learnedWidth({ taught }: Pick<Learned, 'taught'>, figure: Figure): number {
  return Math.exp(FOUR_OF_FIVE * Math.sqrt(posteriorCovariance(taught, [figure])[0]![0]!)) - 1;
}

/** Half the width of a speed's band that is to be expected after timings, as a share. */
export function expectedWidth(timed: readonly Figure[], figure: Figure): number {
  return Math.exp(FOUR_OF_FIVE * Math.sqrt(expectedVariance(timed, figure))) - 1;
}

/** Least mentioned movement of a knob, as a share; ours. */
const FEW = 0.05;
/** Least mentioned factor between a timing and its prediction. Ours: one of twenty machines is farther off. */
const STRANGE = 2;

/** @param usual runtime in question, as on all machines */
export function learnedText(machine: Machine, usual: RuntimeSpec, { model, taught, timings }: Learned): string {
  const steps = expectedSteps(taught, { runtime: usual.name, model });
  const turned = turnedBy(usual, steps);
  const words = KNOBS.map((knob, k) => ({ knob, step: steps[k]! }))
    .filter(({ step }) => Math.abs(Math.exp(step) - 1) >= FEW)
    .sort((a, b) => Math.abs(b.step) - Math.abs(a.step))
    .slice(0, 3)
    .map(({ knob, step }) => knobText(knob.name, machine, usual, turned) ?? `${knob.says}: ${Math.exp(step).toFixed(2)} times as long`);
  const on = `Learned from ${timings} ${timings === 1 ? 'timing' : 'timings'} of this machine`;
  const [runtimes, models] = [taught.map(({ runtime }) => runtime), taught.map((figure) => figure.model)];
  const lacks = !runtimes.includes(usual.name) ? usual.name : model !== null && !models.includes(model) ? model : null;
  const foreign = lacks === null ? '' : ` None is of ${lacks}: it counts less here.`;
  const worst = taught.reduce((most, { residual }) => (Math.abs(residual) > Math.abs(most) ? residual : most), 0);
  const factor = Math.exp(Math.abs(worst));
  const rest =
    factor < STRANGE
      ? ''
      : ` One is ${factor.toFixed(1)} times as ${worst > 0 ? 'slow' : 'fast'} as its parts let expect: does its placement fit (moeprof check)?`;
  return `${on}: ${words.length === 0 ? 'it is as others of its parts, to within 5 %' : words.join('; ')}.${foreign}${rest}`;
}

function knobText(name: string, { cpu, ram }: Machine, usual: RuntimeSpec, turned: RuntimeSpec): string | null {
  const time = (what: string, ns: number, before: number): string =>
    `${what} takes ${Math.round(ns / 1e3)} us, usual ${Math.round(before / 1e3)}`;
  if (name === 'cpu.memory' && cpu !== null && ram !== null) {
    const { bandwidth, memory } = turned.cpu;
    const share = bandwidth * (ownValue(memory, memoryKind(cpu, ram.type)) ?? memory.default!);
    return `your memory gives ${((memoryRate(ram) * share) / 1e9).toPrecision(2)} GB/s, ${Math.round(100 * share)} % of its sheet`;
  }
  if (name === 'launches') return time('a layer', turned.layer, usual.layer);
  if (name === 'handover') return time('a handover to the CPU', turned.handover, usual.handover);
  return null;
}
