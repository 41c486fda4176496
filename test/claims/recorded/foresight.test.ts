// What knowing the future gives on recordings of a large model, against the times of a prototype in another language that shares no line
// with the engine: an RTX 4090 as it was calibrated then, a quarter of the experts cached, caches cold, tokens 6,000 to 7,999, batch 1.
import { describe, expect, it } from 'vitest';
import { BeladyBound } from '../../../src/cache/belady-bound.js';
import { KnowledgeBounds } from '../../../src/engine/foresight/knowledge-bounds.js';
import { loadModel } from '../../../src/model/load.js';
import { openTrace } from '../../../src/trace/open.js';
import { chunks } from '../../../src/trace/trace.js';
import { recorded, recording } from './recording.js';

/** ns: work before a layer's experts, of an expert, of a transfer, behind the last layer. */
const TIMES = { dense: 55_000, expert: 5360, transfer: 124_300, tail: 305_600 };
const TOKENS = 2000;

recorded('knowing the future', ['traces/qwen3-30b-a3b.code.safetensors', 'traces/qwen3-30b-a3b.math.safetensors'], () => {
  describe.each([
    ['code', { lru: 11.489, foresight: 5.222 }],
    ['math', { lru: 15.428, foresight: 6.23 }],
  ])('on %s', (name, published) => {
    it('takes as long as the prototype says, and no less than the floor', async () => {
      const model = loadModel('qwen3-30b-a3b', 'q4_k_m');
      const trace = await openTrace(recording(`traces/qwen3-30b-a3b.${name}.safetensors`), { model });
      const slots = model.experts / 4;
      const sizes = new Float64Array(model.experts).fill(1);
      const link = { name: 'h2d', bandwidth: 1e9 / TIMES.transfer, latencyNs: 0, lanes: 1, chunkBytes: null } as const;
      const machine = { sizes, capacityBytes: slots, link, dram: null, preloaded: false, handoverNs: 0 };
      const alike = { ...model, layers: model.layers.map((layer) => ({ ...layer, expertBytes: 1 })) };
      const bounds = new KnowledgeBounds(machine, new BeladyBound(alike, 'global', slots, null, false), true, TIMES.transfer);
      const ids = new Int32Array(trace.topK);
      for (const chunk of chunks(trace, 500, 6000, 6000 + TOKENS)) {
        for (let row = 0; row < chunk.tokens; row++) {
          for (const [layer, { offset }] of model.layers.entries()) {
            const at = (row * trace.layers + layer) * trace.topK;
            for (let k = 0; k < trace.topK; k++) ids[k] = offset + chunk.experts[at + k]!;
            bounds.dense(TIMES.dense);
            bounds.event(layer, ids, trace.topK, trace.topK * TIMES.expert, Number.POSITIVE_INFINITY);
          }
          bounds.dense(TIMES.tail);
          bounds.passEnded();
        }
      }
      trace.close();
      const perToken = (ns: number): number => ns / TOKENS / 1e6;
      const foresight = perToken(bounds.foresightEnds().at(-1)!);
      expect(foresight / published.foresight).toBeCloseTo(1, 2);
      expect(perToken(bounds.lruNs) / published.lru).toBeCloseTo(1, 2);
      expect(perToken(bounds.floorNs)).toBeLessThanOrEqual(foresight);
      expect(perToken(bounds.floorNs)).toBeGreaterThan(0.85 * foresight);
    });
  });
});
