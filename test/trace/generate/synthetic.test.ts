// Synthetic routing is valid for any model, and the same for the same seed. That it has the statistics that were asked for is in
// test/claims.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { AliasTable, GuideTable, giniOf, inclusionByRank } from '../../../src/trace/generate/popularity-shape.js';
import { populationOf } from '../../../src/trace/generate/population.js';
import {
  atDepth,
  localityOf,
  PRIOR,
  type RoutedShape,
  type RoutingProfile,
  routingProfile,
  routingProfileSchema,
} from '../../../src/trace/generate/routing-profile.js';
import { requestsOf, synthesize } from '../../../src/trace/generate/synthetic.js';
import { popularityOf } from '../../../src/trace/popularity.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { cases } from '../../cases.js';
import { contentOf, modelOf, uniformModel } from '../builders.js';

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

describe('requests', () => {
  it('have the given lengths in turn, and the last one is cut', () => {
    expect(requestsOf(300)).toEqual([
      { prefill: 64, decode: 192 },
      { prefill: 44, decode: 0 },
    ]);
    const lengths = [
      { prefill: 2, decode: 1 },
      { prefill: 0, decode: 4 },
    ];
    expect(requestsOf(9, lengths)).toEqual([...lengths, { prefill: 2, decode: 0 }]);
  });

  it('L32: are as many as a trace holds, and so are their choices', () => {
    const many = /^synthetic routing: asks for more than 2,000,000 requests; take fewer tokens or longer requests$/;
    expect(() => requestsOf(1e9, [{ prefill: 1, decode: 0 }])).toThrow(many);
    expect(() => requestsOf(10, [{ prefill: 0, decode: 0 }])).toThrow(many);
    // 4 layers of 4 choices.
    const drawn = () => synthesize(uniformModel(4, 32, 4), { seed: 1, requests: [{ prefill: 4e9 / 16, decode: 1 }] });
    expect(drawn).toThrow(/^synthetic routing: asks for more than 4,000,000,000 choices of experts; take fewer tokens$/);
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
      expect(giniOf(inclusion)).toBeCloseTo(gini, 10);
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
    expect(routingProfileSchema.safeParse({ gini: 0.4, repeat: { first: 0, middle: 0.3, last: 0.1 } }).success).toBe(true);
    expect(routingProfileSchema.safeParse({ skew: 1.4 }).success).toBe(false);
    expect(routingProfileSchema.safeParse({ skewed: 0.4 }).success).toBe(false);
  });
});

describe('the prior by shape and recipe', () => {
  const of = (experts: number, topK: number, over: Partial<RoutedShape> = {}) =>
    localityOf({ experts, topK, shared: false, gaps: false, balance: 'micro-batch', ...over });
  const odds = (gini: number): number => Math.log(gini / (1 - gini));
  const { beside, bias, few, gaps, global, local, loose, many, most, offset, slope } = PRIOR;

  it('log-odds of the Gini coefficient rise with the doublings of experts from eight, up to a ceiling', () => {
    expect(odds(of(8, 2).gini)).toBeCloseTo(offset, 12);
    expect(odds(of(32, 8).gini)).toBeCloseTo(offset + 2 * slope, 12);
    expect(of(4096, 8, { balance: 'global' }).gini).toBe(most);
  });

  it('recipes shift them, shared experts under a loss in micro-batches alone; without a recipe they lie halfway', () => {
    expect(odds(of(16, 2, { balance: 'global', shared: true }).gini)).toBeCloseTo(offset + slope + global, 12);
    expect(odds(of(16, 2, { balance: 'bias' }).gini)).toBeCloseTo(offset + slope + bias, 12);
    expect(odds(of(16, 2, { shared: true }).gini)).toBeCloseTo(offset + slope - beside, 12);
    expect(odds(of(16, 2, { balance: null }).gini)).toBeCloseTo(offset + slope + global / 2, 12);
  });

  it('repeats: few with eight experts, many from 96, loose under a global loss, less with gaps', () => {
    const repeats = [of(8, 2), of(64, 8), of(128, 8), of(16, 2, { balance: 'global' }), of(64, 8, { gaps: true })];
    expect(repeats.map(({ repeat }) => repeat)).toEqual([few, local, many, loose, local * gaps]);
    // Jamba has layers without experts in between; a dense first layer is no gap.
    const named = (name: string, balance: RoutedShape['balance']) => routingProfile(loadModel(name), { balance: balance! }).repeat;
    expect([named('jamba-v0.1', 'micro-batch'), named('ernie-4.5-21b-a3b', 'bias')]).toEqual([local * gaps, local]);
  });
});

