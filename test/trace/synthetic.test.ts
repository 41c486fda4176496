// Synthetic routing has the statistics that were asked for, is valid for any model, and is the same for the same seed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelSpec } from '../../src/model/spec.js';
import { AliasTable, GuideTable, giniOf, inclusionByRank } from '../../src/trace/popularity-shape.js';
import { atDepth, type RoutingProfile, routingProfileSchema } from '../../src/trace/routing-profile.js';
import { requestsOf, synthesize } from '../../src/trace/synthetic.js';
import { chunks, NULL_EXPERT, type RoutingTrace } from '../../src/trace/trace.js';
import { cases } from '../cases.js';
import { contentOf, modelOf, uniformModel } from './builders.js';

/** Statistics of one layer of a trace of one request. */
function statistics(trace: RoutingTrace, layer: number) {
  const experts = trace.expertsPerLayer[layer]!;
  const counts = new Float64Array(experts);
  let before = new Set<number>();
  let shared = 0;
  let all = 0;
  for (const chunk of chunks(trace)) {
    for (let row = 0; row < chunk.tokens; row++) {
      const at = (row * trace.layers + layer) * trace.topK;
      const chosen = new Set(chunk.experts.subarray(at, at + trace.topK));
      chosen.delete(NULL_EXPERT);
      for (const expert of chosen) {
        counts[expert]!++;
        all++;
        if (before.has(expert)) shared++;
      }
      before = chosen;
    }
  }
  const choices = all / trace.tokens;
  const chance = counts.reduce((sum, count) => sum + (count / trace.tokens) ** 2, 0) / choices;
  return { gini: giniOf(counts), chance, reuse: shared / all, excess: (shared / all - chance) / (1 - chance) };
}

/** Recall@k of layer `to` by log-odds of the choices of layer `from`, learned on the first half, judged on the second. */
function transitionRecall(trace: RoutingTrace, from: number, to: number): number {
  const { topK, layers, tokens } = trace;
  const [n, m] = [trace.expertsPerLayer[from]!, trace.expertsPerLayer[to]!];
  const { experts } = contentOf(trace).columns;
  const pick = (token: number, layer: number) => experts.slice((token * layers + layer) * topK, (token * layers + layer + 1) * topK);
  const pairs = new Float64Array(n * m);
  const [given, base] = [new Float64Array(n), new Float64Array(m)];
  const half = Math.floor(tokens / 2);
  for (let token = 0; token < half; token++) {
    for (const e of pick(token, to)) base[e]! += 1 / half;
    for (const d of pick(token, from)) {
      given[d]!++;
      for (const e of pick(token, to)) pairs[d * m + e]!++;
    }
  }
  let found = 0;
  for (let token = half; token < tokens; token++) {
    const scores = Array.from(base, (p) => Math.log(p + 1e-6));
    for (const d of pick(token, from)) {
      for (let e = 0; e < m; e++) scores[e]! += Math.log((pairs[d * m + e]! + base[e]! + 1e-3) / (given[d]! + 1) / (base[e]! + 1e-3));
    }
    const best = new Set(
      scores
        .map((score, e) => [score, e] as const)
        .sort((a, b) => b[0] - a[0])
        .slice(0, topK)
        .map(([, e]) => e),
    );
    for (const e of pick(token, to)) if (best.has(e)) found++;
  }
  return found / ((tokens - half) * topK);
}

function generate(model: ModelSpec, tokens: number, profile: Partial<RoutingProfile>, seed = 1): RoutingTrace {
  return synthesize(model, { seed, requests: [{ prefill: 0, decode: tokens }], profile: { skewSpread: 0, ...profile } });
}

