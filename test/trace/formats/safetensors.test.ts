// The canonical binary layout: what it accepts, and every way a file can be wrong, each refused with file and place.
import { truncateSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { allocateChunk, NULL_EXPERT } from '../../../src/trace/trace.js';
import { contentOf, fileOf, type RawTensor, safetensorsBytes, temporaryFolder, uniformModel } from '../builders.js';

const folder = temporaryFolder();
let files = 0;

/** Three tokens, two layers, top-2 of 8. */
const experts: RawTensor = { dtype: 'U8', shape: [3, 2, 2], data: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 1, 0, 7, 2) };
const int32 = (...values: number[]): RawTensor => ({ dtype: 'I32', shape: [values.length], data: Int32Array.from(values) });
const int64 = (...values: bigint[]): RawTensor => ({ dtype: 'I64', shape: [values.length], data: BigInt64Array.from(values) });
const bytes = (...values: number[]): RawTensor => ({ dtype: 'U8', shape: [values.length], data: Uint8Array.from(values) });

function write(content: Uint8Array): string {
  return fileOf(folder, `${files++}.safetensors`, content);
}

function open(
  tensors: Record<string, RawTensor>,
  metadata: Record<string, unknown> | null = { num_experts: '8' },
  edit?: (header: Record<string, unknown>) => unknown,
) {
  return openTrace(write(safetensorsBytes(tensors, metadata, edit)));
}

async function readAll(tensors: Record<string, RawTensor>, metadata?: Record<string, unknown> | null) {
  const trace = await open(tensors, metadata);
  try {
    return contentOf(trace);
  } finally {
    trace.close();
  }
}

describe('what is accepted', () => {
  it('reads all columns', async () => {
    const content = await readAll({
      experts,
      weights: { dtype: 'F32', shape: [3, 2, 2], data: Float32Array.from({ length: 12 }, (_, i) => i / 16) },
      request_id: int32(5, 5, 9),
      position: int32(0, 1, 0),
      phase: bytes(0, 1, 0),
      token_id: int32(11, 12, 13),
      predicted: { dtype: 'U8', shape: [3, 2, 1], data: Uint8Array.of(0, 2, 4, 255, 1, 7) },
    });
    expect(content.requests).toEqual([
      { id: 5, start: 0, prefill: 1, decode: 1 },
      { id: 9, start: 2, prefill: 1, decode: 0 },
    ]);
    expect(content.columns).toEqual({
      request: [0, 0, 1],
      position: [0, 1, 0],
      phase: [0, 1, 0],
      tokenId: [11, 12, 13],
      experts: [0, 1, 2, 3, 4, 5, 6, 7, 1, 0, 7, 2],
      weights: Array.from({ length: 12 }, (_, i) => i / 16),
      predicted: [0, 2, 4, NULL_EXPERT, 1, 7],
    });
    expect(content.has).toEqual({ phases: true, weights: true, tokenIds: true, predictedK: 1 });
  });

  it('takes rows without columns as one decoded request', async () => {
    const content = await readAll({ experts });
    expect(content.requests).toEqual([{ id: 0, start: 0, prefill: 0, decode: 3 }]);
    expect(content.columns.position).toEqual([0, 1, 2]);
    expect(content.has.phases).toBe(false);
  });
});

describe('ids and weights that are accepted', () => {
  it.each([
    ['U8', Uint8Array.of(0, 255, 2, 3)],
    ['I8', Int8Array.of(0, -1, 2, 3)],
    ['U16', Uint16Array.of(0, 65535, 2, 3)],
    ['I16', Int16Array.of(0, -1, 2, 3)],
    ['I32', Int32Array.of(0, -1, 2, 3)],
    ['I64', BigInt64Array.of(0n, -1n, 2n, 3n)],
  ])('reads %s ids, with the null choice of that dtype', async (dtype, data) => {
    const { columns } = await readAll({ routed_experts: { dtype, shape: [2, 1, 2], data } });
    expect(columns.experts).toEqual([0, NULL_EXPERT, 2, 3]);
  });

  it('takes 255 for an expert where a layer has 256', async () => {
    const { columns } = await readAll({ experts: { dtype: 'U8', shape: [1, 1, 2], data: Uint8Array.of(255, 0) } }, { num_experts: '256' });
    expect(columns.experts).toEqual([255, 0]);
  });

  it.each([
    ['F16', Uint16Array.of(0x3c00, 0x3800), [1, 0.5]],
    ['BF16', Uint16Array.of(0x3f80, 0xbf00), [1, -0.5]],
  ])('reads %s weights', async (dtype, data, values) => {
    const content = await readAll({
      experts: { dtype: 'U8', shape: [1, 1, 2], data: Uint8Array.of(0, 1) },
      weights: { dtype, shape: [1, 1, 2], data },
    });
    expect(content.columns.weights).toEqual(values);
  });

  it('takes the number of experts from the metadata, per layer too, else from the model, else from the largest id', async () => {
    expect((await readAll({ experts }, { num_experts: '[8,9]' })).expertsPerLayer).toEqual([8, 9]);
    const path = write(safetensorsBytes({ experts }));
    const trace = await openTrace(path, { model: uniformModel(2, 60, 2) });
    expect(trace.expertsPerLayer).toEqual([60, 60]);
    trace.close();
    expect((await readAll({ experts }, null)).expertsPerLayer).toEqual([8, 8]);
  });
});

