// Parquet: every encoding and compression that writers use, columns by family and map, and files that lie about what they hold.
import { describe, expect, it } from 'vitest';
import { openTrace } from '../../../src/trace/open/open.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { contentOf, fileOf, temporaryFolder } from '../builders.js';
import { captureBytes, LAYERS, routing, TOP_K, tableBytes } from './fixtures.js';
import { type Codec, type Column, parquetBytes } from './packed-bytes.js';

const folder = temporaryFolder();
let files = 0;

async function read(bytes: Uint8Array, options: Parameters<typeof openTrace>[1] = {}) {
  const trace = await openTrace(fileOf(folder, `${files++}.parquet`, bytes), options);
  try {
    return { ...contentOf(trace), meta: trace.meta };
  } finally {
    trace.close();
  }
}

/** A table of one layer. */
const table = (experts: Column['values'], more: Partial<Column> = {}, others: readonly Column[] = []) =>
  parquetBytes([
    { name: 'layer', type: 'INT32', values: experts.map(() => 0) },
    { name: 'experts', type: 'INT32', values: experts, ...more },
    ...others,
  ]);

describe('vllm-expert-capture', () => {
  it.each<Codec>(['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD'])('in %s, in row groups', async (codec) => {
    const { columns, meta } = await read(captureBytes(codec, 13));
    expect(meta.format).toBe('vllm-expert-capture');
    expect(columns.experts).toEqual(routing.flat(2));
    expect(columns.tokenId).toEqual(routing.map((_, token) => token + 100));
    expect(columns.weights.slice(0, TOP_K)).toEqual(Array.from(Float32Array.of(0.5, 0.25, 0.5 / 3)));
  });
});

describe('tables', () => {
  it.each([{}, { v2: true }, { dictionary: true }, { v2: true, dictionary: true }])('of lists, %o', async (more) => {
    expect((await read(tableBytes('SNAPPY', more))).columns.experts).toEqual(routing.flat(2));
  });

  it('counts tokens where no column numbers them, a request at a time', async () => {
    const names = { name: 'request', type: 'BYTE_ARRAY', values: ['a', 'a', 'b', 'b'] } as const;
    const { requests, columns } = await read(
      table(
        [
          [1, 2],
          [3, 4],
          [5, 6],
          [7, 8],
        ],
        {},
        [names],
      ),
    );
    expect(requests.map(({ start, decode }) => [start, decode])).toEqual([
      [0, 2],
      [2, 2],
    ]);
    expect(columns.experts).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('maps columns by name, families of numbered ones too', async () => {
    const bytes = parquetBytes([
      { name: 'blk', type: 'INT32', values: [0, 0] },
      { name: 'sel_0', type: 'INT32', values: [4, 5] },
      { name: 'sel_1', type: 'INT32', values: [6, -1] },
    ]);
    await expect(read(bytes)).rejects.toThrow(/no usual column names \(it has blk, sel_0, sel_1\); map them with --trace-columns/);
    expect((await read(bytes, { columns: { layer: 'blk', experts: 'sel' } })).columns.experts).toEqual([4, 6, 5, NULL_EXPERT]);
    await expect(read(bytes, { columns: { layer: 'block', experts: 'sel' } })).rejects.toThrow(
      /there is no column "block"; the columns are blk, sel_0, sel_1/,
    );
  });

  it('holds rows of more than a block of the temporary file', async () => {
    const experts = Array.from({ length: 30_000 }, (_, token) => [token % 50, 50 + (token % 7)]);
    expect((await read(table(experts))).columns.experts).toEqual(experts.flat());
  });
});

const bytes = tableBytes('UNCOMPRESSED');
const edited = (edit: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(bytes);
  edit(copy);
  return copy;
};

describe('refuses', () => {
  it.each([
    ['a file that is cut', bytes.subarray(0, 300), /the Parquet footer is missing; it was cut short/],
    ['a file of twelve bytes', Buffer.from('PAR1PAR1'), /8 bytes are too few for a Parquet file/],
    ['a footer longer than the file', edited((copy) => copy.writeUInt32LE(1 << 29, copy.length - 8)), /the Parquet footer is missing/],
    ['a footer that is none', edited((copy) => copy.fill(0xff, copy.length - 200, copy.length - 8)), /the Parquet data are damaged/],
    [
      'text for a layer',
      parquetBytes([
        { name: 'layer', type: 'BYTE_ARRAY', values: ['x'] },
        { name: 'expert', type: 'INT32', values: [1] },
      ]),
      /row 0: column layer is x; a whole number is expected/,
    ],
    [
      'fractions of experts',
      parquetBytes([
        { name: 'layer', type: 'INT32', values: [0] },
        { name: 'expert', type: 'FLOAT', values: [1.5] },
      ]),
      /row 0: column expert is 1\.5; a whole number is expected/,
    ],
    ['an expert out of range', table([[1], [70000]]), /row 1: 70000 is not an expert id/],
    [
      'a phase that is none',
      table([[1]], {}, [{ name: 'phase', type: 'BYTE_ARRAY', values: ['later'] }]),
      /column phase: phase "later" is neither/,
    ],
    [
      'text for a weight',
      table([[1]], {}, [{ name: 'weights', type: 'BYTE_ARRAY', values: ['a'] }]),
      /column weights is a; a number is expected/,
    ],
    [
      'a token twice',
      table(
        [
          [1, 2],
          [3, 4],
        ],
        {},
        [{ name: 'token', type: 'INT32', values: [0, 0] }],
      ),
      /recorded twice at layer 0/,
    ],
  ])('%s', async (_what, damaged, message) => {
    await expect(read(damaged)).rejects.toThrow(message);
  });
});

describe('refuses in a column', () => {
  it('a run length that claims more values than the column has', async () => {
    // All layers are 0: a dictionary of one entry, and one run length of as many indices as rows.
    const rows = 100;
    const honest = parquetBytes([
      { name: 'layer', type: 'INT32', values: new Array<number>(rows).fill(0), dictionary: true },
      { name: 'expert', type: 'INT32', values: Array.from({ length: rows }, (_, i) => i % 9) },
    ]);
    expect((await read(honest)).tokens).toBe(rows);
    // Width 1, varint(100 << 1) = c8 01, the value; in its place varint(8191 << 1) = fe 7f.
    const at = honest.indexOf(Buffer.from([1, 0xc8, 0x01, 0]));
    expect(at).toBeGreaterThan(0);
    const lie = Buffer.from(honest);
    lie.set([0xfe, 0x7f], at + 1);
    await expect(read(lie)).rejects.toThrow(/column layer: the Parquet data are damaged.*a run of 8191 values where 100 are missing/);
  });

  it('a list where a number is expected', async () => {
    const bytes = parquetBytes([
      { name: 'layer', type: 'INT32', values: [[0, 1]] },
      { name: 'expert', type: 'INT32', values: [LAYERS] },
    ]);
    await expect(read(bytes)).rejects.toThrow(/row 0: column layer is no number; a whole number is expected/);
  });
});
