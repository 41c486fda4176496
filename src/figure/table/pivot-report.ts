import { extentOf } from '../../base/statistics.js';
import { formatCounted } from '../../base/units.js';
import type { Datum, Document, Format, Grid } from '../../report/door.js';
import { gridOf, namedColumns, note, pagedFormats } from '../../report/door.js';
import { inOneUnit } from './cells.js';
import { legendLines, warnings } from './notes.js';
import { type Pivot, type PivotTable, pivotTitle, type Statistic, spreads, statisticOf } from './pivot.js';
import { latex } from './tex-table.js';

/** Formats of a paper's table: terminal, Markdown, CSV, JSON, LaTeX with booktabs. */
export const pivotReports: readonly Format<Pivot>[] = [
  ...pagedFormats<Pivot>('moeprof table', pivotDocument),
  { name: 'latex', extensions: ['.tex'], render: latex },
];

function pivotDocument(pivot: Pivot): Document {
  return {
    title: pivotTitle(pivot),
    answer: mostOften(pivot),
    lead: [{ text: `${pivot.statistics.join(', ')} over the runs of a cell` }],
    blocks: [
      ...pivot.tables.map((table) => gridFor(pivot, table)),
      ...legendLines(pivot).map((text) => note(text, 'dim')),
      ...warnings(pivot).map((text) => note(text, 'warning')),
    ],
    records: records(pivot),
  };
}

/** Sentence on the row best in most columns. */
function mostOften({ oracles, rowKeys, tables }: Pivot): string {
  if (oracles === rowKeys.length) return 'Every row knows the future: none is a system that can be built';
  const columns = (row: number) => tables.flatMap(({ cells }) => cells[row] ?? []);
  const counts = rowKeys.map((_, row) => columns(row).filter((cell) => cell?.best === true).length);
  const [, most] = extentOf(counts);
  if (most === 0) return 'No row is better than every other in any column';
  return `${rowKeys[counts.indexOf(most)]?.join(' ')} is best in ${most} of ${formatCounted(columns(0).length, 'column')}`;
}

function gridFor(pivot: Pivot, table: PivotTable): Grid {
  const { cells, unit } = inOneUnit(table, pivot.statistics);
  const starred = (text: string, row: number, column: number): string =>
    `${text}${table.cells[row]![column]?.significant === true ? ' *' : ''}`;
  return gridOf(
    [...pivot.rows.map((name) => ({ head: name, align: 'left' as const, most: 24 })), ...heads(pivot)],
    pivot.rowKeys.map((key, row) => [...key, ...cells[row]!.map((text, column) => ({ value: null, text: starred(text, row, column) }))]),
    { title: unit === '' ? table.metric : `${table.metric}, ${unit}`, keys: pivot.rows.length },
  );
}

function heads({ columnKeys, columns, statistics }: Pivot): string[] {
  return columns.length === 0 ? [statistics.join(' ± ')] : columnKeys.map((key) => key.join(' '));
}

function records({ columnKeys, columns, rowKeys, rows, statistics, tables }: Pivot): Grid {
  const shown: readonly Statistic[] = statistics.includes('n') ? statistics : [...statistics, 'n'];
  const lines = tables.flatMap(({ cells, metric, unit }) =>
    rowKeys.flatMap((row, r) =>
      columnKeys.flatMap((column, c): Datum[][] => {
        const samples = cells[r]![c]?.samples;
        if (samples === undefined) return [];
        const values = shown.map((statistic) => (spreads(statistic) && samples.length === 1 ? null : statisticOf(samples, statistic)));
        return [[...row, ...column, metric, unit, ...values]];
      }),
    ),
  );
  return gridOf(namedColumns([...rows, ...columns, 'metric', 'unit', ...shown]), lines);
}
