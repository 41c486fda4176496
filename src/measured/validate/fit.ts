import { solve } from '../../base/linear.js';
import { sharedVotes } from '../../base/statistics.js';

/** Residual and slopes of a prediction. */
export interface Sensitivity {
  /** log(predicted / measured). */
  readonly residual: number;
  /** d log(predicted) / d log(constant), by constant. */
  readonly slopes: readonly number[];
  /** Share of a vote; absent: 1. */
  readonly weight?: number;
}

/** @param moved predictions with one moved constant @param nudge logarithm of the factor */
export function sensitivityOf(measured: number, predicted: number, moved: readonly number[], nudge: number): Sensitivity {
  return { residual: Math.log(predicted / measured), slopes: moved.map((changed) => Math.log(changed / predicted) / nudge) };
}

/** Reweighted least-squares iterations; ours. */
const ITERATIONS = 25;

/** Scale of the pseudo-Huber loss, about a machine's median error; ours. */
const HUBER_SCALE = 0.2;
/** Largest step from current constants; ours. The linear prediction is unreliable beyond. */
const LARGEST_STEP = 1.2;

/** Prior of a constant. */
export interface Prior {
  /** Step from the current value to the value before any fit. */
  readonly step: number;
  /** Standard deviation of the logarithm. */
  readonly spread: number;
}

/**
 * Steps of constants (logarithms of factors) by pseudo-Huber loss, in reweighted least squares drawn towards priors, so
 * that unused constants stay.
 */
export function fitConstants(rows: readonly Sensitivity[], priors: readonly Prior[]): number[] {
  const ridge = priors.map(({ spread }) => (HUBER_SCALE / spread) ** 2);
  let steps = priors.map(() => 0);
  for (let i = 0; i < ITERATIONS; i++) {
    const matrix = ridge.map((slope, c) => ridge.map((_, d) => (c === d ? slope : 0)));
    const right = ridge.map((slope, c) => slope * priors[c]!.step);
    for (const row of rows) {
      const weight = (1 / Math.sqrt(1 + (residualAt(row, steps) / HUBER_SCALE) ** 2)) * (row.weight ?? 1);
      for (const [c, slope] of row.slopes.entries()) {
        if (slope === 0) continue;
        right[c]! -= weight * slope * row.residual;
        for (let d = 0; d < ridge.length; d++) matrix[c]![d]! += weight * slope * row.slopes[d]!;
      }
    }
    steps = solve(matrix, right).map((step) => Math.max(-LARGEST_STEP, Math.min(LARGEST_STEP, step)));
  }
  return steps;
}

/** log(predicted / measured) with moved constants. */
export function residualAt({ residual, slopes }: Sensitivity, steps: readonly number[]): number {
  return slopes.reduce((sum, slope, c) => sum + slope * steps[c]!, residual);
}

/** Rows of one machine and speed share its vote. */
export function withVotes<T extends Sensitivity & { readonly vote: string }>(rows: readonly T[]): (T & { readonly weight: number })[] {
  return sharedVotes(rows, () => 0).map(({ weight }, i) => ({ ...rows[i]!, weight }));
}

/** Residuals with constants fitted on all remaining classes. @param classOf null: no residual */
export function leaveOut<T extends Sensitivity & { readonly vote: string }>(
  rows: readonly T[],
  priors: readonly Prior[],
  classOf: (row: T) => string | null,
): (number | null)[] {
  const without = (name: string): T[] => withVotes(rows.filter((row) => classOf(row) !== name));
  const names = new Set(rows.flatMap((row) => classOf(row) ?? []));
  const steps = new Map([...names].map((name) => [name, fitConstants(without(name), priors)]));
  return rows.map((row) => {
    const name = classOf(row);
    return name === null ? null : residualAt(row, steps.get(name)!);
  });
}
