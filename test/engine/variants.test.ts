// Routing variants as a part of a run: what they do to its figures, its fingerprint, and to users who ask for too much.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { inputDifferences } from '../../src/compare/difference.js';
import { simulate } from '../../src/engine/simulate.js';
import { loadModel } from '../../src/model/load/load.js';
import { summarizeResult } from '../../src/report/summary/summary.js';
import { synthesize } from '../../src/trace/generate/synthetic.js';
import { openTrace } from '../../src/trace/open/open.js';
import { writeSafetensors } from '../../src/trace/open/write.js';
import { applyVariants } from '../../src/trace/variants/index.js';
import { temporaryFolder } from '../trace/builders.js';

const base = { trace: 'mini-mixtral-8x8l', workload: { tokens: 300 }, memory: { expertCache: '50%' } };

describe('a run with variants', () => {
  it('says what they did, and a run without them says nothing', async () => {
    const plain = await simulate(base);
    expect(Object.keys(plain.metrics).filter((name) => /^(variant|rerank|switch|footprint)\./.test(name))).toEqual([]);
    expect(plain.inputs).not.toHaveProperty('variants');
    expect(plain.config).not.toHaveProperty('variants');
    const slim = await simulate({ ...base, variants: ['top-k=1'] });
    expect(slim.inputs.variants).toEqual(['top-k=1']);
    expect(slim.metrics['variant.true_k']!.value).toBe(1);
    expect(slim.metrics['variant.activations_saved']!.value).toBe(0.5);
    expect(slim.metrics['variant.flops_saved']!.value).toBe(0.5);
    expect(slim.metrics['experts.activations']!.value).toBe(plain.metrics['experts.activations']!.value / 2);
  });

  it('is another routing: the fingerprint differs by variant, the trace stays itself', async () => {
    const results = await Promise.all([{}, { variants: 'random' }, { variants: 'skip=0.5' }].map((more) => simulate({ ...base, ...more })));
    expect(new Set(results.map(({ fingerprint }) => fingerprint)).size).toBe(3);
    expect(new Set(results.map(({ inputs }) => inputs.traces[0]!.sha256)).size).toBe(1);
    expect(inputDifferences(results[1]!, results[2]!)).toEqual([{ path: 'variants.0', base: 'random', candidate: 'skip=0.5' }]);
    // What was drawn is no recording, and every report says so; a layer left out is.
    expect(results.map(({ inputs }) => inputs.traces[0]!.synthetic)).toEqual([false, true, false]);
    expect(summarizeResult(results[1]!).synthetic).toContain('The routing is synthetic');
  });

  it('gives synthetic routing weights where a variant needs them', async () => {
    const { metrics } = await simulate({ model: 'qwen3-30b-a3b', workload: { tokens: 64 }, variants: 'top-p=0.5' });
    expect(metrics['variant.true_k']!.value).toBeGreaterThan(1);
    expect(metrics['variant.true_k']!.value).toBeLessThan(8);
  });

  it('refuses what it does not know in one line', async () => {
    await expect(simulate({ ...base, variants: 'top-q=1' })).rejects.toThrow(
      'simulate: variants: unknown routing variant "top-q"; did you mean',
    );
    await expect(simulate({ ...base, variants: 'two-sizes=0.5' })).rejects.toThrow('has 16 MoE layers, mini-mixtral-8x8l has 8');
  });
});

describe('a trace with more candidates than the model chooses', () => {
  const folder = temporaryFolder();
  const wide = join(folder, 'wide.safetensors');
  const plain = join(folder, 'plain.safetensors');
  const model = loadModel('mini-mixtral-8x8l');
  const requests = [{ prefill: 8, decode: 60 }];

  beforeAll(() => {
    writeSafetensors(synthesize(model, { seed: 5, requests, candidates: 6 }), wide);
    writeSafetensors(synthesize(model, { seed: 5, requests }), plain);
  });

  it('does not fit unless it is cut to the top-k, and is then the same routing', async () => {
    await expect(simulate({ trace: wide })).rejects.toThrow('keep the first choices with --variant top-k=2');
    const [cut, same] = await Promise.all([simulate({ trace: wide, variants: 'top-k=2' }), simulate({ trace: plain })]);
    expect(cut.perLayer).toEqual(same.perLayer);
    expect(cut.metrics['variant.activations_saved']!.value).toBe(0);
  });

  it('is written out as a variant makes it', async () => {
    const trace = await openTrace(wide, { model, fits: false });
    const out = join(folder, 'slim.safetensors');
    writeSafetensors(applyVariants(trace, ['top-k=1'], { model, seed: 1 }), out);
    trace.close();
    const slim = await openTrace(out, { model });
    expect(slim.topK).toBe(1);
    expect(slim.meta.notes.variants).toBe('top-k=1');
    slim.close();
  });
});
