import { groupedBy } from '../../base/objects.js';
import { mean, sharedVotes, sum, votedMean, votedPercentile } from '../../base/statistics.js';
import type { Measurement } from './rows/measurement.js';
import type { MeasuredMetric } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';

/** A varied setting, its judged speeds, and its value in a row. */
interface Varied {
  readonly vary: string;
  readonly metrics: readonly MeasuredMetric[];
  readonly of: (row: Measurement) => number | undefined;
  /** Fits logarithms: a pass of twice the size takes less than twice the time. */
  readonly logarithms?: true;
}

const VARIED: readonly Varied[] = [
  { vary: 'cpu_moe_layers', metrics: ['decode', 'prefill'], of: ({ placement }) => placement.cpu_moe_layers },
  { vary: 'depth', metrics: ['decode', 'prefill'], of: ({ run }) => run.depth },
  { vary: 'ubatch', metrics: ['prefill'], of: ({ run }) => run.ubatch, logarithms: true },
];

/** Least-squares line of a series: seconds per token; for `ubatch`, logarithms. */
type TrendLine = Readonly<Record<'intercept' | 'slope', number>>;

/** Growth of a token's time along a series, measured and predicted. */
export interface Trend extends Pick<ValidatedRow, 'metric' | 'vote'> {
  readonly series: string;
  readonly vary: string;
  readonly rows: number;
  readonly measured: TrendLine;
  readonly predicted: TrendLine;
}

/** Predicted over measured trends, with one vote a machine. */
export interface TrendErrors extends Pick<Trend, 'metric' | 'vary'> {
  readonly of: keyof TrendLine;
  readonly series: number;
  readonly machines: number;
  /** Series of opposite signs in prediction and measurement, excluded from the ratios. */
  readonly reversed: number;
  /** Median of predicted / measured, and mean absolute logarithm; null: all reversed. */
  readonly ratio: number | null;
  readonly size: number | null;
}

/** Trends of series with at least two values. @param validated figures of the rows */
export function trendsOf(rows: readonly Measurement[], validated: readonly ValidatedRow[]): Trend[] {
  const byId = groupedBy(validated, ({ id }) => id);
  return VARIED.flatMap(({ logarithms, metrics, of, vary }) => {
    const scale = logarithms === true ? Math.log : (value: number): number => value;
    const inSeries = rows.flatMap((row) =>
      [row.series, row.also_series].flatMap((series) => (series?.vary === vary && of(row) !== undefined ? [{ id: series.id, row }] : [])),
    );
    return [...groupedBy(inSeries, ({ id }) => id)].flatMap(([series, members]) =>
      metrics.flatMap((metric): Trend[] => {
        // Prompts of different lengths would hide the varied setting.
        if (metric === 'prefill' && logarithms !== true && new Set(members.map(({ row }) => row.run.pp_tokens)).size > 1) return [];
        const points = members.flatMap(({ row }) =>
          byId
            .get(row.id)!
            .flatMap((figure) => (figure.metric === metric && isUsable(figure, row) ? [{ x: scale(of(row)!), figure }] : [])),
        );
        if (new Set(points.map(({ x }) => x)).size < 2) return [];
        const through = (key: 'measured' | 'predicted'): TrendLine =>
          lineThrough(points.map(({ figure, x }) => [x, scale(1 / figure[key]!)]));
        const { vote } = points[0]!.figure;
        return [{ series, vary, metric, vote, rows: points.length, measured: through('measured'), predicted: through('predicted') }];
      }),
    );
  });
}

function isUsable({ predicted, scored }: ValidatedRow, { scorable }: Measurement): boolean {
  return predicted !== null && predicted > 0 && (scored || scorable?.pair === true);
}

/** Least-squares line. @param points at least two different x */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): TrendLine {
  const [x0, y0] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const slope = sum(points.map(([x, y]) => (x - x0) * (y - y0))) / sum(points.map(([x]) => (x - x0) ** 2));
  return { intercept: y0 - slope * x0, slope };
}

/** Ratios of slopes and intercepts, by setting and metric. */
export function trendErrors(trends: readonly Trend[]): TrendErrors[] {
  return VARIED.flatMap(({ logarithms, metrics, vary }) =>
    metrics.flatMap((metric) => {
      const alike = trends.filter((trend) => trend.vary === vary && trend.metric === metric);
      const parts = logarithms === true ? (['slope'] as const) : (['slope', 'intercept'] as const);
      return alike.length === 0 ? [] : parts.map((of) => ({ vary, metric, of, ...ratiosOf(alike, of) }));
    }),
  );
}

function ratiosOf(trends: readonly Trend[], of: TrendErrors['of']): Omit<TrendErrors, 'vary' | 'metric' | 'of'> {
  const ratios = sharedVotes(
    trends.filter(({ measured, predicted }) => predicted[of] / measured[of] > 0),
    ({ measured, predicted }) => predicted[of] / measured[of],
  );
  const machines = new Set(trends.map(({ vote }) => vote)).size;
  const counts = { series: trends.length, machines, reversed: trends.length - ratios.length };
  if (ratios.length === 0) return { ...counts, ratio: null, size: null };
  const sizes = ratios.map(({ value, weight }) => ({ value: Math.abs(Math.log(value)), weight }));
  return { ...counts, ratio: votedPercentile(ratios, 50), size: votedMean(sizes) };
}
