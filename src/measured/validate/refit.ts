// Refits constants on validated rows, and cross-validates by machine: the predictions for each machine's rows from constants fitted without
// them.
import { type Constant, constantOf, fittedConstants, type Runtimes, withConstantMoved } from './constants.js';
import { type FitRow, fitConstants, leaveMachineOut, residualAt, sensitivityOf } from './fit.js';
import type { Prediction } from './predict.js';
import { MEASURED_METRICS } from './rows/specify.js';
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
interface FittedFigure extends FitRow {
  readonly row: ValidatedRow;
}

/**
 * Refits the constants.
 * @param predictions of each row by its id, with the variants of {@link nudgedConstants}
 */
export function refitOf(
  { rows }: Pick<Validation, 'rows'>,
  predictions: ReadonlyMap<string, readonly Prediction[]>,
  constants: readonly Constant[],
  runtimes: Runtimes,
): Refit {
  const figures = rows.flatMap((row): FittedFigure[] => {
    const { metric } = row;
    if (!row.scored || metric === 'hit_rate' || metric === 'memory' || !(row.predicted! > 0)) return [];
    const nudged = predictions.get(row.id)!.slice(1);
    const moved = nudged.map(({ figures }) => figures[metric]!);
    return [{ row, machine: row.machine, ...sensitivityOf(row.measured, row.predicted!, moved, Math.log(NUDGE)) }];
  });
  const steps = fitConstants(figures, constants.length);
  return {
    constants: constants.map(({ name, runtime }, c) => {
      const now = constantOf(runtimes.get(runtime)!, name)!;
      return { runtime, name, now, fitted: now * Math.exp(steps[c]!) };
    }),
    fitted: summaryAt(
      figures,
      figures.map((figure) => residualAt(figure, steps)),
    ),
    leftOut: summaryAt(figures, leaveMachineOut(figures, constants.length)),
  };
}

/** Error statistics by metric, given new residuals. */
function summaryAt(figures: readonly FittedFigure[], residuals: readonly number[]): SpeedSummary {
  const all = figures.map(({ row }, i) => {
    const predicted = row.measured * Math.exp(residuals[i]!);
    return { metric: row.metric, measured: row.measured, predicted, error: predicted / row.measured - 1, band: null };
  });
  const entries = MEASURED_METRICS.map((metric) => [metric, statisticsOf(all.filter((one) => one.metric === metric))]);
  return Object.fromEntries(entries) as SpeedSummary;
}