describe('statistics meet the profile', () => {
  it.each([
    [128, 8, 0.7, 0.28],
    [128, 8, 0.5, 0.15],
    [32, 4, 0.39, 0.3],
    [64, 6, 0.38, 0.2],
    [8, 2, 0.15, 0.15],
    [256, 8, 0.6, 0.25],
    [128, 1, 0.5, 0.2],
    [6, 4, 0.1, 0.2],
  ])('%i experts, top-%i: skew %f and reuse %f above chance', (experts, topK, skew, reuse) => {
    // Few choices a token are few samples.
    const trace = generate(uniformModel(6, experts, topK), topK > 2 ? 6000 : 20_000, { skew, reuse });
    const layers = [1, 3, 5].map((layer) => statistics(trace, layer));
    const mean = (pick: (layer: (typeof layers)[0]) => number) => layers.reduce((sum, layer) => sum + pick(layer) / layers.length, 0);
    expect(Math.abs(mean((layer) => layer.gini) - skew)).toBeLessThan(0.06);
    expect(Math.abs(mean((layer) => layer.excess) - reuse)).toBeLessThan(0.04);
  });

  it('reuse follows the depth', () => {
    const trace = generate(uniformModel(12, 64, 4), 6000, {
      reuse: { first: 0.02, middle: 0.3, last: 0.12 },
      coherence: { first: 0.2, middle: 0.6, last: 0.4 },
    });
    expect(statistics(trace, 0).excess).toBeLessThan(0.08);
    expect(statistics(trace, 6).excess).toBeGreaterThan(0.24);
    expect(statistics(trace, 11).excess).toBeLessThan(0.2);
  });

  it('coherence makes layers predict each other, near and far alike', () => {
    const model = uniformModel(6, 32, 4);
    const [none, some, much] = [0, 0.5, 0.9].map((coherence) => transitionRecall(generate(model, 6000, { skew: 0.35, coherence }), 2, 3));
    expect(some).toBeGreaterThan(none! + 0.05);
    expect(much).toBeGreaterThan(some! + 0.2);
    const far = transitionRecall(generate(model, 6000, { skew: 0.35, coherence: 0.9 }), 1, 5);
    expect(Math.abs(far - much!)).toBeLessThan(0.05);
  });

  it('memory has a heavy tail: reuse within 16 tokens is far above reuse at 1', () => {
    const { columns, topK, layers } = contentOf(generate(uniformModel(4, 128, 8), 3000, { skew: 0.7 }));
    let within = 0;
    let all = 0;
    const last = new Map<number, number>();
    for (let token = 0; token < 3000; token++) {
      for (let k = 0; k < topK; k++) {
        const expert = columns.experts[(token * layers + 2) * topK + k]!;
        all++;
        if (token - (last.get(expert) ?? -99) <= 16) within++;
        last.set(expert, token);
      }
    }
    // Real models: .84 to .92.
    expect(within / all).toBeGreaterThan(0.8);
    expect(within / all).toBeLessThan(0.95);
  });

  it('domains favour other experts', () => {
    const model = uniformModel(2, 64, 4);
    const requests = new Array(16).fill({ prefill: 0, decode: 300 });
    const pooled = (domains: number) =>
      statistics(synthesize(model, { seed: 3, requests, profile: { skew: 0.6, skewSpread: 0, domains, domainOverlap: 0 } }), 1).gini;
    expect(pooled(1)).toBeGreaterThan(0.52);
    expect(pooled(8)).toBeLessThan(0.45);
  });
});

describe('any model', () => {
  it('gives valid rows of the lengths asked, for every shape', () => {
    const layer = fc
      .integer({ min: 1, max: 40 })
      .chain((experts) => fc.record({ experts: fc.constant(experts), topK: fc.integer({ min: 1, max: experts }) }));
    fc.assert(
      fc.property(fc.array(layer, { minLength: 1, maxLength: 5 }), fc.integer(), (layers, seed) => {
        const model = modelOf(layers);
        const trace = synthesize(model, {
          seed,
          requests: [
            { prefill: 3, decode: 2 },
            { prefill: 0, decode: 4 },
          ],
        });
        expect(trace.requests).toEqual([
          { id: 0, start: 0, prefill: 3, decode: 2 },
          { id: 1, start: 5, prefill: 0, decode: 4 },
        ]);
        expect(trace.expertsPerLayer).toEqual(layers.map(({ experts }) => experts));
        // finish() has checked range and duplicates; each layer makes all its choices.
        const { columns, topK } = contentOf(trace);
        layers.forEach((shape, index) => {
          const row = columns.experts.slice(index * topK, (index + 1) * topK);
          expect(row.filter((expert) => expert !== NULL_EXPERT)).toHaveLength(shape.topK);
        });
      }),
      { numRuns: cases(60) },
    );
  });

  it('L16: the same seed gives the same routing, another seed another', () => {
    const model = uniformModel(4, 32, 4);
    const hash = (seed: number) => synthesize(model, { seed, requests: requestsOf(200) }).sha256();
    expect(hash(7)).toBe(hash(7));
    expect(hash(8)).not.toBe(hash(7));
  });
});

