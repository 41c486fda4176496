import { formatCounted, formatNumber } from '../../base/units.js';
import type { Datum, Document, Format, Grid } from '../../report/door.js';
import { formatValue, gridOf, namedColumns, note, pagedFormats } from '../../report/door.js';
import { legendLines, spreads, warnings } from './notes.js';
import { type Pivot, type PivotCell, type PivotTable, pivotTitle, type Statistic, statisticOf } from './pivot.js';
import { latex } from './tex-table.js';

/** A paper's table in the formats that papers are written in: terminal, Markdown, CSV, JSON, and LaTeX with booktabs. */
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

/** The row that is the best of most columns, in a sentence. */
function mostOften({ oracles, rowKeys, tables }: Pivot): string {
  if (oracles === rowKeys.length) return 'Every row knows the future: none is a system that can be built';
  const columns = (row: number) => tables.flatMap(({ cells }) => cells[row] ?? []);
  const counts = rowKeys.map((_, row) => columns(row).filter((cell) => cell?.best === true).length);
  const most = Math.max(...counts);
  if (most === 0) return 'No row is better than every other in any column';
  return `${rowKeys[counts.indexOf(most)]?.join(' ')} is best in ${most} of ${formatCounted(columns(0).length, 'column')}`;
}

function gridFor(pivot: Pivot, table: PivotTable): Grid {
  return gridOf(
    [...pivot.rows.map((name) => ({ head: name, align: 'left' as const, most: 24 })), ...heads(pivot)],
    pivot.rowKeys.map((key, row) => [
      ...key,
      ...table.cells[row]!.map((cell) => ({ value: null, text: cellText(pivot.statistics, table, cell) })),
    ]),
    { title: `${table.metric} [${table.unit}]`, keys: pivot.rows.length },
  );
}

function heads({ columnKeys, columns, statistics }: Pivot): string[] {
  return columns.length === 0 ? [statistics.join(' ± ')] : columnKeys.map((key) => key.join(' '));
}

/** `12.3 ± 0.4 ms *`: each statistic, the interval after a sign, a star where the best of its column is so by more than chance. */
function cellText(statistics: readonly Statistic[], { unit }: PivotTable, cell: PivotCell | null): string {
  if (cell === null) return '';
  const texts = statistics.map((statistic) => {
    const value = statisticOf(cell.samples, statistic);
    if (statistic === 'n') return `n=${value}`;
    // One run has no spread.
    if (spreads(statistic) && cell.samples.length === 1) return '± n/a';
    return spreads(statistic) ? `± ${formatValue(value, unit)}` : formatValue(value, unit);
  });
  return `${texts.map(asExactAsValue).map(withoutUnitOfNext).join(' ')}${cell.significant === true ? ' *' : ''}`;
}

/** A spread in the decimals of the value before it, if they have one unit and something of the spread is left: `28.2 tok/s`, `± 1.0 tok/s`. */
function asExactAsValue(text: string, at: number, texts: readonly string[]): string {
  const spread = /^± ([\d.]+)( .*)?$/.exec(text);
  const value = /^-?[\d,]+(?:\.(\d+))?( .*)?$/.exec(texts[at - 1] ?? '');
  if (spread === null || value === null || spread[2] !== value[2]) return text;
  const [digits, wanted] = [spread[1]!.split('.')[1]?.length ?? 0, value[1]?.length ?? 0];
  const rounded = formatNumber(Number(spread[1]), wanted);
  return digits > wanted && Number(rounded) !== 0 ? `± ${rounded}${spread[2] ?? ''}` : text;
}

/** Leaves out a unit that the spread after it repeats. */
function withoutUnitOfNext(text: string, at: number, texts: readonly string[]): string {
  const [next, unit] = [texts[at + 1], / [^\d ]+$/.exec(text)?.[0]];
  return unit !== undefined && next?.startsWith('± ') === true && next.endsWith(unit) ? text.slice(0, -unit.length) : text;
}

/** One line for each cell and metric, each statistic in a column. */
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
