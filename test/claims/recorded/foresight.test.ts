// What knowing the future gives on recordings of a large model, against the times of a prototype in another language that shares no line
// with the engine: an RTX 4090 as it was calibrated then, a quarter of the experts cached, caches cold, tokens 6,000 to 7,999, batch 1.
import { describe, expect, it } from 'vitest';
import { BeladyBound } from '../../../src/cache/bounds/belady-bound.js';
import { WORK } from '../../../src/engine/foresight/demand-block.js';
import { Floor } from '../../../src/engine/foresight/floor.js';
import { FoundSchedules } from '../../../src/engine/foresight/found.js';
import { loadModel } from '../../../src/model/load/load.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { chunks } from '../../../src/trace/trace.js';
import { recorded, recording } from './recording.js';

/** ns: work before a layer's experts, of an expert, of a transfer, behind the last layer. */
const TIMES = { dense: 55_000, expert: 5360, transfer: 124_300, tail: 305_600 };
const TOKENS = 2000;

recorded('knowing the future', ['traces/qwen3-30b-a3b.code.safetensors', 'traces/qwen3-30b-a3b.math.safetensors'], () => {
  describe.each([
    ['code', { lru: 11.489, belady: 7.66, foresight: 5.222 }],
    ['math', { lru: 15.428, belady: 9.63, foresight: 6.23 }],
  ])('on %s', (name, published) => {
    it('takes as long as the prototype says, and no less than the floor', async () => {
      const model = loadModel('qwen3-30b-a3b', 'q4_k_m');
      const trace = await openTrace(recording(`traces/qwen3-30b-a3b.${name}.safetensors`), { model });
      const slots = model.experts / 4;
      const sizes = new Float64Array(model.experts).fill(1);
      const link = { name: 'h2d', bandwidth: 1e9 / TIMES.transfer, latencyNs: 0, lanes: 1, chunkBytes: null } as const;
      const machine = { sizes, capacityBytes: slots, link, dram: null, preloaded: false, cpu: false, handoverNs: 0 };
      const alike = { ...model, layers: model.layers.map((layer) => ({ ...layer, expertBytes: 1 })) };
      const belady = new BeladyBound(alike, 'global', slots, null, false);
      const cost = {
        ...{ expertNs: () => TIMES.expert, cpuExpertNs: () => Number.POSITIVE_INFINITY, cpuQueues: 1 },
        ...{ handoverNs: Number.POSITIVE_INFINITY, onCpu: new Uint8Array(model.layers.length) },
      };
      const loads = { belady, own: true, slots, transferNs: TIMES.transfer };
      const bounds = new FoundSchedules([{ machine, belady }], false);
      const least = new Floor([{ model: alike, cost, onCpu: false, loads, reads: null }]);
      const counts = new Int32Array(trace.topK).fill(1);
      const ids = new Int32Array(trace.topK);
      for (const chunk of chunks(trace, 500, 6000, 6000 + TOKENS)) {
        for (let row = 0; row < chunk.tokens; row++) {
          for (const [layer, { offset }] of model.layers.entries()) {
            const at = (row * trace.layers + layer) * trace.topK;
            for (let k = 0; k < trace.topK; k++) ids[k] = offset + chunk.experts[at + k]!;
            bounds.dense(TIMES.dense);
            least.dense(TIMES.dense);
            least.event(0, layer, ids, counts, trace.topK, true);
            bounds.work[WORK.gpu] = trace.topK * TIMES.expert;
            bounds.work[WORK.cpu] = Number.POSITIVE_INFINITY;
            bounds.demand(0, ids, trace.topK);
            bounds.event();
          }
          for (const clock of [bounds, least]) {
            clock.dense(TIMES.tail);
            clock.passEnded();
          }
        }
      }
      trace.close();
      const perToken = (ns: number): number => ns / TOKENS / 1e6;
      const ends = bounds.ends(new Float64Array(0))!;
      const foresight = perToken(ends.knowing[0]!.at(-1)!);
      const floor = perToken(least.sinceNs(null));
      expect(foresight / published.foresight).toBeCloseTo(1, 2);
      expect(perToken(ends.belady.at(-1)!) / published.belady).toBeCloseTo(1, 2);
      expect(perToken(ends.lru.at(-1)!) / published.lru).toBeCloseTo(1, 2);
      expect(floor).toBeLessThanOrEqual(foresight);
      expect(floor).toBeGreaterThan(0.85 * foresight);
    });
  });
});
