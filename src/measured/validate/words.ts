import { formatCounted, formatNumber, formatRatio } from '../../base/units.js';
import { type ColumnOf, formatRelative, ratio } from '../../report/door.js';
import { MEASURED_METRICS } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';
import type { ErrorStatistics, FamilyErrors, Validation } from './summary.js';

/** Title of a validation. */
export function titleOf({ files, rows }: Validation): string {
  const scored = rows.filter((row) => row.scored);
  const speed = scored.filter(({ metric }) => metric !== 'memory');
  const machines = new Set(speed.map(({ vote }) => vote)).size;
  const loads = new Set(scored.filter(({ metric }) => metric === 'memory').map(({ id }) => id)).size;
  const what = [
    ...(speed.length === 0 ? [] : [`${speed.length} measurements of ${formatCounted(machines, 'machine')}`]),
    ...(loads === 0 ? [] : [`${scored.length - speed.length} buffers of ${formatCounted(loads, 'load')}`]),
  ];
  return `${what.length === 0 ? 'Nothing that is scored' : what.join(' and ')}, predicted (${files.join(', ')})`;
}

/** Explanation of the figures. */
export function leadOf({ fitted, rows }: Validation): string[] {
  const scored = rows.filter(({ metric, scored }) => scored && metric !== 'memory').length;
  const constants = fitted.reduce((sum, { constants: names }) => sum + names.length, 0);
  const per = constants === 0 ? '' : `, one for ${formatNumber(scored / constants, 1)} of them`;
  if (scored === 0) return ['The error is predicted / measured - 1; median and 90th percentile are of its size, the bias is its median'];
  const fit = `${constants} constants were fitted${per}`;
  return [
    'The error is predicted / measured - 1; median and 90th percentile are of its size, the bias is its median',
    `Machines have one vote each, those of equal parts one together. In band: between what 80 % of comparable measurements of other machines are. ${fit}`,
  ];
}

/** Largest errors first, by absolute logarithm. */
export function worstFirst(rows: readonly ValidatedRow[]): ValidatedRow[] {
  const size = ({ measured, predicted }: ValidatedRow): number => Math.abs(Math.log(Math.max(predicted!, Number.MIN_VALUE) / measured));
  return [...rows].sort((a, b) => size(b) - size(a) || (a.id < b.id ? -1 : 1));
}

/** Columns of statistics. */
export const ERROR_COLUMNS: readonly ColumnOf<ErrorStatistics>[] = [
  { head: 'rows', of: ({ n }) => n },
  { head: 'machines', of: ({ machines }) => machines },
  { head: 'median', of: ({ median }) => ratio(median) },
  { head: 'p90', of: ({ p90 }) => ratio(p90) },
  { head: 'bias', of: ({ bias }) => ({ value: bias, text: formatRelative(bias) }) },
  { head: 'factor', of: ({ factor }) => ({ value: factor, text: formatNumber(factor ?? Number.NaN, 2) }) },
  { head: 'in band', of: ({ coverage }) => ratio(coverage) },
];

/** Families by metric, most rows first. */
export function largestFirst(families: readonly FamilyErrors[]): FamilyErrors[] {
  const order = ({ metric }: FamilyErrors): number => MEASURED_METRICS.indexOf(metric);
  return [...families].sort((a, b) => order(a) - order(b) || b.n - a.n);
}

/** A metric for readers. */
export const measuredMetricText = (metric: ValidatedRow['metric']): string => metric.replace('_', ' ');

/** Metric, or kind and device of memory. */
export function measuredWhat({ device, kind, metric }: ValidatedRow): string {
  return kind === undefined ? measuredMetricText(metric) : `${kind === 'kv' ? 'KV' : kind}, ${device}`;
}

/** A figure of a row, in short. */
export function speedText({ metric }: Pick<ValidatedRow, 'metric'>, value: number): string {
  if (metric === 'hit_rate') return formatRatio(value);
  if (metric === 'memory') return `${value >= 100 ? formatNumber(value) : formatNumber(value, 1)} MiB`;
  return value >= 1000 ? formatNumber(value) : String(Number(value.toPrecision(3)));
}
