import { UserError } from '../../base/errors.js';
import { ALPHA, holm, mannWhitney, smallestP } from '../../base/significance.js';
import { deviation, extentOf, mean, percentile } from '../../base/statistics.js';
import { didYouMean } from '../../base/text.js';
import { describeMetric } from '../../result/catalogue.js';
import type { Unit } from '../../result/result.js';
import { Labels } from './labels.js';
import { keyColumnOf, type RunRow, requireValue, rowValue } from './run-row.js';

/** Statistics over runs of a cell. `ci`: half width of the 95 % interval of the mean. */
export const STATISTICS = ['mean', 'median', 'min', 'max', 'std', 'ci', 'n'] as const;
/** A name in {@link STATISTICS}. */
export type Statistic = (typeof STATISTICS)[number];

/** True for statistics of spread. */
export const spreads = (statistic: Statistic): boolean => statistic === 'ci' || statistic === 'std';

/** @throws UserError with the nearest name */
export function statisticNamed(name: string, among: readonly Statistic[] = STATISTICS): Statistic {
  const found = among.find((statistic) => statistic === name);
  if (found !== undefined) return found;
  throw new UserError(`--stat: unknown statistic "${name}"; ${didYouMean(name, among)}`);
}

/** Request for a table. */
export interface PivotQuestion {
  /** Names for {@link rowValue}; columns may be empty. */
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly metrics: readonly string[];
  readonly statistics: readonly Statistic[];
}

/** Runs of a cell. */
export interface PivotCell {
  readonly samples: readonly number[];
  /** Best in the column, by the first statistic. */
  readonly best: boolean;
  /** False: the runner-up may be as good (Mann-Whitney, 5 %, Holm over the table); null: too few runs. */
  readonly significant: boolean | null;
}

/** Table of a metric. */
export interface PivotTable {
  readonly metric: string;
  readonly unit: Unit;
  /** `[row][column]`; null: no run. */
  readonly cells: readonly (readonly (PivotCell | null)[])[];
}

/** A paper's table: a statistic of metrics by varied settings. */
export interface Pivot extends PivotQuestion {
  /** Heading, or LaTeX caption; absent: built from names. */
  readonly title?: string;
  /** Values by row and column, in order of appearance; oracle rows last. */
  readonly rowKeys: readonly (readonly string[])[];
  /** Rows of runs with knowledge of the future, last in `rowKeys`; excluded from best. */
  readonly oracles: number;
  readonly columnKeys: readonly (readonly string[])[];
  readonly tables: readonly PivotTable[];
  readonly without: number;
  /** Names that differ within a cell, except the seed. */
  readonly mixed: readonly string[];
}

/** @param labels words for names @throws UserError for a name that no run has, or the table does not show */
export function pivotOf(rows: readonly RunRow[], question: PivotQuestion, labels = new Labels()): Pivot {
  const done = rows.filter(({ status }) => status === 'done');
  for (const name of [...question.rows, ...question.columns]) requireValue(done, name);
  const keyOf = (row: RunRow, names: readonly string[]): string[] => names.map((name) => labels.of(String(rowValue(row, name) ?? '')));
  // Only studies list values in a meaningful order.
  const ordered = done.some(({ config }) => config === undefined);
  const keysOf = (names: readonly string[]): (readonly string[])[] => {
    const keys = distinct(done.map((row) => keyOf(row, names)));
    return ordered ? grouped(keys) : keys.sort((a, b) => BY_NUMBER.compare(a.join(' '), b.join(' ')));
  };
  const columnKeys = keysOf(question.columns);
  const plain = new Set(done.filter(({ key }) => key.knowledge !== 'future').map((row) => JSON.stringify(keyOf(row, question.rows))));
  const isOracle = (key: readonly string[]): boolean => !plain.has(JSON.stringify(key));
  const rowKeys = keysOf(question.rows).toSorted((a, b) => Number(isOracle(a)) - Number(isOracle(b)));
  const oracles = rowKeys.filter(isOracle).length;
  const tables = question.metrics.map((metric): PivotTable => {
    const samples = rowKeys.map(() => columnKeys.map((): number[] => []));
    const places = [rowKeys, columnKeys].map((keys) => new Map(keys.map((key, at) => [JSON.stringify(key), at])));
    for (const row of done) {
      const value = row.metrics[metric];
      const at = [question.rows, question.columns].map((names, axis) => places[axis]!.get(JSON.stringify(keyOf(row, names)))!);
      if (value !== undefined) samples[at[0]!]![at[1]!]!.push(value);
    }
    if (samples.flat().every((list) => list.length === 0)) throw new UserError(`--value ${metric}: no run has it`);
    return { metric: labels.of(metric), unit: describeMetric(metric).unit, cells: withBest(metric, samples, question.statistics, oracles) };
  });
  const named = { rows: question.rows.map((name) => labels.of(name)), columns: question.columns.map((name) => labels.of(name)) };
  labels.requireMet();
  return {
    ...question,
    ...named,
    rowKeys,
    oracles,
    columnKeys,
    tables,
    without: rows.length - done.length,
    mixed: mixedIn(done, (row) => keyOf(row, [...question.rows, ...question.columns])),
  };
}

/** True if some rows, but not all, are oracles. */
export const hasOraclesApart = ({ oracles, rowKeys }: Pivot): boolean => oracles > 0 && oracles < rowKeys.length;

/** Heading of a pivot. */
export function pivotTitle({ columns, rows, tables, title }: Pivot): string {
  return title ?? `${tables.map(({ metric }) => metric).join(', ')} by ${[...rows, ...columns].join(', ')}`;
}

