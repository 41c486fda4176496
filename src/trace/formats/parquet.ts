import { UserError } from '../../base/errors.js';
import { latin1Of, viewOf } from '../../base/host/bytes.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import { importCells } from './cells.js';
import { placesOf, usualColumns } from './columns.js';
import type { ColumnMap, OpenOptions, TraceFormat } from './format.js';
import type { ParquetColumn, ParquetTable } from './parquet-table.js';
import { phaseOf } from './record-lines.js';
import { CHOICE_LIMIT, RowSpool } from './row-spool.js';
import { TableRows } from './table-rows.js';

const CAPTURE: ColumnMap = {
  layer: 'layer_index',
  experts: 'expert_id',
  token: 'token_position',
  request: 'prompt_index',
  weights: 'expert_weight',
  tokenId: 'token_id',
};

/** True for Parquet files. */
export const isParquet = ({ head }: TraceSource): boolean => head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && head[3] === 0x31;

/** Parquet of vllm-expert-capture. */
export const vllmExpertCapture: TraceFormat = {
  name: 'vllm-expert-capture',
  detect: (source) => isParquet(source) && footerHolds(source, ['prompt_index', 'token_position', 'layer_index', 'expert_id_0']),
  open: (source, options) => openParquet(source, 'vllm-expert-capture', options, CAPTURE),
};

/** Parquet table, a row per token and layer (or activation), decoded once into a temporary file. */
export const parquet: TraceFormat = {
  name: 'parquet',
  detect: isParquet,
  open: (source, options) => openParquet(source, 'parquet', options, null),
};

function footerHolds(source: TraceSource, names: readonly string[]): boolean {
  if (source.bytes < 12) return false;
  const tail = new Uint8Array(8);
  source.read(source.bytes - 8, tail);
  const start = source.bytes - 8 - viewOf(tail).getUint32(0, true);
  if (start < 0) return false;
  const footer = new Uint8Array(Math.min(64 * 1024, source.bytes - start));
  source.read(start, footer);
  const text = latin1Of(footer);
  return names.every((name) => text.includes(name));
}

async function openParquet(source: TraceSource, format: string, options: OpenOptions, fixed: ColumnMap | null): Promise<RoutingTrace> {
  const { path } = source;
  const { ParquetTable } = await import('./parquet-table.js');
  const table = ParquetTable.open(source);
  const { names } = table;
  const columns = options.columns ?? fixed ?? usualColumns(names);
  if (columns === null)
    throw new UserError(
      `${path}: no usual column names (it has ${names.slice(0, 12).join(', ')}); map them with --trace-columns layer=…,experts=…,token=…`,
    );
  const records = new RowSpool();
  try {
    await decode(path, table, columns, records);
    return importCells(
      {
        source,
        meta: { format },
        walk(visit, at) {
          const rows = new TableRows(visit);
          let row = 0;
          at.place = () => `${path}: row ${row - 1}`;
          for (const { request, layer, token, phase, tokenId, ids, weights } of records.walk()) {
            row++;
            rows.add(request, layer, columns.token === undefined ? null : token, phase, tokenId, ids, weights);
          }
          rows.end();
        },
      },
      options,
    );
  } finally {
    records.close();
  }
}