describe('parts', () => {
  it('inclusion sums to the choices, falls with rank and has the skew', () => {
    for (const [experts, choices, gini] of [
      [128, 8, 0.7],
      [8, 2, 0.1],
      [16, 15, 0.05],
      [4, 4, 0],
      [128, 1, 0.9],
    ] as const) {
      const inclusion = inclusionByRank(experts, choices, gini);
      expect(inclusion.reduce((sum, p) => sum + p, 0)).toBeCloseTo(choices, 6);
      expect([...inclusion].every((p, rank) => p > 0 && p <= 1 && (rank === 0 || p <= inclusion[rank - 1]!))).toBe(true);
      expect(giniOf(inclusion)).toBeCloseTo(gini, 3);
    }
  });

  it('giniOf: 0 where all are equal, 1 - 1/n where one has all', () => {
    expect(giniOf([3, 3, 3])).toBeCloseTo(0, 12);
    expect(giniOf([0, 0, 0, 5])).toBeCloseTo(0.75, 12);
    expect(giniOf([0, 0])).toBe(0);
  });

  it('the alias table and the interval give each item its share', () => {
    const weights = Float64Array.of(1, 0, 5, 2);
    for (const draw of [(u: number) => new AliasTable(weights).draw(u), (u: number) => new GuideTable(weights).at(u)]) {
      const counts = [0, 0, 0, 0];
      for (let i = 0; i < 8000; i++) counts[draw((i + 0.5) / 8000)]! += 1 / 1000;
      expect(counts.map((count) => Math.round(count * 100) / 100)).toEqual([1, 0, 5, 2]);
    }
  });

  it('atDepth: a number, a list of any length, or first, middle and last', () => {
    expect(atDepth(0.3, 5, 12)).toBe(0.3);
    expect(atDepth([0, 1, 2], 1, 3)).toBe(1);
    expect([0, 5, 11].map((layer) => atDepth([0, 1, 2], layer, 12))).toEqual([0, 1, 2]);
    const profile = { first: 0, middle: 0.3, last: 0.9 };
    expect([0, 1, 3, 8, 11].map((layer) => Math.round(atDepth(profile, layer, 12) * 10) / 10)).toEqual([0, 0.1, 0.3, 0.3, 0.9]);
  });

  it('the schema of a routing block refuses what is out of range or unknown', () => {
    expect(routingProfileSchema.safeParse({ skew: 0.4, reuse: { first: 0, middle: 0.3, last: 0.1 } }).success).toBe(true);
    expect(routingProfileSchema.safeParse({ skew: 1.4 }).success).toBe(false);
    expect(routingProfileSchema.safeParse({ skewed: 0.4 }).success).toBe(false);
  });
});

describe('candidates', () => {
  const model = uniformModel(3, 16, 4);
  const requests = [
    { prefill: 5, decode: 40 },
    { prefill: 0, decode: 30 },
  ];
  const wide = contentOf(synthesize(model, { seed: 2, requests, candidates: 10 }));
  const plain = contentOf(synthesize(model, { seed: 2, requests }));

  it('leave the choices as they are, and add distinct experts', () => {
    expect(wide.topK).toBe(10);
    for (let cell = 0; cell < wide.tokens * 3; cell++) {
      const all = wide.columns.experts.slice(cell * 10, cell * 10 + 10);
      expect(all.slice(0, 4)).toEqual(plain.columns.experts.slice(cell * 4, cell * 4 + 4));
      expect(new Set(all).size).toBe(10);
      expect(Math.max(...all)).toBeLessThan(16);
    }
  });

  it('have gate weights that fall along the row and sum to 1', () => {
    for (let cell = 0; cell < wide.tokens * 3; cell++) {
      const weights = wide.columns.weights.slice(cell * 10, cell * 10 + 10);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
      expect(weights).toEqual([...weights].sort((a, b) => b - a));
      expect(weights[9]).toBeGreaterThan(0);
    }
  });

  it('are at least as many as the choices, and no more than the experts', () => {
    expect(() => synthesize(model, { seed: 2, requests, candidates: 3 })).toThrow('take at least 4');
    expect(synthesize(model, { seed: 2, requests, candidates: 99 }).topK).toBe(16);
  });
});

describe('routing of whole requests', () => {
  const profile = { per: 'request', zipf: 1 } as const;

  it('gives all tokens of a request the same experts, in every layer', () => {
    const { columns } = contentOf(
      synthesize(uniformModel(2, 64, 2), { seed: 4, requests: new Array(40).fill({ prefill: 2, decode: 3 }), profile }),
    );
    for (let row = 0; row < 200; row++) {
      const own = columns.experts.slice(row * 4, row * 4 + 4);
      expect(own.slice(0, 2)).toEqual(own.slice(2));
      expect(own[0]).not.toBe(own[1]);
      if (row % 5 > 0) expect(own).toEqual(columns.experts.slice(row * 4 - 4, row * 4));
    }
  });

  it("follows Zipf's law: the r-th expert is asked for in proportion to 1 / r", () => {
    const experts = 10;
    const requests = new Array(20000).fill({ prefill: 0, decode: 1 });
    const { columns } = contentOf(synthesize(uniformModel(1, experts, 1), { seed: 4, requests, profile }), 20000);
    const uses = new Array<number>(experts).fill(0);
    for (const id of columns.experts) uses[id]! += 1;
    uses.sort((a, b) => b - a);
    const harmonic = uses.reduce((sum, _, rank) => sum + 1 / (rank + 1), 0);
    uses.forEach((use, rank) => {
      expect(use / requests.length).toBeCloseTo(1 / (rank + 1) / harmonic, 1.7);
    });
  });
});
