import { printable } from '../format.js';
import { type Document, type Grid, isShown } from './document.js';

type Field = string | number | null;

/**
 * One table: the records, the only grid, or all grids in long format; bare values in full precision (RFC 4180 quoting).
 */
export const renderCsv = (document: Document): string => [...csvParts(document)].join('');

/** {@link renderCsv} in parts. */
export function* csvParts({ blocks, records }: Document): Generator<string> {
  if (records !== undefined && 'names' in records) {
    yield toCsv([records.names]);
    for (const row of records.values) yield toCsv([row]);
    return;
  }
  const shown = blocks.filter((block): block is Grid => block.kind === 'grid' && isShown(block, 'csv', true));
  const grids = records === undefined ? shown : [records];
  yield toCsv(grids.length === 1 ? tableOf(grids[0]!) : [['table', 'row', 'column', 'value'], ...grids.flatMap(longRows)]);
}

function tableOf({ columns, rows }: Grid): Field[][] {
  const shown = columns.map((_, index) => index).filter((index) => isShown(columns[index]!, 'csv', true));
  const names = shown.map((index) => columns[index]!.name ?? nameOf(columns[index]!.head));
  return [names, ...rows.map((row) => shown.map((index) => row[index]!.value))];
}

/** A line per figure: grid, row, column, value. */
function longRows(grid: Grid): Field[][] {
  const keys = grid.keys ?? 1;
  const [names, ...rows] = tableOf(grid);
  return rows.flatMap((row) =>
    row
      .slice(keys)
      .map((value, index) => [grid.title ?? grid.columns[0]!.head, row.slice(0, keys).join(' '), names![keys + index]!, value]),
  );
}

function nameOf(head: string): string {
  return head
    .toLowerCase()
    .replace(/[^\p{L}\p{N}.]+/gu, '_')
    .replace(/^_|_$/g, '');
}

/** Rows as CSV text, each ended by a newline. */
export function toCsv(rows: readonly (readonly Field[])[]): string {
  return rows.map((row) => `${row.map(quoted).join(',')}\n`).join('');
}

/** Prefixes formula-like text with an apostrophe, for spreadsheets. */
function quoted(field: Field): string {
  const text = typeof field === 'string' ? printable(field).replace(/^[=+@-](?=.)/, "'$&") : String(field ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