async function decode(path: string, table: ParquetTable, columns: ColumnMap, records: RowSpool): Promise<void> {
  const { names } = table;
  const single = (name: string | undefined): readonly string[] => {
    if (name === undefined) return [];
    if (names.includes(name)) return [name];
    throw new UserError(`${path}: there is no column ${JSON.stringify(name)}; the columns are ${names.slice(0, 40).join(', ')}`);
  };
  const family = (name: string | undefined): readonly string[] => {
    const places = name === undefined ? [] : placesOf(path, names, name);
    return places.length === 0 ? single(name) : places.map((at) => names[at]!);
  };
  const wanted = {
    layer: single(columns.layer),
    experts: family(columns.experts),
    token: single(columns.token),
    request: single(columns.request),
    phase: single(columns.phase),
    weights: family(columns.weights),
    tokenId: single(columns.tokenId),
  };
  const list = Object.values(wanted).flat();
  const requests = new Map<string, number>();
  let first = 0;
  await table.read(list, (rows, read) => {
    const take = (part: readonly string[]): ParquetValues[] =>
      part.map((name) => new ParquetValues(path, name, first, read[list.indexOf(name)]!));
    const [layer] = take(wanted.layer);
    const [token] = take(wanted.token);
    const [request] = take(wanted.request);
    const [phase] = take(wanted.phase);
    const [tokenId] = take(wanted.tokenId);
    const experts = take(wanted.experts);
    const weights = take(wanted.weights);
    for (let row = 0; row < rows; row++) {
      records.begin(
        request === undefined ? 0 : request.label(row, requests),
        layer!.whole(row),
        token === undefined ? -1 : token.whole(row),
        phase === undefined ? -1 : phase.phase(row),
        tokenId === undefined ? -1 : tokenId.whole(row),
      );
      for (const column of experts) column.wholes(row, (id) => records.id(id));
      for (const column of weights) column.floats(row, (weight) => records.weight(weight));
      if (!records.end()) throw new UserError(`${path}: row ${first + row}: more than ${CHOICE_LIMIT} experts; no model chooses so many`);
    }
    first += rows;
  });
}

/** Values of a column in a row group; rows must be read in order. */
class ParquetValues {
  readonly #place: (row: number) => string;
  readonly #name: string;
  readonly #parts: ParquetColumn;
  #part = 0;
  #start = 0;

  constructor(path: string, name: string, first: number, parts: ParquetColumn) {
    this.#place = (row) => `${path}: row ${first + row}: column ${name}`;
    this.#name = name;
    this.#parts = parts;
  }

  whole(row: number): number {
    return this.#whole(this.#value(row), row);
  }

  /** Numbers of a list, or a number; null: no choice. */
  wholes(row: number, visit: (value: number) => void): void {
    const value = this.#value(row);
    if (value === null || value === undefined) return;
    if (Array.isArray(value) || ArrayBuffer.isView(value)) for (const entry of value as Iterable<unknown>) visit(this.#whole(entry, row));
    else visit(this.#whole(value, row));
  }

  floats(row: number, visit: (value: number) => void): void {
    const value = this.#value(row);
    const list: Iterable<unknown> = Array.isArray(value) || ArrayBuffer.isView(value) ? (value as Iterable<unknown>) : [value];
    for (const entry of list) {
      if (typeof entry !== 'number') throw new UserError(`${this.#place(row)} is ${shown(entry)}; a number is expected`);
      visit(entry);
    }
  }

  phase(row: number): number {
    const value = this.#value(row);
    return phaseOf(typeof value === 'bigint' ? Number(value) : value, this.#place(row));
  }

  label(row: number, labels: Map<string, number>): number {
    const value = this.#value(row);
    if (typeof value !== 'string') return this.#whole(value, row);
    return labels.get(value) ?? labels.set(value, labels.size).size - 1;
  }

  #whole(value: unknown, row: number): number {
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number === 'number' && number === (number | 0)) return number;
    throw new UserError(`${this.#place(row)} is ${shown(value)}; a whole number is expected`);
  }

  #value(row: number): unknown {
    while (row - this.#start >= (this.#parts[this.#part]?.length ?? Number.POSITIVE_INFINITY))
      this.#start += this.#parts[this.#part++]!.length;
    const part = this.#parts[this.#part];
    if (part === undefined) throw new Error(`column ${this.#name} ends before row ${row}`);
    return part[row - this.#start];
  }
}

const shown = (value: unknown): string => (typeof value === 'object' && value !== null ? 'no number' : String(value).slice(0, 40));
