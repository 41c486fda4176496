import { decompress } from 'fzstd';
import type { ColumnMetaData, DecodedArray, FileMetaData, SchemaTree } from 'hyparquet';
import { parquetMetadata, parquetRead, parquetSchema } from 'hyparquet';
import { compressors as decompressors } from 'hyparquet-compressors';
import { messageOf, UserError } from '../../base/errors.js';
import { latin1Of, viewOf } from '../../base/host/bytes.js';
import type { TraceSource } from '../source.js';
import { boundedCompressors, checkPages, nestingLevelsOf } from './parquet-pages.js';

/** Maximum footer, bytes; 150 columns take some 15 KB a row group. */
const FOOTER_LIMIT = 64 * 1024 * 1024;
/** Maximum values of a row group in memory, requested columns only. Writers use at most a million rows. */
const MOST_VALUES = 20_000_000;
/** Maximum compression ratio, as for a compressed trace, and bytes below the check. */
const BOMB_RATIO = 400;
const BOMB_FLOOR = 64 * 1024 * 1024;

/** Column of a row group, one entry per row. */
export type ParquetColumn = readonly DecodedArray[];

/** Whole numbers by row group; loads hyparquet on first use. */
export class ParquetTable {
  /** Column names; a nested column has its outermost name. */
  readonly names: readonly string[];
  readonly #source: TraceSource;
  readonly #metadata: FileMetaData;
  readonly #tree: SchemaTree;

  private constructor(source: TraceSource, metadata: FileMetaData, tree: SchemaTree) {
    this.#source = source;
    this.#metadata = metadata;
    this.#tree = tree;
    // Damaged schemas may have nameless columns, never requested.
    this.names = tree.children.flatMap(({ element }) => (typeof element.name === 'string' ? [element.name] : []));
  }

  /** @throws UserError if the footer is missing or damaged */
  static open(source: TraceSource): ParquetTable {
    const { path, bytes } = source;
    const tail = new Uint8Array(8);
    if (bytes < 12) throw new UserError(`${path}: ${bytes} bytes are too few for a Parquet file; it was cut short`);
    source.read(bytes - 8, tail);
    const length = viewOf(tail).getUint32(0, true) + 8;
    if (latin1Of(tail, 4) !== 'PAR1' || length > bytes) throw new UserError(`${path}: the Parquet footer is missing; it was cut short`);
    if (length > FOOTER_LIMIT)
      throw new UserError(`${path}: a footer of ${length} bytes is larger than that of any trace; is the file damaged?`);
    const footer = new Uint8Array(length);
    source.read(bytes - length, footer);
    return attempt(path, () => {
      const metadata = parquetMetadata(footer, { geoparquet: false });
      return new ParquetTable(source, metadata, parquetSchema(metadata));
    });
  }

  /** @param visit gets rows and columns, valid until return @throws UserError if damaged or too large */
  async read(names: readonly string[], visit: (rows: number, columns: readonly ParquetColumn[]) => void): Promise<void> {
    const { path, bytes } = this.#source;
    const compressors = boundedCompressors(decompressors, decompress);
    let decoded = 0;
    let rowStart = 0;
    for (const [index, group] of this.#metadata.row_groups.entries()) {
      const place = `${path}: row group ${index}`;
      const rows = Number(group.num_rows);
      const chunks = attempt(place, () => {
        const metadata = group.columns.map(({ meta_data }) => meta_data);
        return names.map((name) => this.#chunkOf(place, name, metadata));
      });
      const values = chunks.reduce((sum, chunk) => sum + Number(chunk.num_values), 0);
      if (!(rows >= 0 && rows <= MOST_VALUES && values <= MOST_VALUES))
        throw new UserError(`${place}: ${rows} rows and ${values} values are too many at once; write it with row_group_size=1000000`);
      decoded += values * 4;
      if (decoded > BOMB_FLOOR && decoded > BOMB_RATIO * bytes)
        throw new UserError(`${path}: unpacks to more than ${BOMB_RATIO} times its size, which no trace does`);
      if (rows === 0) continue;
      const columns: ParquetColumn[] = [];
      for (const [i, name] of names.entries()) {
        const chunk = chunks[i]!;
        const parts: DecodedArray[] = [];
        await attempt(`${place}: column ${name}`, async () => {
          const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
          checkPages(this.#bytes(start, start + Number(chunk.total_compressed_size)), chunk, this.#levels(chunk), rows, compressors);
          await parquetRead({
            file: { byteLength: bytes, slice: (from, to = bytes) => this.#bytes(from, to) },
            metadata: this.#metadata,
            columns: [name],
            rowStart,
            rowEnd: rowStart + rows,
            compressors,
            onChunk: ({ columnData }) => parts.push(columnData),
          });
        });
        const found = parts.reduce((sum, part) => sum + part.length, 0);
        if (found < rows) throw new UserError(`${place}: column ${name} has ${found} values for ${rows} rows; the file is damaged`);
        columns.push(parts);
      }
      visit(rows, columns);
      rowStart += rows;
    }
  }

  #chunkOf(place: string, name: string, chunks: readonly (ColumnMetaData | undefined)[]): ColumnMetaData {
    const found = chunks.filter((chunk) => chunk?.path_in_schema[0] === name);
    if (found.length === 1) return found[0]!;
    throw new UserError(
      found.length === 0 ? `${place}: column ${name} is missing` : `${place}: column ${name} is a structure; numbers or lists are read`,
    );
  }

  #levels({ path_in_schema: path }: ColumnMetaData): ReturnType<typeof nestingLevelsOf> {
    const nodes: SchemaTree[] = [];
    let node: SchemaTree | undefined = this.#tree;
    for (const name of path) {
      node = node?.children.find(({ element }) => element.name === name);
      if (node === undefined) throw new Error('it is not in the schema');
      nodes.push(node);
    }
    return nestingLevelsOf(nodes);
  }

  #bytes(from: number, to: number): ArrayBuffer {
    if (!(from >= 0 && to >= from && to <= this.#source.bytes)) throw new Error(`bytes ${from} to ${to} lie outside the file`);
    const bytes = new Uint8Array(to - from);
    this.#source.read(from, bytes);
    return bytes.buffer;
  }
}

function attempt<T>(place: string, step: () => T): T {
  const refuse = (error: unknown): never => {
    if (error instanceof UserError) throw error;
    throw new UserError(`${place}: the Parquet data are damaged or of a kind that is not read: ${messageOf(error)}`);
  };
  try {
    const result = step();
    return result instanceof Promise ? (result.catch(refuse) as T) : result;
  } catch (error) {
    return refuse(error);
  }
}
