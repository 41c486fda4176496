// What other cache simulators record: moe-cache-lab's two versions, moe-cache-eval's events and recordings.
import { describe, expect, it } from 'vitest';
import { openPopularity, openTrace } from '../../../src/trace/open/open.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { contentOf, fileOf, safetensorsBytes, temporaryFolder } from '../builders.js';
import { counts, eventBytes, fixtures, LAYERS, passes, routing, TOKENS } from './fixtures.js';

const folder = temporaryFolder();
let files = 0;
const write = (bytes: Uint8Array | string): string => fileOf(folder, `${files++}.data`, bytes);

async function read(bytes: Uint8Array | string) {
  const trace = await openTrace(write(bytes));
  try {
    return { ...contentOf(trace), meta: trace.meta };
  } finally {
    trace.close();
  }
}

describe('moe-cache-lab', () => {
  const lines = (...records: object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const head = (version: number, more: object) => ({
    record_type: 'metadata',
    format: 'moe-cache-lab.routing-jsonl',
    format_version: version,
    model_id: 'some/model',
    ...more,
  });
  const stage = (name: string, experts: number) => ({
    routing_stage: name,
    num_experts: experts,
    assigned_experts_per_token: 1,
    allows_unassigned: true,
  });
  const choice = (name: string, phase: string, token: number, layer: number, experts: number[]) => ({
    record_type: 'routing_selection',
    routing_stage: name,
    phase,
    token_position: token,
    layer,
    assignment_state: experts.length > 0 ? 'assigned' : 'unassigned',
    selected_experts: experts,
    selected_probabilities: experts.map(() => 0.75),
  });
  const stages = { routing_stages: [stage('encoder', 8), stage('decoder', 16)] };

  it('version 2: encoder layers come first, decoder tokens follow source tokens', async () => {
    const { columns, requests, expertsPerLayer, meta } = await read(
      lines(
        head(2, { ...stages, capture_method: 'hook' }),
        choice('encoder', 'source', 0, 1, [5]),
        choice('encoder', 'source', 1, 1, []),
        choice('decoder', 'decoder_prompt', 0, 1, [15]),
        choice('decoder', 'decoder_generated', 1, 1, [3]),
      ),
    );
    const none = NULL_EXPERT;
    expect(columns.experts).toEqual([5, none, none, none, none, 15, none, 3]);
    expect(requests).toEqual([{ id: 0, start: 0, prefill: 3, decode: 1 }]);
    expect(expertsPerLayer).toEqual([8, 16]);
    expect(columns.weights[0]).toBe(0.75);
    expect([meta.model, meta.notes.capture_method]).toEqual(['some/model', 'hook']);
  });

  const v1 = { record_type: 'routing_selection', phase: 'prompt', token_position: 0, layer: 0, selected_experts: [1] };
  it.each([
    ['another version', lines(head(3, {}), v1), /format_version is 3; versions 1 and 2 are read/],
    ['a second kind of record', lines(head(1, {}), { ...v1, record_type: 'note' }), /:2: record_type is "note"/],
    ['an expert beyond those declared', lines(head(1, { num_experts: 1 }), v1), /expert 1 is out of range, the model has 1/],
    [
      'a stage that is none',
      lines(head(2, stages), { ...v1, routing_stage: 'middle' }),
      /routing_stage is "middle"; it is encoder or decoder/,
    ],
    [
      'a stage that was not declared',
      lines(head(2, { routing_stages: [stage('encoder', 8)] }), choice('decoder', 'decoder_prompt', 0, 0, [1])),
      /routing_stages has no decoder/,
    ],
    ['no position', lines(head(1, {}), { ...v1, token_position: undefined }), /:2: token_position is undefined/],
  ])('refuses %s', async (_what, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

describe('moe-cache-eval events', () => {
  it('of one token each are a trace, with gate weights', async () => {
    const { columns } = await read(fixtures['moe-cache-eval']!.bytes);
    expect(columns.weights.every((weight) => weight === 0.25)).toBe(true);
  });

  it('of several tokens are counts: refused as a trace, read as popularity', async () => {
    const path = write(eventBytes(passes));
    await expect(openTrace(path)).rejects.toThrow(/event 0 is the union of 6 tokens.*topk_indices.*--set system\.cache\.popularity=FILE/);
    const popularity = await openPopularity(path);
    expect(popularity.counts.map((layer) => [...layer])).toEqual(counts);
  });

  it('refuses offsets out of order', async () => {
    const bytes = eventBytes(passes);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
      string,
      { data_offsets: [number] }
    >;
    bytes.writeBigInt64LE(-5n, 8 + Number(bytes.readBigUInt64LE()) + header.offsets!.data_offsets[0] + 16);
    await expect(openPopularity(write(bytes))).rejects.toThrow(/event 2: offset -5 is out of order or out of range/);
  });
});

describe('moe-cache-eval recordings', () => {
  it('hold several requests, padded to the longest', async () => {
    const bytes = safetensorsBytes({
      sequence_lengths: { dtype: 'I32', shape: [3], data: Int32Array.of(2, 0, 1) },
      topk_indices: { dtype: 'I16', shape: [3, 1, 2, 2], data: Int16Array.of(1, 2, 3, 4, -1, -1, -1, -1, 5, 6, -1, -1) },
    });
    const { requests, columns, has } = await read(bytes);
    expect(columns.experts).toEqual([1, 2, 3, 4, 5, 6]);
    expect(requests.map(({ id, start, decode }) => [id, start, decode])).toEqual([
      [0, 0, 2],
      [2, 2, 1],
    ]);
    expect(has.weights).toBe(false);
  });

  it('have gate weights per choice', async () => {
    const { columns } = await read(fixtures['moe-cache-eval shard']!.bytes);
    expect(columns.weights).toEqual(new Array(TOKENS * LAYERS).fill([0.5, 0.25, 0.125]).flat());
    expect(columns.experts).toEqual(routing.flat(2));
  });

  it('refuses a length beyond the tensor', async () => {
    const bytes = safetensorsBytes({
      sequence_lengths: { dtype: 'I32', shape: [1], data: Int32Array.of(3) },
      topk_indices: { dtype: 'I16', shape: [1, 1, 2, 2], data: Int16Array.of(1, 2, 3, 4) },
    });
    await expect(read(bytes)).rejects.toThrow(/request 0: 3 tokens, the tensor holds up to 2/);
  });
});
