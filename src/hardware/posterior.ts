// One posterior of a machine: logarithms of its speeds are Gaussian around predictions, with a covariance by shares of time.

import { solve } from '../base/linear.js';
import { sum } from '../base/statistics.js';
import { KNOBS } from './knobs.js';

/** Speeds with a band. */
export type SpeedKind = 'decode' | 'prefill';

/** A speed, and the division of its time. */
export interface Figure {
  readonly kind: SpeedKind;
  readonly runtime: string;
  /** Null: unknown, like no other. */
  readonly model: string | null;
  /** Name of an expert cache; null: a fixed placement. */
  readonly strategy: string | null;
  /** Shares of its time by {@link KNOBS}. */
  readonly shares: readonly number[];
  /** Placement, batch and context, in any words; absent: like no other. */
  readonly setting?: string;
  /** Coordinates of the setting: own errors of near settings are alike, and independent far from 1; absent: no place. */
  readonly along?: readonly number[];
}

/** A measured speed. */
export interface TaughtFigure extends Figure {
  /** log(predicted / measured). */
  readonly residual: number;
}

/**
 * Standard deviation of a setting's own error, a logarithm. From profiles/measurements/ (open, second, unified), folds
 * of machines: the fit gives .07 and .13; wider by a quarter, so that bands after 1 to 3 rows hold 73 to 82 %.
 */
const OWN: Readonly<Record<SpeedKind, number>> = { decode: 0.09, prefill: 0.17 };
/** Standard deviation of a repeated run, a logarithm; ours: llama-bench prints 1 to 3 %. */
const REPEATED = 0.02;
/** Standard deviation of an expert cache's own error, a logarithm: rows of a cache and of a fixed placement on one machine. */
const STRATEGY = 0.28;
/** Degrees of freedom of Student's distribution; ours: tails as of residuals. */
const FREEDOM = 4;
/** Standard deviations around four of five values of Student's distribution: 1.533, of variance 1. */
export const FOUR_OF_FIVE = 1.533 * Math.sqrt(1 - 2 / FREEDOM);

/** Covariance of two speeds' errors along a knob, for shares of 1. */
function knobVariance({ model = 0, runtime = 0, spread }: (typeof KNOBS)[number], a: Named, b: Named): number {
  return spread ** 2 + Number(a.runtime === b.runtime) * runtime ** 2 + Number(a.model !== null && a.model === b.model) * model ** 2;
}
type Named = Pick<Figure, 'model' | 'runtime'>;

/** Covariance of the errors of two speeds of a machine, logarithms. */
export function errorCovariance(a: Figure, b: Figure): number {
  const along = KNOBS.reduce((sum, knob, k) => sum + knobVariance(knob, a, b) * a.shares[k]! * b.shares[k]!, 0);
  if (a.kind !== b.kind) return along;
  const cached = a.strategy !== null && a.strategy === b.strategy ? STRATEGY ** 2 : 0;
  return along + cached + likeness(a, b) * OWN[a.kind] ** 2;
}

/** Correlation of the own errors of two settings, 0 to 1. */
function likeness(a: Figure, b: Figure): number {
  if (a === b) return 1;
  if (a.runtime !== b.runtime || a.model !== b.model) return 0;
  if (a.setting !== undefined && a.setting === b.setting) return 1;
  const { along: to } = b;
  return a.along === undefined || to === undefined ? 0 : Math.exp(-sum(a.along.map((at, k) => Math.abs(at - to[k]!))));
}

/** Errors of all taught speeds weighed against one another. */
interface Weighed {
  readonly matrix: readonly (readonly number[])[];
  readonly weights: readonly number[];
  /** Factor of Student's distribution on variances: above 1 if the machine is stranger than expected. */
  readonly scale: number;
}

