// What is written reads back the same, in both layouts, whatever the trace holds and however the rows are blocked.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTrace } from '../../../src/trace/open/open.js';
import { writeJsonl, writeSafetensors } from '../../../src/trace/open/write.js';
import { PHASE, type RoutingTrace } from '../../../src/trace/trace.js';
import { cases } from '../../cases.js';
import { contentOf, type TestRow, temporaryFolder, traceOf } from '../builders.js';

const folder = temporaryFolder();
let files = 0;

/** Random traces: 1 to 4 requests of prompt and decoded rows, gaps in the positions, ragged layers, any set of columns. */
const anyTrace = fc
  .record({
    layers: fc.integer({ min: 1, max: 5 }),
    topK: fc.integer({ min: 1, max: 4 }),
    experts: fc.constantFrom(5, 8, 200, 255, 256, 300, 2000),
    columns: fc.record({ weights: fc.boolean(), tokenIds: fc.boolean(), phases: fc.boolean(), predicted: fc.boolean() }),
  })
  .chain(({ layers, topK, experts, columns }) => {
    const choices = fc.array(fc.uniqueArray(fc.nat(experts - 1), { maxLength: topK }), { minLength: layers, maxLength: layers });
    const row = fc.record({
      experts: choices,
      predicted: fc.array(fc.uniqueArray(fc.nat(experts - 1), { maxLength: 2 }), { minLength: layers, maxLength: layers }),
      weight: fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      token: fc.nat(),
      gap: fc.integer({ min: 1, max: 3 }),
    });
    const request = fc.record({ prefill: fc.nat(3), rows: fc.array(row, { minLength: 1, maxLength: 6 }) });
    return fc.array(request, { minLength: 1, maxLength: 4 }).map((requests): RoutingTrace => {
      const rows: TestRow[] = requests.flatMap(({ prefill, rows: own }, request) => {
        let position = -1;
        return own.map((cells, index): TestRow => {
          position += cells.gap;
          return {
            request: request * 7,
            position,
            experts: cells.experts,
            ...(columns.phases ? { phase: index < prefill ? PHASE.prefill : PHASE.decode } : {}),
            ...(columns.tokenIds ? { token: cells.token } : {}),
            ...(columns.weights
              ? { weights: cells.experts.map((list) => new Array<number>(topK).fill(cells.weight).fill(0.125, list.length)) }
              : {}),
            ...(columns.predicted ? { predicted: cells.predicted } : {}),
          };
        });
      });
      return traceOf(rows, experts, { topK });
    });
  });

async function reread(path: string) {
  const trace = await openTrace(path);
  try {
    return { ...contentOf(trace, 3), model: trace.meta.model };
  } finally {
    trace.close();
  }
}

describe('round trips', () => {
  it('safetensors', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrace, async (trace) => {
        const path = join(folder, `${files++}.safetensors`);
        writeSafetensors(trace, path);
        expect(await reread(path)).toEqual({ ...contentOf(trace), model: 'test-model' });
      }),
      { numRuns: cases(150) },
    );
  });

  it('JSONL', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrace, async (trace) => {
        const path = join(folder, `${files++}.jsonl`);
        writeJsonl(trace, path);
        expect(await reread(path)).toEqual({ ...contentOf(trace), model: 'test-model' });
      }),
      { numRuns: cases(150) },
    );
  });

  it('gives the same rows whatever the block', () => {
    fc.assert(
      fc.property(anyTrace, fc.integer({ min: 1, max: 7 }), (trace, capacity) => {
        expect(contentOf(trace, capacity)).toEqual(contentOf(trace));
      }),
      { numRuns: cases(50) },
    );
  });
});

