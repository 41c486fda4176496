// Words that the table and the page of a validation share.
import { formatNumber, formatRatio } from '../../base/units.js';
import type { ValidatedRow, Validation } from './summary.js';

/** What was validated on what. */
export function titleOf({ files, rows }: Validation): string {
  const scored = rows.filter((row) => row.scored);
  const machines = new Set(scored.map(({ machine }) => machine)).size;
  return `${scored.length} measurements of ${machines} machine${machines === 1 ? '' : 's'}, predicted (${files.join(', ')})`;
}

/** How to read it, and how many constants were fitted. */
export function leadOf({ fitted, rows }: Validation): string[] {
  const scored = rows.filter((row) => row.scored).length;
  const constants = fitted.reduce((sum, { constants: names }) => sum + names.length, 0);
  const per = constants === 0 ? '' : `, one for ${formatNumber(scored / constants, 1)} of them`;
  return [
    'The error is predicted / measured - 1; median and 90th percentile are of its size, the bias is its median',
    `In band: within what 80 % of comparable measurements of other machines keep. ${constants} constants were fitted${per}`,
  ];
}

/** Largest errors first; a factor of two too slow counts as much as one too fast. */
export function worstFirst(rows: readonly ValidatedRow[]): ValidatedRow[] {
  const size = ({ measured, predicted }: ValidatedRow): number => Math.abs(Math.log(Math.max(predicted!, Number.MIN_VALUE) / measured));
  return [...rows].sort((a, b) => size(b) - size(a) || (a.id < b.id ? -1 : 1));
}

/** A metric as people read it. */
export function words(metric: ValidatedRow['metric']): string {
  return metric.replace('_', ' ');
}

/** A figure of a row, in short. */
export function speedText({ metric }: Pick<ValidatedRow, 'metric'>, value: number): string {
  if (metric === 'hit_rate') return formatRatio(value);
  return value >= 1000 ? formatNumber(value) : String(Number(value.toPrecision(3)));
}
