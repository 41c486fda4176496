import { type Constant, constantOf, fittedConstants, type Runtimes, withConstantMoved } from './constants.js';
import { fitConstants, leaveOut, residualAt, type Sensitivity, sensitivityOf, withVotes } from './fit.js';
import type { Prediction } from './predict.js';
import { classesOf, ROW_CLASSES, type RowClasses } from './rows/machines.js';
import type { Measurement } from './rows/measurement.js';
import { MEASURED_METRICS } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';
import { type Refit, type SpeedSummary, speedSummary, type Validation } from './summary.js';

/** Factor on a constant for slopes; ours. */
const NUDGE = 1.05;

/** Fitted constants, and variants for predictions: unchanged, then each constant moved. */
export function nudgedConstants(
  runtimes: Runtimes,
  used: readonly string[],
): { readonly constants: Constant[]; readonly variants: Runtimes[] } {
  const constants = fittedConstants(runtimes, used);
  return { constants, variants: [runtimes, ...constants.map((constant) => withConstantMoved(runtimes, constant, NUDGE))] };
}

/** Least d log(speed) / d log(constant) of a dependent row; ours: a tenth more moves the speed by half a percent. */
const FELT = 0.05;

interface FittedFigure extends Sensitivity {
  readonly row: ValidatedRow;
  readonly vote: string;
  readonly classes: RowClasses;
}

/**
 * Refits constants, cross-validated by machine and class. @param predictions with variants of {@link nudgedConstants}
 */
export function refitOf(
  { rows }: Pick<Validation, 'rows'>,
  measured: readonly Measurement[],
  predictions: readonly (readonly Prediction[])[],
  constants: readonly Constant[],
  runtimes: Runtimes,
): Refit {
  const indexOf = new Map(measured.map(({ id }, i) => [id, i]));
  const figures = rows.flatMap((row): FittedFigure[] => {
    const { metric, vote } = row;
    if (!row.scored || metric === 'hit_rate' || metric === 'memory' || !(row.predicted! > 0)) return [];
    const index = indexOf.get(row.id)!;
    const moved = predictions[index]!.slice(1).map(({ figures }) => figures[metric]!);
    const classes = classesOf(measured[index]!, row.runtime);
    return [{ row, vote, classes, ...sensitivityOf(row.measured, row.predicted!, moved, Math.log(NUDGE)) }];
  });
  const now = constants.map(({ name, runtime }) => constantOf(runtimes.get(runtime)!, name)!);
  const priors = constants.map(({ before, spread }, c) => ({ step: Math.log(before / now[c]!), spread }));
  const steps = fitConstants(withVotes(figures), priors);
  const without = (classOf: (figure: FittedFigure) => string | null): (number | null)[] => leaveOut(figures, priors, classOf);
  const summaryAt = (residuals: readonly (number | null)[]): SpeedSummary =>
    speedSummary(figures.flatMap((figure, i) => withResidual(figure, residuals[i]!)));
  const leftOut = without(({ row }) => row.vote);
  return {
    constants: constants.map(({ before, name, runtime, spread }, c) => ({
      runtime,
      name,
      before,
      spread,
      now: now[c]!,
      fitted: now[c]! * Math.exp(steps[c]!),
      machines: new Set(figures.flatMap(({ slopes, vote }) => (Math.abs(slopes[c]!) > FELT ? [vote] : []))).size,
    })),
    fitted: summaryAt(figures.map((figure) => residualAt(figure, steps))),
    leftOut: summaryAt(leftOut),
    errors: figures.map(({ row: { id, metric } }, i) => ({ id, metric, error: Math.exp(leftOut[i]!) - 1 })),
    classesLeftOut: ROW_CLASSES.flatMap((kind) => {
      const residuals = without(({ classes }) => classes[kind]);
      const names = [...new Set(figures.flatMap(({ classes }) => classes[kind] ?? []))].sort();
      return names.flatMap((name) => {
        const summary = summaryAt(residuals.map((residual, i) => (figures[i]!.classes[kind] === name ? residual : null)));
        return MEASURED_METRICS.flatMap((metric) => (summary[metric] === null ? [] : [{ kind, name, metric, ...summary[metric] }]));
      });
    }),
  };
}

function withResidual({ row }: FittedFigure, residual: number | null): ValidatedRow[] {
  if (residual === null) return [];
  const predicted = row.measured * Math.exp(residual);
  return [{ ...row, predicted, error: predicted / row.measured - 1, band: null }];
}
