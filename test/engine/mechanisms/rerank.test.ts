// Cache-aware routing: by hand, against a naive choice, and as a part of whole runs.
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { topOf } from '../../../src/engine/inputs/inputs.js';
import { Rerank } from '../../../src/engine/mechanisms/rerank.js';
import { simulate } from '../../../src/engine/simulate.js';
import { loadModel } from '../../../src/model/load/load.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import type { Result } from '../../../src/result/result.js';
import { CandidateRows } from '../../../src/schedule/candidate-rows.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import type { RunInput } from '../../../src/system/run.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { writeSafetensors } from '../../../src/trace/open/write.js';
import { NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';
import { modelOf, temporaryFolder, traceOf } from '../../trace/builders.js';

/** One pass of all tokens of a trace of candidates. */
function passOf(trace: RoutingTrace, model: ModelSpec): Pass {
  const pass = new Pass(topOf(trace, model), 1, new CandidateRows(trace));
  const request = new Request({ index: 0, start: 0, prefill: 0, decode: trace.tokens, arrivalNs: 0 });
  pass.fill([{ request, tokens: trace.tokens }]);
  return pass;
}

const model = modelOf([{ experts: 4, topK: 2 }]);

describe('re-ranking', () => {
  const wide = () => traceOf([{ experts: [[0, 1, 2, 3]], weights: [[0.4, 0.3, 0.2, 0.1]] }], 4);
  /** Choices where only expert 3 is resident. */
  const chosen = (lambda: number, keep = 0): number[] => {
    const rerank = new Rerank(model, { lambda, keep });
    const pass = passOf(wide(), model);
    rerank.choosing(pass, 0, { base: 0, resident: Uint8Array.of(0, 0, 0, 1) });
    return [...pass.choices];
  };

  it('takes a resident expert once lambda outweighs the ratio of the weights: ln(0.3 / 0.1) = 1.099, ln(0.4 / 0.1) = 1.386', () => {
    expect(chosen(0)).toEqual([0, 1]);
    expect(chosen(1.09)).toEqual([0, 1]);
    expect(chosen(1.1)).toEqual([0, 3]);
    // It takes no second one: 0 stays the best of those that are not resident.
    expect(chosen(5)).toEqual([0, 3]);
  });

  it('keeps what it is told to keep', () => {
    expect(chosen(5, 1)).toEqual([0, 3]);
    expect(chosen(5, 2)).toEqual([0, 1]);
  });

  it('counts what changed, what is resident and what weight was given up', () => {
    const rerank = new Rerank(model, { lambda: 2, keep: 0 });
    const pass = passOf(wide(), model);
    expect([...pass.choices]).toEqual([0, 1]);
    rerank.choosing(pass, 0, { base: 0, resident: Uint8Array.of(0, 0, 0, 1) });
    expect(rerank.counts).toMatchObject({ choices: 2, changed: 1, resident: 1, residentBefore: 0 });
    expect(rerank.counts.weightBefore).toBeCloseTo(0.7, 6);
    expect(rerank.counts.weight).toBeCloseTo(0.5, 6);
    expect([...pass.weights!]).toEqual([0.4, 0.1].map(Math.fround));
  });

  it('leaves nulls behind where there are fewer candidates than choices, wherever the nulls stood', () => {
    const few = traceOf([{ experts: [[NULL_EXPERT, 2, NULL_EXPERT, NULL_EXPERT]], weights: [[0, 0.4, 0, 0]] }], 4);
    const pass = passOf(few, model);
    expect([...pass.choices]).toEqual([NULL_EXPERT, 2]);
    new Rerank(model, { lambda: 1, keep: 0 }).choosing(pass, 0, { base: 0, resident: new Uint8Array(4) });
    expect([...pass.choices]).toEqual([2, NULL_EXPERT]);
    expect([...pass.weights!]).toEqual([Math.fround(0.4), 0]);
  });
});

describe('any re-ranking', () => {
  it('chooses what a sort of all candidates would', () => {
    const experts = 6;
    const cell = fc.record({
      order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 4, maxLength: 4 }),
      weights: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 4, maxLength: 4 }),
    });
    fc.assert(
      fc.property(
        fc.array(cell, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: experts, maxLength: experts }),
        fc.double({ min: 0, max: 4, noNaN: true }),
        (cells, resident, lambda) => {
          const rows = cells.map(({ order, weights }) => ({ experts: [order], weights: [[...weights].sort((a, b) => b - a)] }));
          const model = modelOf([{ experts, topK: 2 }]);
          const rerank = new Rerank(model, { lambda, keep: 0 });
          const pass = passOf(traceOf(rows, experts), model);
          rerank.choosing(pass, 0, { base: 0, resident: Uint8Array.from(resident) });
          rows.forEach((row, token) => {
            const scored = row.experts[0]!.map((expert, rank) => ({
              expert,
              rank,
              score: Math.log(row.weights[0]![rank]!) + lambda * resident[expert]!,
            }));
            scored.sort((a, b) => b.score - a.score || a.rank - b.rank);
            const expected = scored.slice(0, 2).sort((a, b) => a.rank - b.rank);
            expect([...pass.choices.subarray(token * 2, token * 2 + 2)]).toEqual(expected.map(({ expert }) => expert));
          });
        },
      ),
    );
  });
});

