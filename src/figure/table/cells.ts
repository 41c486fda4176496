import { extentOf } from '../../base/statistics.js';
import { type PivotCell, type PivotTable, type Statistic, spreads, statisticOf } from './pivot.js';
import { scaleOf } from './scale.js';

/**
 * Table cells, `12.3 ± 0.4`, in one unit with equal decimals: three digits of the largest value, two of the smallest
 * nonzero value; a spread that rounds to zero has one digit. @returns `[row][column]`; empty: no run
 */
export function inOneUnit(
  { cells, unit }: PivotTable,
  statistics: readonly Statistic[],
): { readonly unit: string; readonly cells: string[][] } {
  const values = cells.flat().flatMap((cell) => (cell === null ? [] : cell.samples.map(Math.abs)));
  const scale = scaleOf(unit, extentOf(values)[1]);
  const [least, most] = extentOf(values.filter((value) => value > 0)).map((value) => Math.floor(Math.log10(value / scale.factor))) as [
    number,
    number,
  ];
  const decimals = most < least ? 0 : Math.max(0, 2 - most, Math.min(3, 1 - least));
  const written = (cell: PivotCell, statistic: Statistic): string => {
    const value = statisticOf(cell.samples, statistic);
    if (statistic === 'n') return `n=${value}`;
    const [scaled, text] = [value / scale.factor, (value / scale.factor).toFixed(decimals)];
    if (!spreads(statistic)) return text;
    if (cell.samples.length === 1) return '± n/a';
    return `± ${scaled !== 0 && Number(text) === 0 ? scaled.toPrecision(1) : text}`;
  };
  const textOf = (cell: PivotCell | null): string =>
    cell === null ? '' : statistics.map((statistic) => written(cell, statistic)).join(' ');
  return { unit: scale.unit, cells: cells.map((row) => row.map(textOf)) };
}
