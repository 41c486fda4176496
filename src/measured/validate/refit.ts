// Refits constants on validated rows, and cross-validates: the predictions for each machine's rows, and for each class of
// machines and programs, from constants fitted without them.
import { type Constant, constantOf, fittedConstants, type Runtimes, withConstantMoved } from './constants.js';
import { fitConstants, leaveOut, residualAt, type Sensitivity, sensitivityOf, withVotes } from './fit.js';
import type { Prediction } from './predict.js';
import { classesOf, ROW_CLASSES, type RowClasses } from './rows/machines.js';
import type { Measurement } from './rows/measurement.js';
import { MEASURED_METRICS, type MeasuredMetric } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';
import { type Refit, type SpeedSummary, statisticsOf, type Validation } from './summary.js';

/** Factor of a constant for the slopes of predictions. */
const NUDGE = 1.05;

/** The constants of some runtimes that were fitted, and what rows are predicted with: the runtimes, then those with each constant moved. */
export function nudgedConstants(
  runtimes: Runtimes,
  used: readonly string[],
): { readonly constants: Constant[]; readonly variants: Runtimes[] } {
  const constants = fittedConstants(runtimes, used);
  return { constants, variants: [runtimes, ...constants.map((constant) => withConstantMoved(runtimes, constant, NUDGE))] };
}

/** A scored figure that is fitted. */
interface FittedFigure extends Sensitivity {
  readonly row: ValidatedRow;
  readonly vote: string;
  readonly metric: MeasuredMetric;
  readonly classes: RowClasses;
}

/**
 * Refits the constants.
 * @param measured the rows of the validation
 * @param predictions of these rows, with the variants of {@link nudgedConstants}
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
    return [{ row, vote, metric, classes, ...sensitivityOf(row.measured, row.predicted!, moved, Math.log(NUDGE)) }];
  });
  const steps = fitConstants(withVotes(figures), constants.length);
  const without = (classOf: (figure: FittedFigure) => string | null): (number | null)[] => leaveOut(figures, constants.length, classOf);
  return {
    constants: constants.map(({ name, runtime }, c) => {
      const now = constantOf(runtimes.get(runtime)!, name)!;
      return { runtime, name, now, fitted: now * Math.exp(steps[c]!) };
    }),
    fitted: summaryAt(
      figures,
      figures.map((figure) => residualAt(figure, steps)),
    ),
    leftOut: summaryAt(
      figures,
      without(({ vote }) => vote),
    ),
    classesLeftOut: ROW_CLASSES.flatMap((kind) => {
      const residuals = without(({ classes }) => classes[kind]);
      const names = [...new Set(figures.flatMap(({ classes }) => classes[kind] ?? []))].sort();
      return names.flatMap((name) => {
        const summary = summaryAt(
          figures,
          residuals.map((residual, i) => (figures[i]!.classes[kind] === name ? residual : null)),
        );
        return MEASURED_METRICS.flatMap((metric) => (summary[metric] === null ? [] : [{ kind, name, metric, ...summary[metric] }]));
      });
    }),
  };
}

/** Error statistics by metric, given new residuals; null: the figure is left out of them. */
function summaryAt(figures: readonly FittedFigure[], residuals: readonly (number | null)[]): SpeedSummary {
  const all = figures.flatMap(({ metric, row: { measured }, vote }, i) => {
    const residual = residuals[i]!;
    if (residual === null) return [];
    const predicted = measured * Math.exp(residual);
    return [{ metric, vote, measured, predicted, error: predicted / measured - 1, band: null }];
  });
  const entries = MEASURED_METRICS.map((metric) => [metric, statisticsOf(all.filter((one) => one.metric === metric))]);
  return Object.fromEntries(entries) as SpeedSummary;
}