/** Key columns derived from others, or free to differ within a cell. */
const FOLLOWING: ReadonlySet<string> = new Set(['fingerprint', 'trace_sha256', 'version', 'knowledge', 'seed']);

function mixedIn(rows: readonly RunRow[], cellOf: (row: RunRow) => readonly string[]): string[] {
  const first = new Map<string, ReadonlyMap<string, string>>();
  const mixed = new Set<string>();
  for (const row of rows) {
    const cell = JSON.stringify(cellOf(row));
    const values = valuesOf(row);
    const other = first.get(cell);
    if (other === undefined) first.set(cell, values);
    else for (const name of new Set([...values.keys(), ...other.keys()])) if (values.get(name) !== other.get(name)) mixed.add(name);
  }
  return [...mixed].sort();
}

function valuesOf({ config = {}, key, values }: RunRow): Map<string, string> {
  const inner = (['memory', 'workload'] as const).flatMap((root) =>
    Object.entries((config[root] ?? {}) as object).map(([name, value]) => [`${root}.${name}`, value]),
  );
  const varied = Object.entries(values).filter(([path]) => path !== 'seed' && keyColumnOf(path) === null);
  const leading = Object.entries(key).filter(([name]) => !FOLLOWING.has(name));
  return new Map([...leading, ...varied, ...inner].map(([name, value]) => [String(name), JSON.stringify(value)]));
}

/** 9 before 10, 5% before 25%. */
const BY_NUMBER = new Intl.Collator('en', { numeric: true });

function distinct(keys: readonly (readonly string[])[]): (readonly string[])[] {
  const seen = new Map(keys.map((key) => [JSON.stringify(key), key] as const));
  return [...seen.values()];
}

/** Groups keys by first value, then second, in order of appearance. */
function grouped(keys: readonly (readonly string[])[]): (readonly string[])[] {
  const levels = (keys[0] ?? []).map((_, level) => [...new Set(keys.map((key) => key[level]!))]);
  const placeOf = (key: readonly string[]): number[] => key.map((value, level) => levels[level]!.indexOf(value));
  return keys
    .map((key) => ({ key, place: placeOf(key) }))
    .sort((a, b) => a.place.map((at, level) => at - b.place[level]!).find((difference) => difference !== 0) ?? 0)
    .map(({ key }) => key);
}

/** Marks the best cell of each column, oracles excluded, with significance. */
function withBest(
  metric: string,
  samples: readonly (readonly (readonly number[])[])[],
  statistics: readonly Statistic[],
  oracles: number,
): (PivotCell | null)[][] {
  const { better } = describeMetric(metric);
  const by = statistics.find((statistic) => !spreads(statistic) && statistic !== 'n') ?? 'mean';
  const columns = samples[0]?.length ?? 0;
  const leads = Array.from({ length: columns }, (_, column) => {
    const ranked = samples
      .slice(0, samples.length - oracles)
      .map((row, at) => ({ at, list: row[column]! }))
      .filter(({ list }) => list.length > 0)
      .sort((a, b) => (better === 'lower' ? 1 : -1) * (statisticOf(a.list, by) - statisticOf(b.list, by)));
    const [first, second] = ranked;
    if (better === 'none' || first === undefined || second === undefined) return null;
    if (statisticOf(first.list, by) === statisticOf(second.list, by)) return null;
    const [left, other] = [independent(first.list), independent(second.list)];
    const enough = smallestP(left.length, other.length) < ALPHA;
    return { at: first.at, p: enough ? mannWhitney(left, other) : null };
  });
  const tested = leads.filter((lead) => lead !== null && lead.p !== null);
  const corrected = holm(tested.map((lead) => lead!.p!));
  const significance = new Map(tested.map((lead, i) => [lead, corrected[i]! < ALPHA]));
  return samples.map((row, at) =>
    row.map((list, column) => {
      const lead = leads[column] ?? null;
      const best = lead?.at === at;
      return list.length === 0 ? null : { samples: list, best, significant: best ? (significance.get(lead) ?? null) : null };
    }),
  );
}

/** True if several runs agree to the last digit: seeds change nothing. */
export function isRepeated(samples: readonly number[]): boolean {
  return samples.length > 1 && samples.every((value) => value === samples[0]);
}

/** Identical runs count as one sample in a test. */
function independent(samples: readonly number[]): readonly number[] {
  return isRepeated(samples) ? samples.slice(0, 1) : samples;
}

/** Statistic of samples; std and ci of a single sample are 0. */
export function statisticOf(samples: readonly number[], statistic: Statistic): number {
  switch (statistic) {
    case 'mean':
      return mean(samples);
    case 'median':
      return percentile(Float64Array.from(samples).sort(), 50);
    case 'min':
      return extentOf(samples)[0];
    case 'max':
      return extentOf(samples)[1];
    case 'std':
      return deviation(samples);
    case 'ci':
      return (studentT(samples.length - 1) * deviation(samples)) / Math.sqrt(samples.length);
    case 'n':
      return samples.length;
  }
}

/** 97.5 % quantiles of Student's t by degrees of freedom, from 1 (Abramowitz and Stegun, table 26.10). */
const T = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131],
  ...[2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
];

/**
 * Beyond the table, Cornish-Fisher expansion around the normal quantile: error below .0002 from 31 degrees of freedom.
 */
function studentT(freedom: number): number {
  if (freedom < 1) return 0;
  const z = 1.959964;
  return T[freedom - 1] ?? z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}
