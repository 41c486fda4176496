import { UserError } from '../../base/errors.js';
import { LineScanner } from '../../base/scan.js';
import type { TraceSource } from '../source.js';
import type { Cells } from './cell.js';
import { cellFormat } from './cells.js';
import { placesOf, usualColumns } from './columns.js';
import type { ColumnMap } from './format.js';
import { isId, phaseOf, recordCells } from './record-lines.js';
import { TableRows } from './table-rows.js';

/** CSV with a header. */
export const genericCsv = cellFormat({
  name: 'csv',
  detect: ({ text }) => usualColumns(headerOf(text)) !== null,
  cells(source, options) {
    const header = headerOf(source.text);
    const columns = options.columns ?? usualColumns(header);
    if (columns === null)
      throw new UserError(`${source.path}:1: no usual column names; map them with --trace-columns layer=…,experts=…,token=…`);
    return csvCells(source, header, columns);
  },
});

/** JSON lines, an object per token and layer. */
export const genericJsonl = cellFormat({
  name: 'records',
  detect: ({ text }) => usualColumns(keysOf(text)) !== null,
  cells(source, options) {
    const columns = options.columns ?? usualColumns(keysOf(source.text));
    if (columns === null)
      throw new UserError(`${source.path}: no usual field names; map them with --trace-columns layer=…,experts=…,token=…`);
    return recordCells(source, columns);
  },
});

function headerOf(text: string): string[] {
  const line = /^[^\r\n]*/.exec(text)![0];
  return line.includes(',') && !/^\s*[{[]/.test(line) ? splitCsv(line) : [];
}

function keysOf(text: string): string[] {
  const line = /^\s*(\{[^\n]*\})\s*\n/.exec(text);
  if (line === null) return [];
  try {
    return Object.keys(JSON.parse(line[1]!) as object);
  } catch {
    return [];
  }
}

function csvCells(source: TraceSource, header: readonly string[], columns: ColumnMap): Cells {
  const places = (name: string | undefined): number[] => {
    const found = name === undefined ? [] : placesOf(`${source.path}:1`, header, name);
    if (name !== undefined && found.length === 0)
      throw new UserError(`${source.path}:1: there is no column ${JSON.stringify(name)}; the columns are ${header.join(', ')}`);
    return found;
  };
  const index = (name: string | undefined): number => places(name)[0] ?? -1;
  const at = {
    layer: index(columns.layer),
    experts: places(columns.experts),
    token: index(columns.token),
    request: index(columns.request),
    phase: index(columns.phase),
    weights: places(columns.weights),
    tokenId: index(columns.tokenId),
  };
  const textOf = (row: readonly string[], where: readonly number[]): string => where.map((place) => row[place]).join(' ');
  return {
    walk(visit, where) {
      const scanner = new LineScanner(source);
      where.place = () => scanner.place();
      scanner.next();
      const rows = new TableRows(visit);
      while (scanner.nextFilled()) {
        const row = splitCsv(scanner.text());
        const layer = whole(row[at.layer] ?? '', columns.layer, scanner);
        if (row.length !== header.length)
          throw new UserError(
            `${scanner.place()}: not ${header.length} fields, as the header has; write a list in quotation marks, "[3, 41]"`,
          );
        rows.add(
          at.request < 0 ? '' : row[at.request]!,
          layer,
          at.token < 0 ? null : whole(row[at.token]!, columns.token!, scanner),
          at.phase < 0 ? -1 : phaseOf(row[at.phase], scanner.place()),
          at.tokenId < 0 ? -1 : whole(row[at.tokenId]!, columns.tokenId!, scanner),
          numbers(textOf(row, at.experts), columns.experts, isId, scanner),
          at.weights.length === 0 ? null : numbers(textOf(row, at.weights), columns.weights!, Number.isFinite, scanner),
        );
      }
      rows.end();
    },
  };
}

/** Fields of a CSV line, quotes resolved; empty if quotes are misplaced. */
function splitCsv(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const matches = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)];
  if (matches.reduce((length, [match]) => length + match.length, 0) < line.length) return [];
  return matches.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain);
}

function whole(text: string, column: string, scanner: LineScanner): number {
  const value = numberOf(text.trim());
  if (!Number.isSafeInteger(value))
    throw new UserError(`${scanner.place()}: ${column} is ${JSON.stringify(text)}; a whole number is expected`);
  return value;
}

/** Numbers of a field such as `[3, 41]`, `3 41` or `3;41`. */
function numbers(text: string, column: string, isOne: (value: number) => boolean, scanner: LineScanner): number[] {
  const values = text.split(/[\s,;|[\]()]+/).flatMap((part) => (part === '' ? [] : [numberOf(part)]));
  if (!values.every(isOne)) throw new UserError(`${scanner.place()}: ${column} is ${JSON.stringify(text)}; numbers are expected`);
  return values;
}

/** Decimal number, else NaN. */
const numberOf = (text: string): number => (text === '' || /^[+-]?0[a-z]/i.test(text) ? Number.NaN : Number(text));
