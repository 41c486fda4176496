import { AXES } from '../../advise/door.js';
import { KNOBS, type TaughtFigure } from '../../hardware/door.js';
import type { Speeds } from '../../runtime/door.js';
import { covarianceOf, fitSteps, residualAt, type Sensitivity } from '../validate/fit.js';

/**
 * Prediction error along an axis of settings, standard deviation of a logarithm. `place`: slopes of 13 machines of
 * profiles/measurements/ (decode), 3 (prefill); `passes`, a doubling, and `threads`, a halving: 2 pairs each. Remaining
 * axes: bench/lab.
 */
const OFF: Readonly<Record<keyof Speeds, Readonly<Record<(typeof AXES)[number], number>>>> = {
  decode: { place: 0.15, passes: 0.01, threads: 0.1, loading: 0.03, attention: 0.1 },
  prefill: { place: 0.25, passes: 0.1, threads: 0.15, loading: 0.05, attention: 0.1 },
};
/**
 * Most that a knob explains of a machine, a standard deviation of a logarithm; ours. More is a surprise of this setting
 * rather than of the machine, so that further settings are tried.
 */
const MOST_SPREAD = 0.4;
/** Inverse variances of the knobs. */
const RIDGE = KNOBS.map(({ spread }) => 1 / Math.min(spread, MOST_SPREAD) ** 2);
/** Inverse variance of a speed of a foreign setting, .05 squared: standard error of a benchmark; ours. */
const SURENESS = 400;
/**
 * Least error of a measured speed: residual of a line through the experts' share on the card, median of ten machines.
 */
const LEAST_NOISE = 0.015;
/** Standard deviations above nine of ten values of a Gaussian. */
const NINE_OF_TEN = 1.2816;
/** Step of a speed for the slope of a cost: a logarithm; ours. */
const STEP = 1e-3;

const PHASES = ['decode', 'prefill'] as const;

/** Prior of a point: log(predicted / 1), and slopes by knobs and kinds of error. */
export type PointPrior = Readonly<Record<keyof Speeds, Sensitivity>>;

/** Measured speeds, tokens/s, with relative standard error. */
export interface MeasuredSpeeds extends Speeds {
  readonly spread: number;
}

/** Expected speeds of a point. */
export interface PointForecast extends Speeds {
  /** Gain over the best measured point, as a share, exceeded one time in ten; null: no measurement. */
  readonly gain: number | null;
}

/** Prior of a point. @param along distance from the advised setting by {@link AXES} */
export function pointPrior(decode: Sensitivity, prefill: Sensitivity, along: readonly number[]): PointPrior {
  const none = AXES.map(() => 0);
  return { decode: beside(decode, [...along, ...none]), prefill: beside(prefill, [...none, ...along]) };
}

/** Slopes of a figure by knobs. */
export const slopesOf = ({ residual, shares }: TaughtFigure): Sensitivity => ({ residual, slopes: shares.map((share) => -share) });

const beside = (speed: Sensitivity, ways: readonly number[]): Sensitivity => ({ ...speed, slopes: [...speed.slopes, ...ways] });

/** Inverse variances of knobs and kinds of error. */
const RIDGES = [...RIDGE, ...PHASES.flatMap((phase) => AXES.map((way) => 1 / OFF[phase][way] ** 2))];

/** Expected speeds of points. @param measured by index @param others further speeds of the machine */
export function pointForecasts(
  points: readonly PointPrior[],
  measured: ReadonlyMap<number, MeasuredSpeeds>,
  others: readonly Sensitivity[],
  cost: (speeds: Speeds) => number,
): PointForecast[] {
  const taught = [...measured].flatMap(([at, speeds]) => PHASES.map((phase) => weighed(points[at]![phase], speeds[phase], speeds.spread)));
  // Speeds of a foreign setting or model teach only the knobs.
  const rows = [...others.map((speed) => beside(speed, new Array<number>(2 * AXES.length).fill(0))), ...taught];
  const steps = fitSteps(rows, RIDGES, () => SURENESS);
  const surprise = surpriseOf(rows, steps);
  const covariance = covarianceOf(rows, RIDGES, SURENESS);
  const expected = points.map((point) => ({
    decode: Math.exp(residualAt(point.decode, steps)),
    prefill: Math.exp(residualAt(point.prefill, steps)),
  }));
  const costs = points.map((point, i) => costBy(point, expected[i]!, cost));
  const best = bestMeasured(measured, cost);
  return expected.map((speeds, i) => {
    if (best === null) return { ...speeds, gain: null };
    const slopes = costs[i]!.slopes.map((slope, k) => slope - costs[best]!.slopes[k]!);
    const along = covariance.map((row) => row.reduce((sum, value, k) => sum + value * slopes[k]!, 0));
    const variance = slopes.reduce((sum, slope, k) => sum + slope * along[k]!, 0);
    const more = costs[best]!.log - costs[i]!.log + NINE_OF_TEN * Math.sqrt(surprise * Math.max(0, variance));
    return { ...speeds, gain: Math.exp(more) - 1 };
  });
}

/** Factor on variances, at least 1 (Birge ratio): a very slow engine makes all predictions unsure. */
function surpriseOf(rows: readonly Sensitivity[], steps: readonly number[]): number {
  const moved = steps.reduce((sum, step, k) => sum + RIDGES[k]! * step ** 2, 0);
  const left = rows.reduce((sum, row) => sum + SURENESS * residualAt(row, steps) ** 2, 0);
  return rows.length === 0 ? 1 : Math.max(1, (moved + left) / rows.length);
}

/** Measured point of least cost; null: no measurement. */
export function bestMeasured(measured: ReadonlyMap<number, Speeds>, cost: (speeds: Speeds) => number): number | null {
  let best: number | null = null;
  for (const [at, speeds] of measured) if (best === null || cost(speeds) < cost(measured.get(best)!)) best = at;
  return best;
}

/** Scales a measured speed by its precision, for the fit. */
function weighed({ residual, slopes }: Sensitivity, speed: number, spread: number): Sensitivity {
  const times = 1 / Math.sqrt(SURENESS) / Math.max(LEAST_NOISE, spread);
  return { residual: times * (residual - Math.log(speed)), slopes: slopes.map((slope) => times * slope) };
}

function costBy(point: PointPrior, speeds: Speeds, cost: (speeds: Speeds) => number): { log: number; slopes: number[] } {
  const log = Math.log(cost(speeds));
  const by = PHASES.map((phase) => (Math.log(cost({ ...speeds, [phase]: speeds[phase] * Math.exp(STEP) })) - log) / STEP);
  return { log, slopes: point.decode.slopes.map((slope, k) => by[0]! * slope + by[1]! * point.prefill.slopes[k]!) };
}