function weighed(taught: readonly TaughtFigure[]): Weighed {
  const matrix = taught.map((a, i) => taught.map((b, j) => errorCovariance(a, b) + (i === j ? REPEATED ** 2 : 0)));
  const weights = solve(
    matrix,
    taught.map(({ residual }) => residual),
  );
  const surprise = taught.reduce((sum, { residual }, i) => sum + residual * weights[i]!, 0);
  return { matrix, weights, scale: (FREEDOM - 2 + surprise) / (FREEDOM - 2 + taught.length) };
}

/** Expected steps of {@link KNOBS} on a machine, logarithms of times. */
export function expectedSteps(taught: readonly TaughtFigure[], target: Named): number[] {
  const { weights } = weighed(taught);
  return KNOBS.map((knob, k) =>
    taught.reduce((sum, figure, i) => sum + knobVariance(knob, figure, target) * figure.shares[k]! * weights[i]!, 0),
  );
}

/** Errors of further speeds, logarithms: expected, and their covariance. @param repeated of a run, else of all its repeats */
export function posteriorErrors(taught: readonly TaughtFigure[], figures: readonly Figure[], repeated = false) {
  const { matrix, scale, weights } = weighed(taught);
  const across = figures.map((figure) => taught.map((row) => errorCovariance(figure, row)));
  const explained = across.map((row) => solve(matrix, row));
  const covariance = figures.map((a, i) =>
    figures.map((b, j) => scale * (errorCovariance(a, b) + (repeated && i === j ? REPEATED ** 2 : 0) - product(across[i]!, explained[j]!))),
  );
  return { expected: across.map((row) => product(row, weights)), covariance };
}

const product = (a: readonly number[], b: readonly number[]): number => sum(a.map((value, i) => value * b[i]!));

/** Covariance of the errors of further runs, logarithms. */
export function posteriorCovariance(taught: readonly TaughtFigure[], figures: readonly Figure[]): number[][] {
  return posteriorErrors(taught, figures, true).covariance;
}

/** Variance of the error of a speed that is to be expected after timings whose outcome is not known. */
export function expectedVariance(timed: readonly Figure[], figure: Figure): number {
  const taught = timed.map((row) => ({ ...row, residual: 0 }));
  return posteriorCovariance(taught, [figure])[0]![0]! / weighed(taught).scale;
}

/** Ratio of two speeds of a machine, with a band of 80 %. */
export interface RatioBand {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Chance that the first is faster. */
  readonly chance: number;
  /** True if the band does not hold 1. */
  readonly sure: boolean;
}

/**
 * Band of the ratio of two speeds on one machine: errors in common cancel.
 * @param a with its predicted speed, tokens/s, as corrected by timings @param taught measured speeds of the machine; empty:
 * none
 */
export function ratioBand(a: PredictedFigure, b: PredictedFigure, taught: readonly TaughtFigure[] = []): RatioBand {
  const [[of, both], [, other]] = posteriorCovariance(taught, [a, b]) as [[number, number], [number, number]];
  const sd = Math.sqrt(Math.max(REPEATED ** 2, of + other - 2 * both));
  const ratio = a.speed / b.speed;
  const chance = student(Math.log(ratio) / sd / Math.sqrt(1 - 2 / FREEDOM));
  const [low, high] = [ratio * Math.exp(-FOUR_OF_FIVE * sd), ratio * Math.exp(FOUR_OF_FIVE * sd)];
  return { ratio, low, high, chance, sure: low > 1 || high < 1 };
}

/** A figure with its predicted speed, tokens/s. */
export interface PredictedFigure extends Figure {
  readonly speed: number;
}

/** Factor on normal draws for draws of Student's distribution with the same variance. @param normal draws a normal number */
export function studentScale(normal: () => number): number {
  let squares = 0;
  for (let i = 0; i < FREEDOM; i++) squares += normal() ** 2;
  return Math.sqrt((FREEDOM - 2) / squares);
}

/** Distribution function of Student's distribution with {@link FREEDOM} degrees, in closed form. */
function student(t: number): number {
  const square = t ** 2 / (1 + t ** 2 / FREEDOM);
  return 0.5 + (3 / 8) * Math.sign(t) * Math.sqrt(square) * (1 - square / 12);
}
