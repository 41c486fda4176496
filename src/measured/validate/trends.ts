// Trends: how the time of a token grows along a series of rows, measured and predicted. A median error does not show whether a prediction
// follows a setting; the ratio of the slopes does.
import { groupedBy } from '../../base/objects.js';
import { mean, sharedVotes, sum, votedPercentile } from '../../base/statistics.js';
import type { Measurement } from './rows/measurement.js';
import type { MeasuredMetric } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';

/** What a series may vary: the speeds that are held against it, and its value in a row. */
interface Varied {
  readonly vary: string;
  readonly metrics: readonly MeasuredMetric[];
  readonly of: (row: Measurement) => number | undefined;
  /** The line is one of logarithms, since passes of twice the size do not take twice the time. */
  readonly logarithms?: true;
}

const VARIED: readonly Varied[] = [
  { vary: 'cpu_moe_layers', metrics: ['decode', 'prefill'], of: ({ placement }) => placement.cpu_moe_layers },
  { vary: 'depth', metrics: ['decode', 'prefill'], of: ({ run }) => run.depth },
  { vary: 'ubatch', metrics: ['prefill'], of: ({ run }) => run.ubatch, logarithms: true },
];

/** A line through the points of a series by least squares: seconds a token; of `ubatch`, logarithms of both. */
interface TrendLine {
  readonly intercept: number;
  readonly slope: number;
}

/** A series, measured and predicted. */
export interface Trend {
  readonly series: string;
  readonly vary: string;
  readonly metric: MeasuredMetric;
  /** The machine, as {@link ValidatedRow.vote}. */
  readonly vote: string;
  readonly rows: number;
  readonly measured: TrendLine;
  readonly predicted: TrendLine;
}

/** Trends of one kind: predicted / measured, with one vote a machine. */
export interface TrendErrors {
  readonly vary: string;
  readonly metric: MeasuredMetric;
  readonly of: 'slope' | 'intercept';
  readonly series: number;
  readonly machines: number;
  /** Series in which prediction and measurement have different signs; they are in no other figure. */
  readonly reversed: number;
  /** Median of predicted / measured; null where every series is reversed. */
  readonly ratio: number | null;
  /** Mean of |log(predicted / measured)|. */
  readonly size: number | null;
}

/** The trends of rows; a series needs two different values. @param validated figures of these rows */
export function trendsOf(rows: readonly Measurement[], validated: readonly ValidatedRow[]): Trend[] {
  const byId = groupedBy(validated, ({ id }) => id);
  return VARIED.flatMap(({ logarithms, metrics, of, vary }) => {
    const inSeries = rows.flatMap((row) =>
      [row.series, row.also_series].flatMap((series) => (series?.vary === vary && of(row) !== undefined ? [{ id: series.id, row }] : [])),
    );
    return [...groupedBy(inSeries, ({ id }) => id)].flatMap(([series, members]) =>
      metrics.flatMap((metric): Trend[] => {
        // Prompts of different lengths would differ by more than what varies; over ubatch, benchmarks read prompts of one pass.
        if (metric === 'prefill' && logarithms !== true && new Set(members.map(({ row }) => row.run.pp_tokens)).size > 1) return [];
        const points = members.flatMap(({ row }) => {
          const figure = byId.get(row.id)?.find((one) => one.metric === metric);
          return figure === undefined || !(isUsable(figure, row) && figure.predicted! > 0) ? [] : [{ x: of(row)!, figure }];
        });
        if (new Set(points.map(({ x }) => x)).size < 2) return [];
        const scale = logarithms === true ? Math.log : (value: number): number => value;
        const through = (speedOf: (row: ValidatedRow) => number): TrendLine =>
          lineThrough(points.map(({ figure, x }) => [scale(x), scale(1 / speedOf(figure))]));
        return [
          {
            ...{ series, vary, metric, vote: points[0]!.figure.vote, rows: points.length },
            measured: through(({ measured }) => measured),
            predicted: through(({ predicted }) => predicted!),
          },
        ];
      }),
    );
  });
}

/** True where a figure is predicted, and it or its gain can be held against that. */
function isUsable({ predicted, scored }: ValidatedRow, { scorable }: Measurement): boolean {
  return predicted !== null && (scored || scorable?.pair === true);
}

/** The line with the least squares. @param points at least two different x */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): TrendLine {
  const [x0, y0] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const slope = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  return { intercept: y0 - slope * x0, slope };
}

/** Ratios of slopes and of intercepts, by what varies and by metric. */
export function trendErrors(trends: readonly Trend[]): TrendErrors[] {
  return VARIED.flatMap(({ logarithms, metrics, vary }) =>
    metrics.flatMap((metric) => {
      const own = trends.filter((trend) => trend.vary === vary && trend.metric === metric);
      const parts = logarithms === true ? (['slope'] as const) : (['slope', 'intercept'] as const);
      return own.length === 0 ? [] : parts.map((of) => ({ vary, metric, of, ...ratiosOf(own, of) }));
    }),
  );
}

function ratiosOf(trends: readonly Trend[], of: TrendErrors['of']): Omit<TrendErrors, 'vary' | 'metric' | 'of'> {
  const ratioOf = ({ measured, predicted }: Trend): number => predicted[of] / measured[of];
  const alike = trends.filter((trend) => ratioOf(trend) > 0);
  const machines = new Set(trends.map(({ vote }) => vote)).size;
  const counts = { series: trends.length, machines, reversed: trends.length - alike.length };
  if (alike.length === 0) return { ...counts, ratio: null, size: null };
  const sizes = sharedVotes(alike, (trend) => Math.abs(Math.log(ratioOf(trend))));
  const size = sum(sizes.map(({ value, weight }) => value * weight)) / sum(sizes.map(({ weight }) => weight));
  return { ...counts, ratio: votedPercentile(sharedVotes(alike, ratioOf), 50), size };
}