describe('the files themselves', () => {
  const trace = traceOf([{ request: 3, phase: 0, token: 9, experts: [[1, 4], [2]], weights: [[0.75, 0.25], [1]] }], [8, 300]);

  it('writes text that people can read', () => {
    const path = join(folder, 'text.jsonl');
    writeJsonl(trace, path, { metadata: { source: 'here' } });
    expect(readFileSync(path, 'utf8')).toBe(
      '{"format":"moeprof.trace/1","model":"test-model","num_layers":"2","num_experts":"[8,300]","top_k":"2","source":"here"}\n' +
        '{"request":3,"position":0,"phase":"prefill","token":9,"experts":[[1,4],[2]],"weights":[[0.75,0.25],[1,0]]}\n',
    );
  });

  it('aligns every tensor, so that readers can map them', () => {
    const path = join(folder, 'aligned.safetensors');
    writeSafetensors(trace, path);
    const file = readFileSync(path);
    const length = Number(file.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, { dtype: string; data_offsets: number[] }>;
    expect(header.experts!.dtype).toBe('U16');
    for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
      if (name !== '__metadata__') expect(data_offsets[0]! % (Number(/\d+/.exec(dtype)![0]) / 8)).toBe(0);
    }
  });

  it('stores weights with 11 bits, or not at all, where asked', async () => {
    const half = join(folder, 'half.safetensors');
    writeSafetensors(trace, half, { weights: 'f16' });
    expect((await reread(half)).columns.weights).toEqual([0.75, 0.25, 1, 0]);
    const none = join(folder, 'none.safetensors');
    writeSafetensors(trace, none, { weights: 'none' });
    expect((await reread(none)).has.weights).toBe(false);
  });

  it('leaves nothing behind where a row is wrong', () => {
    const before = readdirSync(folder).length;
    const broken: RoutingTrace = {
      ...traceShape(trace),
      read: () => {
        throw new Error('no such row');
      },
    };
    expect(() => writeSafetensors(broken, join(folder, 'broken.safetensors'))).toThrow('no such row');
    expect(readdirSync(folder)).toHaveLength(before);
  });
});

/** The plain fields of a trace, for a stand-in. */
function traceShape(trace: RoutingTrace): RoutingTrace {
  const { path, tokens, layers, topK, expertsPerLayer, requests, meta, has } = trace;
  return { path, tokens, layers, topK, expertsPerLayer, requests, meta, has, sha256: () => '', read: () => {}, close: () => {} };
}

describe('look-ahead at several distances', () => {
  const rows = [
    {
      experts: [[1], [2]],
      predicted: [
        [1, 1],
        [2, 5],
      ],
    },
    {
      experts: [[3], [4]],
      predicted: [
        [0, 3],
        [4, 4],
      ],
    },
  ];

  it('reads back with its distances, and an expert may stand once at each', async () => {
    const trace = traceOf(rows, 6, { predictedAhead: [1, 3] });
    for (const [write, name] of [
      [writeSafetensors, 'ahead.safetensors'],
      [writeJsonl, 'ahead.jsonl'],
    ] as const) {
      write(trace, join(folder, name));
      const read = await openTrace(join(folder, name));
      expect(read.meta.predictedAhead).toEqual([1, 3]);
      expect(contentOf(read).columns.predicted).toEqual([1, 1, 2, 5, 0, 3, 4, 4]);
      read.close();
    }
    expect(() => traceOf(rows, 6)).toThrow('predicted: token 0, layer 0: expert 1 stands twice');
    expect(() => traceOf(rows, 6, { predictedAhead: [1, 2, 3] })).toThrow(/predicted has 2 choices per layer, which 3 distances/);
  });

  it('names the file where the distances are none', async () => {
    for (const text of ['[]', '[1,1]', '1', '[1.5]']) {
      const path = join(folder, 'wrong.safetensors');
      writeSafetensors(traceOf(rows, 6, { predictedAhead: [1, 3] }), path, { metadata: { predicted_ahead: text } });
      await expect(openTrace(path)).rejects.toThrow(/wrong\.safetensors: predicted_ahead is "/);
    }
  });
});
