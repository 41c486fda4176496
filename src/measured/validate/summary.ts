import { sharedVotes, votedMean, votedPercentile } from '../../base/statistics.js';
import { bandOf, type ScoredError } from '../../engine/outcome/band.js';
import type { RuntimeSpec } from '../../hardware/door.js';
import { type Tagged, tagged } from '../../result/version.js';
import { type CacheGain, cacheGains } from './caches.js';
import { type Gain, gainsOf } from './gains.js';
import { judgeMemory, type MemorySummary, memorySummary } from './memory/judge.js';
import type { OwnErrors } from './own.js';
import type { Prediction } from './predict.js';
import { type ErrorSizes, errorSizes } from './rows/error-sizes.js';
import { machineKindOf, votesOf } from './rows/machines.js';
import type { Measurement } from './rows/measurement.js';
import type { MemoryRow } from './rows/memory-row.js';
import { figuresOf, formatKin, MEASURED_METRICS, type MeasuredMetric, runtimeOf } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';
import { type Trend, type TrendErrors, trendErrors, trendsOf } from './trends.js';

/** Errors of speeds and hit rates, one vote per machine. */
export interface ErrorStatistics extends ErrorSizes {
  readonly machines: number;
  /** Median of max(predicted / measured, measured / predicted); null if infinite. */
  readonly factor: number | null;
  /** Share of votes within their bands; null without bands. */
  readonly coverage: number | null;
}

/** Errors of one family and metric. */
export interface FamilyErrors extends ErrorStatistics {
  readonly family: string;
  readonly metric: MeasuredMetric;
}

interface FittedConstants extends NonNullable<RuntimeSpec['fitted']> {
  readonly runtime: string;
}

/** Errors by metric; null: no rows. */
export type SpeedSummary = Readonly<Record<MeasuredMetric, ErrorStatistics | null>>;

/** A finished validation: public format `moeprof.validation/1`. */
export interface Validation extends Tagged<'moeprof.validation/1'> {
  readonly files: readonly string[];
  readonly rows: readonly ValidatedRow[];
  readonly summary: SpeedSummary & { readonly memory: MemorySummary | null };
  readonly placements: readonly FamilyErrors[];
  readonly families: readonly FamilyErrors[];
  readonly kinds: readonly FamilyErrors[];
  readonly trends: readonly Trend[];
  readonly trendErrors: readonly TrendErrors[];
  readonly gains: readonly Gain[];
  readonly caches: readonly CacheGain[];
  readonly fitted: readonly FittedConstants[];
  /** Errors after rows of the same machine, on request. */
  readonly own?: readonly OwnErrors[];
  /** Constants refitted on the rows, on request. */
  readonly refit?: Refit;
}

/** Errors on a left-out class of rows. */
export interface ClassErrors extends ErrorStatistics {
  /** One of `ROW_CLASSES`. */
  readonly kind: string;
  readonly name: string;
  readonly metric: MeasuredMetric;
}

/** A constant before any fit, now, and refitted. */
interface FittedConstant {
  readonly runtime: string;
  readonly name: string;
  readonly before: number;
  /** Prior standard deviation of the logarithm. */
  readonly spread: number;
  readonly now: number;
  readonly fitted: number;
  /** Machines with a row that depends on the constant; fewer than four make a guess. */
  readonly machines: number;
}

/** Refitted constants, and errors on left-out machines. */
export interface Refit {
  readonly constants: readonly FittedConstant[];
  readonly fitted: SpeedSummary;
  /** Errors with constants fitted on machines of different parts. */
  readonly leftOut: SpeedSummary;
  /** By row: predicted / measured - 1. */
  readonly errors: readonly { readonly id: string; readonly metric: ValidatedRow['metric']; readonly error: number }[];
  readonly classesLeftOut: readonly ClassErrors[];
}