describe('numbers of earlier releases and of texts', () => {
  const model = uniformModel(3, 64, 4);
  const giniAt = (profile: Partial<RoutingProfile>): number =>
    giniOf(populationOf(model, routingProfile(model, { skewSpread: 0, ...profile }), 1).inclusions[0]!);

  it('a skew is that over many texts: half of the variance of log loads is common, so within a text they vary sqrt 2 times as much', () => {
    // Log-normal loads of deviation s have Gini 2 Phi(s / sqrt 2) - 1: .3 is s = .545, and .4136 is s = .771; without replacement a bit less.
    expect(giniAt({ skew: 0.3 })).toBeCloseTo(0.41, 1);
    expect(giniAt({ skew: 0.3 })).toBeGreaterThan(giniAt({ gini: 0.38 }));
    expect(giniAt({ gini: 0.3 })).toBeCloseTo(0.3, 9);
    // `--set model.routing.skew` counts before the numbers of the profile.
    expect(giniAt({ gini: 0.1, skew: 0.3 })).toBe(giniAt({ skew: 0.3 }));
  });

  it('a reuse gives as many repeats as reach it above the chance of the load', () => {
    const { inclusions, repeats } = populationOf(model, routingProfile(model, { skewSpread: 0, skew: 0, reuse: 0.3 }), 1);
    // Even loads: chance is 4 / 64 with and without.
    expect([...inclusions[0]!].every((p) => Math.abs(p - 1 / 16) < 1e-9)).toBe(true);
    expect(repeats[0]).toBeCloseTo(0.3, 9);
  });

  it('a text by name replaces both; an unknown one is refused', () => {
    const block = { gini: 0.4, repeat: 0.1, texts: { code: { gini: 0.6, repeat: 0.2 } } };
    expect(routingProfile(model, { ...block, text: 'code' })).toMatchObject({ gini: 0.6, repeat: 0.2 });
    expect(routingProfile(model, block)).toMatchObject({ gini: 0.4, repeat: 0.1 });
    const refused = (value: unknown) => routingProfileSchema.safeParse(value).error?.issues[0]?.message;
    expect(refused({ ...block, text: 'poems' })).toBe('there is no such text; take one of: code');
    expect(refused({ ...block, text: 'toString' })).toContain('take one of');
    expect(refused({ ...block, text: 'code' })).toBeUndefined();
  });
});

describe('requests drawn apart', () => {
  const requests = new Array(24).fill({ prefill: 0, decode: 250 });

  it.each([
    ['tokens', { domains: 1 }],
    ['words', { domains: 1, vocabulary: { size: 500, zipf: 1, share: 0.6 } }],
    ['whole requests', { per: 'request' as const, zipf: 1.5 }],
  ])('are others, and have the same popularity: %s', (name, profile) => {
    const model = uniformModel(2, 16, 2);
    const many = name === 'whole requests' ? new Array(2000).fill({ prefill: 0, decode: 1 }) : requests;
    const draw = (apart: boolean) => synthesize(model, { seed: 3, requests: many, profile, apart });
    const [own, other] = [draw(false), draw(true)];
    expect(other.sha256()).not.toBe(own.sha256());
    expect(draw(true).sha256()).toBe(other.sha256());
    expect(correlation(popularityOf(own).counts[1]!, popularityOf(other).counts[1]!)).toBeGreaterThan(0.9);
    const another = synthesize(model, { seed: 4, requests: many, profile });
    expect(correlation(popularityOf(own).counts[1]!, popularityOf(another).counts[1]!)).toBeLessThan(0.8);
  });

  it('have domains and candidates of their own', () => {
    const draw = (apart: boolean) =>
      contentOf(synthesize(uniformModel(2, 16, 2), { seed: 3, requests, profile: { domains: 8, domainOverlap: 0 }, candidates: 6, apart }));
    const [own, other] = [draw(false), draw(true)];
    expect(other.columns.experts).not.toEqual(own.columns.experts);
    expect(other.columns.weights).not.toEqual(own.columns.weights);
  });
});

function correlation(a: Float64Array, b: Float64Array): number {
  const centred = (values: Float64Array) => values.map((value) => value - values.reduce((sum, one) => sum + one, 0) / values.length);
  const [x, y] = [centred(a), centred(b)];
  const dot = (p: Float64Array, q: Float64Array) => p.reduce((sum, value, i) => sum + value * q[i]!, 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

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