describe('a run that re-ranks', () => {
  const folder = temporaryFolder();
  const wide = join(folder, 'wide.safetensors');
  const model = loadModel('mini-mixtral-8x8l');
  const run = (lambda: number, over: RunInput = {}): Promise<Result> =>
    simulate({
      trace: wide,
      memory: { expertCache: '25%' },
      system: { name: 'cache-aware', cache: { policy: 'lru', scope: 'layer' }, rerank: { lambda } },
      ...over,
    });

  beforeAll(() => {
    writeSafetensors(synthesize(model, { seed: 3, requests: [{ prefill: 20, decode: 200 }], candidates: 8 }), wide);
  });

  it.each([
    ['none', 'atomic'],
    ['none', 'sequential'],
    ['transition', 'atomic'],
  ] as const)('with lambda 0 is the plain top-k run exactly (predictor %s, %s)', async (kind, replay) => {
    const system = { name: 'x', cache: { policy: 'lru' }, predictor: { kind, horizon: 2 } };
    const common: RunInput = { trace: wide, memory: { expertCache: '25%' }, workload: { batch: 2 }, replay };
    const plain = await simulate({ ...common, system, variants: 'top-k=2' });
    const ranked = await simulate({ ...common, system: { ...system, rerank: { lambda: 0 } } });
    const without = ({ metrics }: Result) =>
      Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(rerank|variant)\./.test(name)));
    expect(without(ranked)).toEqual(without(plain));
    expect(ranked.perLayer).toEqual(plain.perLayer);
    expect(ranked.bounds).toEqual(plain.bounds);
    expect(ranked.metrics['rerank.changed']!.value).toBe(0);
  });

  it('hits more, and gives up more weight, the larger lambda is', async () => {
    const results = await Promise.all([0, 0.5, 2, 20].map((lambda) => run(lambda)));
    const values = (name: string) => results.map(({ metrics }) => metrics[name]!.value);
    const rising = (list: number[]) => list.every((value, i) => i === 0 || value >= list[i - 1]!);
    expect(rising(values('cache.hit_rate'))).toBe(true);
    expect(rising(values('rerank.weight_lost'))).toBe(true);
    expect(values('cache.hit_rate')[3]!).toBeGreaterThan(values('cache.hit_rate')[0]! + 0.2);
    // Two resident experts a layer and a bonus that nothing outweighs: once the cache is full, a lone token stays with what it has.
    expect(values('cache.misses.decode')[3]).toBe(0);
  });

  it('needs candidates, their weights, and a policy that does not know the future', async () => {
    await expect(run(1, { variants: 'top-k=2' })).rejects.toThrow(
      `rerank: ${wide} has 2 choices per token and layer and mini-mixtral-8x8l makes 2, so there is nothing to choose from`,
    );
    await expect(run(1, { trace: 'mini-mixtral-8x8l', variants: 'random' })).rejects.toThrow('rerank: needs gate weights');
    await expect(run(1, { system: { name: 'x', cache: { policy: 'belady' }, rerank: { lambda: 1 } } })).rejects.toThrow(
      'system.cache.policy: belady knows the future, and with rerank what is chosen depends on what is resident',
    );
  });

  it('draws candidates where routing is synthetic', async () => {
    const { metrics } = await run(2, { trace: 'synthetic', model: 'mini-mixtral-8x8l', workload: { tokens: 256 } });
    expect(metrics['rerank.changed']!.value).toBeGreaterThan(0);
  });
});
