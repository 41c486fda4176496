// ExpertFlow's encoder on our own router, whose training part is too large to be bundled: with the context of ids it is better than a table of
// ids in every domain.
import { closeSync, openSync, readSync } from 'node:fs';
import { expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { comparePredictors } from '../../../src/predict/evaluation/compare.js';
import { trainEncoder } from '../../../src/predict/onnx/sequence/train.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { selectMarked } from '../../../src/trace/selection.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { temporaryModel } from '../../fixtures/onnx/models.js';
import { recorded, recording } from './recording.js';

const PARTS = ['train', 'test'].map((part) => `own/mini-finegrained-64x12l.${part}.safetensors`);

/** The requests of each domain of a recording, as traces. */
function domainsOf(trace: RoutingTrace, path: string): RoutingTrace[] {
  const file = openSync(path, 'r');
  const read = (from: number, count: number): Buffer => {
    const bytes = Buffer.alloc(count);
    readSync(file, bytes, 0, count, from);
    return bytes;
  };
  const length = Number(read(0, 8).readBigUInt64LE(0));
  const header = JSON.parse(read(8, length).toString('utf8')) as {
    readonly __metadata__: { readonly trace_domains: string };
    readonly request_domain: { readonly data_offsets: readonly [number, number] };
  };
  const [from, to] = header.request_domain.data_offsets;
  const domain = read(8 + length + from, to - from);
  closeSync(file);
  return (JSON.parse(header.__metadata__.trace_domains) as string[]).map((name, index) => {
    const rows = trace.requests.flatMap(({ decode, prefill, start }, request) =>
      domain[request] === index ? Array.from({ length: prefill + decode }, (_, i) => start + i) : [],
    );
    return selectMarked(trace, Int32Array.from(rows), name);
  });
}

recorded('ExpertFlow’s encoder on our own router', PARTS, () => {
  it('names seven of ten experts before the pass, in every domain more than a table of ids', { timeout: 1_800_000 }, async () => {
    const model = loadModel('mini-finegrained-64x12l', null, process.cwd(), []);
    const [train, test] = await Promise.all(PARTS.map((part) => openTrace(recording(part), { model })));
    const { bytes } = await trainEncoder(train!, model, {
      network: { table: 128, width: 32, inside: 2048, blocks: 2, head: 64, history: true },
      epochs: 8,
      batch: 512,
      learningRate: 0.004,
      seed: 1,
    });
    const judged = domainsOf(test!, recording(PARTS[1]!));
    expect(judged.length).toBe(5);
    const predictors = ['token-table', temporaryModel(bytes)];
    const request = { predictors, model, training: [train!], judged, distances: [], batch: 16, minProbability: 0.15, every: 1, seed: 1 };
    let sum = 0;
    for (const { predictors: both, trace } of (await comparePredictors(request)).evaluations) {
      const [table, encoder] = both.map(({ before }) => before!) as [
        NonNullable<(typeof both)[0]['before']>,
        NonNullable<(typeof both)[0]['before']>,
      ];
      expect(encoder.recallAtK, trace.path).toBeGreaterThan(table.recallAtK + 0.05);
      expect(encoder.calibrationError, trace.path).toBeLessThan(0.02);
      for (const phase of ['prefill', 'decode'] as const) {
        const [low, high] = [table.recallAtKByPhase[phase], encoder.recallAtKByPhase[phase]];
        if (low !== null) expect(high, `${trace.path}, ${phase}`).toBeGreaterThan(low);
      }
      sum += encoder.recallAtK * trace.tokens;
    }
    expect(sum / test!.tokens).toBeGreaterThan(0.7);
    train!.close();
    test!.close();
  });
});
