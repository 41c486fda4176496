// From a path to a trace: recognised by content, through gzip, joined, checked against the model.
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { concatTraces } from '../../../src/trace/concat.js';
import { checkFits, openPopularity, openTrace } from '../../../src/trace/open/open.js';
import { writeSafetensors } from '../../../src/trace/open/write.js';
import { openSource } from '../../../src/trace/source.js';
import { allocateChunk, NULL_EXPERT } from '../../../src/trace/trace.js';
import { contentOf, fileOf, modelOf, temporaryFolder, traceOf, uniformModel } from '../builders.js';

const folder = temporaryFolder();
const LINE = '{"request":0,"position":0,"phase":"decode","token":5,"experts":[[3,41],[7,9]]}\n';

describe('openTrace', () => {
  it('recognises the content, not the name', async () => {
    const trace = await openTrace(fileOf(folder, 'text.safetensors', LINE));
    expect(trace.meta.format).toBe('jsonl');
    trace.close();
  });

  it('reads a gzip stream, and hashes what is in it', async () => {
    const plain = await openTrace(fileOf(folder, 'plain.jsonl', LINE));
    const packed = await openTrace(fileOf(folder, 'packed.gz', zlib.gzipSync(LINE)));
    expect(contentOf(packed)).toEqual(contentOf(plain));
    expect(packed.sha256()).toBe(plain.sha256());
    plain.close();
    packed.close();
  });

  it.each([
    ['nothing there', () => join(folder, 'none.jsonl'), /none\.jsonl: there is no such file/],
    ['an empty file', () => fileOf(folder, 'empty', ''), /empty: the trace is empty/],
    ['another kind of file', () => fileOf(folder, 'prose.txt', 'Once upon a time'), /no trace format that moeprof knows/],
    ['a damaged gzip stream', () => fileOf(folder, 'bad.gz', zlib.gzipSync(LINE).subarray(0, 30)), /bad\.gz: cannot be decompressed/],
    [
      'a gzip bomb',
      () => fileOf(folder, 'bomb.gz', zlib.gzipSync(Buffer.alloc(80 << 20))),
      /bomb\.gz: unpacks to more than 400 times its size/,
    ],
  ])('refuses %s', async (_what, path, message) => {
    const opening = openTrace(path());
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(message);
  });

  it('offers the nearest format name', async () => {
    await expect(openTrace(fileOf(folder, 'a.jsonl', LINE), { format: 'safetensor' })).rejects.toThrow(
      /unknown trace format "safetensor"; did you mean "safetensors"/,
    );
  });

  it('generates where the path is synthetic, and needs a model for it', async () => {
    const trace = await openTrace('synthetic', { model: uniformModel(3, 16, 2), tokens: 300, seed: 4 });
    expect(trace.tokens).toBe(300);
    expect(trace.meta.synthetic).toBe(true);
    expect(trace.requests.map(({ prefill, decode }) => [prefill, decode])).toEqual([
      [64, 192],
      [44, 0],
    ]);
    await expect(openTrace('synthetic')).rejects.toThrow(/needs a model/);
  });
});

describe('checkFits', () => {
  const trace = traceOf(
    [
      {
        experts: [
          [1, 2],
          [3, 7],
        ],
      },
    ],
    [4, 8],
  );

  it('accepts the model, and a model with more of everything', () => {
    const same = modelOf([
      { experts: 4, topK: 2 },
      { experts: 8, topK: 2 },
    ]);
    for (const model of [same, uniformModel(2, 64, 6)]) expect(() => checkFits(trace, model)).not.toThrow();
  });

  it.each([
    [uniformModel(3, 8, 2), 'test: has 2 MoE layers, test-model has 3'],
    [uniformModel(2, 8, 1), 'test: tokens choose up to 2 experts per layer, test-model routes to 1'],
    [uniformModel(2, 6, 2), 'test: layer 1: has 8 experts, test-model has 6'],
  ])('refuses another model', (model, message) => {
    expect(() => checkFits(trace, model)).toThrow(UserError);
    expect(() => checkFits(trace, model)).toThrow(message);
  });
});

describe('concatTraces', () => {
  const rows = (request: number, from: number) => [0, 1, 2].map((i) => ({ request, phase: i === 0 ? 0 : 1, experts: [[from + i, 9]] }));

  it('joins rows and requests', () => {
    const joined = concatTraces([traceOf(rows(4, 0), 10), traceOf(rows(5, 3), 12)]);
    expect(joined.tokens).toBe(6);
    expect(joined.expertsPerLayer).toEqual([12]);
    expect(joined.requests).toEqual([
      { id: 4, start: 0, prefill: 1, decode: 2 },
      { id: 5, start: 3, prefill: 1, decode: 2 },
    ]);
    const whole = contentOf(joined);
    expect(whole.columns.request).toEqual([0, 0, 0, 1, 1, 1]);
    expect(whole.columns.experts).toEqual([0, 9, 1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    for (const capacity of [1, 2, 4]) expect(contentOf(joined, capacity)).toEqual(whole);
  });

  it('numbers requests where two share an id, and drops what only one file has', () => {
    const joined = concatTraces([
      traceOf(rows(0, 0), 10),
      traceOf(
        rows(0, 3).map((row) => ({ ...row, token: 1 })),
        10,
      ),
    ]);
    expect(joined.requests.map(({ id }) => id)).toEqual([0, 1]);
    expect(joined.has.tokenIds).toBe(false);
    expect(allocateChunk(joined, 1).tokenId).toBeNull();
    expect(contentOf(joined).columns.position).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('refuses traces of different shape, and none', () => {
    expect(() => concatTraces([traceOf(rows(0, 0), 10), traceOf([{ experts: [[1], [2]] }], 10)])).toThrow('has 2 MoE layers, test has 1');
    expect(() => concatTraces([])).toThrow(UserError);
  });
});

describe('openPopularity', () => {
  it('counts a trace', async () => {
    const path = join(folder, 'counted.safetensors');
    writeSafetensors(
      traceOf(
        [
          {
            experts: [
              [0, 2],
              [1, NULL_EXPERT],
            ],
          },
          {
            experts: [
              [2, 1],
              [1, 0],
            ],
          },
        ],
        3,
      ),
      path,
    );
    const { counts, model, format } = await openPopularity(path);
    expect(counts.map((layer) => [...layer])).toEqual([
      [1, 1, 2],
      [1, 2, 0],
    ]);
    expect([model, format]).toEqual(['test-model', 'safetensors']);
  });
});

describe('TraceSource', () => {
  it('gives text only where there is some', async () => {
    const binary = await openSource(fileOf(folder, 'zeros', new Uint8Array(9)));
    expect(binary.text).toBe('');
    expect(() => binary.read(5, new Uint8Array(9))).toThrow(/the file ends at byte 9/);
    expect(() => binary.readAll(8)).toThrow(/9 bytes are too many/);
    binary.close();
    binary.close();
  });
});