describe('rows and metadata that are accepted', () => {
  it('reads prompt_tokens of the Python recorder as phases', async () => {
    const content = await readAll({ routed_experts: experts, token_ids: int32(1, 2, 3) }, { prompt_tokens: '2' });
    expect(content.requests).toEqual([{ id: 0, start: 0, prefill: 2, decode: 1 }]);
    expect(content.columns.tokenId).toEqual([1, 2, 3]);
  });

  it('keeps the metadata and ignores other tensors', async () => {
    const trace = await open(
      { experts, domain: bytes(1) },
      { num_experts: '8', model: 'm', source: 's', synthetic: 'true', expert_bytes: '[10,20]' },
    );
    expect(trace.meta).toEqual({ model: 'm', format: 'safetensors', synthetic: true, expertBytes: [10, 20], notes: { source: 's' } });
    trace.close();
  });

  it('reads any rows in any order', async () => {
    const trace = await open({ experts, position: int32(3, 4, 8) });
    const chunk = allocateChunk(trace, 2);
    trace.read(1, 2, chunk);
    expect([...chunk.position]).toEqual([4, 8]);
    expect([...chunk.experts]).toEqual([4, 5, 6, 7, 1, 0, 7, 2]);
    trace.read(0, 1, chunk);
    expect(chunk.tokens).toBe(1);
    expect([...chunk.experts.subarray(0, 4)]).toEqual([0, 1, 2, 3]);
    trace.close();
  });
});

const tensorIn = (header: Record<string, unknown>, name = 'experts'): Record<string, unknown> => header[name] as Record<string, unknown>;

/** A file whose header has this of its tensor of choices. */
const withHeader = (change: object) => () => safetensorsBytes({ experts }, null, (h) => ({ experts: { ...tensorIn(h), ...change } }));
const withMetadata = (metadata: Parameters<typeof safetensorsBytes>[1]) => () => safetensorsBytes({ experts }, metadata);
const beside = (tensors: Record<string, RawTensor>) => () => safetensorsBytes({ experts, ...tensors });
const headed = (length: readonly number[], text: string) => Buffer.concat([Buffer.from(length), Buffer.from(text)]);

