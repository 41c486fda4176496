import { formatCounted } from '../../base/units.js';
import { hasOraclesApart, isRepeated, type Pivot } from './pivot.js';

/** Legend of a table's signs. */
export function legendLines(pivot: Pivot): string[] {
  const { oracles, rowKeys, statistics, tables } = pivot;
  const cells = tables.flatMap((table) => table.cells.flat());
  const repeated = cells.some((cell) => cell !== null && isRepeated(cell.samples));
  const starred = cells.some((cell) => cell?.significant === true);
  const apart = rowKeys.slice(-oracles).map((key) => key.join(' '));
  return [
    ...(repeated ? ['Runs that are the same to the last digit, whatever their seed, count as one where chance is judged.'] : []),
    ...(statistics.includes('ci') ? ['± is half of the 95 % interval of the mean (Student)'] : []),
    ...(hasOraclesApart(pivot) ? [`Last come oracles, which know the future: no system can be one (${apart.join(', ')})`] : []),
    ...(starred ? ['* better than the runner-up of its column by more than chance (Mann-Whitney, 5 %, Holm over the table)'] : []),
  ];
}

/** Warnings for readers of a table. */
export function warnings({ mixed, without }: Pivot): string[] {
  return [
    ...(mixed.length > 0
      ? [`Runs of one cell differ in ${mixed.join(', ')}: name them in --rows or --columns, or the statistic is over all of them.`]
      : []),
    ...(without > 0 ? [`${formatCounted(without, 'run')} without metrics ${without === 1 ? 'is' : 'are'} left out`] : []),
  ];
}