/** @param predictions of `rows`, in order @param memory rows of memory */
export function validationOf(
  files: readonly string[],
  rows: readonly Measurement[],
  predictions: readonly Prediction[],
  runtimes: ReadonlyMap<string, RuntimeSpec>,
  memory: readonly MemoryRow[] = [],
): Validation {
  const votes = votesOf(rows.map(({ machine }) => machine));
  const validated = withBands(rows.flatMap((row, i) => judge(row, predictions[i]!, votes.get(row.machine.name)!)));
  const allocated = memory.flatMap(judgeMemory);
  const trends = trendsOf(rows, validated);
  const used = [...new Set(rows.map(runtimeOf))].sort();
  const fitted = used.flatMap((name): FittedConstants[] => {
    const fitted = runtimes.get(name)?.fitted ?? null;
    return fitted === null ? [] : [{ runtime: name, ...fitted }];
  });
  return {
    ...tagged('moeprof.validation/1'),
    files,
    rows: [...validated, ...allocated],
    summary: { ...speedSummary(validated), memory: memorySummary(allocated) },
    placements: grouped(validated, 'placement'),
    families: grouped(validated, 'family'),
    kinds: grouped(validated, 'machineKind'),
    trends,
    trendErrors: trendErrors(trends),
    gains: gainsOf(rows, validated),
    caches: cacheGains(rows, predictions),
    fitted,
  };
}

function judge(row: Measurement, { figures, lacks }: Prediction, vote: string): ValidatedRow[] {
  const [runtime, format, placement] = [runtimeOf(row), formatKin(row.model), row.placement.kind];
  return figuresOf(row).map(({ measured, metric, unscored }) => {
    const predicted = figures[metric] ?? null;
    const missing = predicted === null ? (lacks ?? 'its placement does not say enough') : null;
    const reason = unscored !== null && missing !== null ? `${unscored}; ${missing}` : (unscored ?? missing);
    return {
      id: row.id,
      metric,
      machine: row.machine.name,
      vote,
      machineKind: machineKindOf(row),
      model: row.model.name,
      measured,
      predicted,
      error: predicted === null ? null : predicted / measured - 1,
      family: `${runtime} / ${format} / ${placement}`,
      runtime,
      format,
      placement,
      scored: reason === null,
      reason,
      band: null,
    };
  });
}

function withBands(rows: readonly ValidatedRow[]): ValidatedRow[] {
  const scored = rows.filter((row): row is ValidatedRow & ScoredError => row.scored && row.error !== null && row.metric !== 'memory');
  return rows.map((row) => {
    if (!row.scored) return row;
    const others = scored.filter(({ vote }) => vote !== row.vote);
    return { ...row, band: bandOf(row, others) };
  });
}

/** Statistics of scored rows by metric. */
export function speedSummary(rows: readonly ValidatedRow[]): SpeedSummary {
  return Object.fromEntries(MEASURED_METRICS.map((metric) => [metric, statisticsOf(scoredOf(rows, metric))])) as SpeedSummary;
}

function scoredOf(rows: readonly ValidatedRow[], metric: MeasuredMetric): ValidatedRow[] {
  return rows.filter((row) => row.scored && row.metric === metric);
}

/** Statistics of scored rows; null for no rows. */
export function statisticsOf(
  rows: readonly Pick<ValidatedRow, 'band' | 'error' | 'measured' | 'predicted' | 'vote'>[],
): ErrorStatistics | null {
  if (rows.length === 0) return null;
  const factors = sharedVotes(rows, ({ measured, predicted }) => Math.max(predicted! / measured, measured / predicted!));
  const factor = votedPercentile(factors, 50);
  const within = sharedVotes(
    rows.filter(({ band }) => band !== null),
    ({ band, error }) => Number(band!.low * (1 + error!) <= 1 + ROUNDING && 1 - ROUNDING <= band!.high * (1 + error!)),
  );
  return {
    ...errorSizes(sharedVotes(rows, ({ error }) => error!)),
    machines: new Set(rows.map(({ vote }) => vote)).size,
    factor: Number.isFinite(factor) ? factor : null,
    coverage: within.length === 0 ? null : votedMean(within),
  };
}

/** Relative tolerance of a band's end, for rounding. */
const ROUNDING = 1e-9;

function grouped(rows: readonly ValidatedRow[], by: 'family' | 'placement' | 'machineKind'): FamilyErrors[] {
  const names = [...new Set(rows.flatMap((row) => row[by] ?? []))].sort();
  return MEASURED_METRICS.flatMap((metric) =>
    names.flatMap((family): FamilyErrors[] => {
      const ofFamily = scoredOf(rows, metric).filter((row) => row[by] === family);
      const statistics = statisticsOf(ofFamily);
      return statistics === null ? [] : [{ family, metric, ...statistics }];
    }),
  );
}
