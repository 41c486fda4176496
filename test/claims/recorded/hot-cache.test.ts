// Hot experts on the GPU, misses on the CPU, promotion in the background: as many hits as the curve of its policy has at equal slots, where
// every miss moves in at once, and never slower than a placement that fills the same memory once and for all.
import { expect, it } from 'vitest';
import { parsePolicy } from '../../../src/cache/policies/index.js';
import { drawCurve } from '../../../src/capacity/curve.js';
import { simulate } from '../../../src/engine/simulate.js';
import { loadModel } from '../../../src/model/load/load.js';
import { expertBytesTotal } from '../../../src/model/spec.js';
import type { Result } from '../../../src/result/result.js';
import { loadSystem } from '../../../src/system/system.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { recorded, recording } from './recording.js';

const TOKENS = 2000;
const SHARES = [0.1, 0.25, 0.5, 0.75];
const TRACES = [
  ['qwen3-30b-a3b', 'q4_k_m', 'traces/qwen3-30b-a3b.code.safetensors'],
  ['gpt-oss-20b', 'mxfp4', 'traces/gpt-oss-20b.decode.safetensors'],
] as const;

const metricOf = ({ metrics }: Result, name: string): number => metrics[name]!.value;

recorded(
  'a hot cache',
  TRACES.map(([, , name]) => name),
  () => {
    it.each(TRACES)(
      'on %s: the hits of its policy, and never slower than a static placement',
      { timeout: 300_000 },
      async (name, quantization, path) => {
        const model = loadModel(name, quantization);
        const trace = await openTrace(recording(path), { model });
        const { text } = loadSystem('llama.cpp-hot-cache').value.cache.policy;
        const curve = await drawCurve({
          model,
          trace,
          policies: [parsePolicy(text)],
          folder: '.',
          capacities: SHARES.map((share) => Math.floor(share * model.experts) * model.layers[0]!.expertBytes),
          scope: 'global',
          replay: 'atomic',
          quotas: 'even',
          tokens: TOKENS,
          warmup: 0,
          seed: 1,
          popularity: null,
          at: null,
          threads: 0,
        });
        trace.close();
        expect(expertBytesTotal(model)).toBe(model.experts * model.layers[0]!.expertBytes);
        for (const [at, share] of SHARES.entries()) {
          const run = (system: string): Promise<Result> =>
            simulate({
              model: name,
              quantization,
              trace: recording(path),
              hardware: 'rtx-3090+ryzen-9-7950x+2xddr5-6000+96GB',
              system,
              memory: { expertCache: `${100 * share}%` },
              workload: { tokens: TOKENS },
              bounds: false,
              found: 'none',
            });
          const [hot, still] = [await run('llama.cpp-hot-cache'), await run('llama.cpp-static')];
          const best = curve.policies[0]!.points[at]!.hitRate;
          const row = `${name} ${100 * share} %: hits ${(100 * metricOf(hot, 'cache.hit_rate')).toFixed(1)} %, curve ${(100 * best).toFixed(1)} %`;
          expect(Math.abs(metricOf(hot, 'cache.hit_rate') - best), row).toBeLessThan(0.02);
          expect(metricOf(hot, 'speed.decode'), row).toBeGreaterThan(metricOf(still, 'speed.decode'));
        }
      },
    );
  },
);