const BROKEN_FILES: [string, () => Uint8Array, RegExp][] = [
  ['a file of 3 bytes', () => Uint8Array.of(1, 2, 3), /no trace format/],
  ['a header longer than allowed', () => headed([0, 0, 0, 64, 0, 0, 0, 0], '{}'), /header of 1073741824 bytes/],
  ['a header beyond the end', () => headed([99, 0, 0, 0, 0, 0, 0, 0], '{}'), /header ends at byte 107, the file at 10/],
  ['a header that is no JSON', () => headed([2, 0, 0, 0, 0, 0, 0, 0], '{]'), /header is not JSON/],
  ['metadata that are no strings', withMetadata({ num_experts: 8 }), /__metadata__\.num_experts is not a string/],
  [
    'metadata that are no object',
    () => safetensorsBytes({ experts }, null, (h) => ({ ...h, __metadata__: [] })),
    /__metadata__ is not an object/,
  ],
  ['a tensor without shape', withHeader({ shape: 3 }), /tensor experts: shape is not/],
  ['a tensor with a negative side', withHeader({ shape: [-3, 2, 2] }), /shape is not/],
  ['an unknown dtype', withHeader({ dtype: 'U9' }), /unknown dtype "U9"/],
  ['offsets outside the file', withHeader({ data_offsets: [4, 16] }), /\[4, 16\] lie outside the file/],
  ['offsets that run backwards', withHeader({ data_offsets: [12, 0] }), /lie outside the file/],
  ['offsets that do not match the shape', withHeader({ data_offsets: [0, 11] }), /takes 12 bytes, data_offsets give 11/],
  [
    'tensors over each other',
    () =>
      safetensorsBytes({ experts, phase: bytes(1, 1, 1) }, null, (h) => ({
        ...h,
        phase: { ...tensorIn(h, 'phase'), data_offsets: [10, 13] },
      })),
    /tensor phase: its data lie over those of tensor experts/,
  ],
  ['no tensor of choices', () => safetensorsBytes({ choices: { ...experts, shape: [3, 4] } }), /no tensor is named experts.*choices/],
  [
    'choices that are floats',
    () => safetensorsBytes({ experts: { dtype: 'F32', shape: [1, 1, 1], data: Float32Array.of(1) } }),
    /tensor experts: dtype F32/,
  ],
  [
    'choices of two axes',
    () => safetensorsBytes({ experts: { ...experts, shape: [3, 4] } }),
    /shape \[3, 4\] is not \[tokens, layers, top-k\]/,
  ],
  ['no tokens', () => safetensorsBytes({ experts: { dtype: 'U8', shape: [0, 2, 2], data: new Uint8Array(0) } }), /the trace is empty/],
  ['a column of another length', beside({ phase: bytes(1, 1) }), /tensor phase: shape \[2\] does not agree.*\[3\]/],
  [
    'weights of another shape',
    beside({ weights: { dtype: 'F16', shape: [3, 2, 1], data: new Uint16Array(6) } }),
    /tensor weights: shape \[3, 2, 1\]/,
  ],
  ['weights that are integers', beside({ weights: experts }), /tensor weights: dtype U8/],
  ['another layer count in the metadata', withMetadata({ format: 'moeprof.trace/1', num_layers: '3' }), /num_layers is 3/],
  ['another top-k in the metadata', withMetadata({ top_k: '4' }), /top_k is 4/],
  ['a number of experts that is none', withMetadata({ num_experts: 'many' }), /num_experts is "many"/],
  ['a phase that is none', beside({ phase: bytes(0, 2, 1) }), /token 1: phase 2 is neither/],
  ['a request that goes on later', beside({ request_id: int32(1, 2, 1) }), /token 2: request 1 goes on after another request/],
  ['positions that do not ascend', beside({ position: int32(0, 2, 2) }), /token 2: position 2 follows position 2/],
  [
    'a request above 32 bits',
    beside({ request_id: int64(1n, 1n, 2n ** 32n + 1n) }),
    /tensor request_id: element 2 is 4294967297; the largest that is read is 2147483647$/,
  ],
  [
    'a position above 32 bits',
    beside({ position: int64(0n, 1n, 2n ** 31n) }),
    /tensor position: element 2 is 2147483648; the largest that is read is 2147483647$/,
  ],
  ['a position far below 0', beside({ position: int64(0n, -(2n ** 33n), 2n) }), /tensor position: element 1 is -8589934592; /],
  [
    'a phase of 64 bits without a sign',
    beside({ phase: { ...int64(0n, 1n, -1n), dtype: 'U64' } }),
    /tensor phase: element 2 is 18446744073709551615; /,
  ],
  [
    'a request of 32 bits without a sign',
    beside({ request_id: { ...int32(0, 1, -1), dtype: 'U32' } }),
    /tensor request_id: element 2 is 4294967295; /,
  ],
  ['a negative position', beside({ position: int32(-4, 2, 3) }), /token 0: position -4 is negative/],
  ['a prompt after an answer', beside({ phase: bytes(0, 1, 0) }), /token 2: a prefill row follows a decode row of request 0/],
];

const BROKEN_ROWS: [string, Record<string, RawTensor>, Record<string, string>, string][] = [
  ['an expert that is out of range', { experts }, { num_experts: '7' }, 'token 1, layer 1: expert 7 is out of range, the model has 7'],
  [
    'an expert twice in one row',
    { experts: { dtype: 'U8', shape: [2, 2, 2], data: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 6) } },
    { num_experts: '8' },
    'token 1, layer 1: expert 6 stands twice',
  ],
  [
    'an id that no model has',
    { experts: { dtype: 'I32', shape: [1, 2, 2], data: Int32Array.of(0, 1, 2, 70000) } },
    { num_experts: '8' },
    'token 0, layer 1: not an expert id',
  ],
  [
    'a negative id other than -1',
    { experts: { dtype: 'I16', shape: [1, 1, 2], data: Int16Array.of(0, -2) } },
    { num_experts: '8' },
    'token 0, layer 0: not an expert id',
  ],
  [
    'a token id above 32 bits',
    { experts, token_id: int64(7n, 2n ** 32n + 7n, 9n) },
    { num_experts: '8' },
    'tensor token_id: element 1 is 4294967303; the largest that is read is 2147483647',
  ],
  [
    'a prediction that is out of range',
    { experts, predicted: { dtype: 'U8', shape: [3, 2, 1], data: Uint8Array.of(0, 1, 2, 3, 4, 9) } },
    { num_experts: '8' },
    'predicted: token 2, layer 1: expert 9',
  ],
];

describe('what is refused', () => {
  it.each(BROKEN_FILES)('%s', async (_what, build, message) => {
    const path = write(build());
    const opening = openTrace(path);
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(path);
  });

  it.each(BROKEN_ROWS)('%s', async (_what, tensors, metadata, message) => {
    const trace = await open(tensors, metadata);
    expect(() => contentOf(trace)).toThrow(UserError);
    expect(() => contentOf(trace)).toThrow(`${trace.path}: ${message}`);
    trace.close();
  });

  it('a file that shrinks while it is read', async () => {
    const bytesOfFile = safetensorsBytes({ experts }, { num_experts: '8' });
    const path = write(bytesOfFile);
    const trace = await openTrace(path);
    truncateSync(path, bytesOfFile.length - 6);
    expect(() => contentOf(trace)).toThrow(/the file ends at byte \d+; it was cut short/);
    trace.close();
  });
});
