// Each routing variant against its definition: hand-computed rows, then what must hold on any trace.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChunk, NULL_EXPERT, PHASE, type RoutingTrace } from '../../../src/trace/trace.js';
import { variantEffect } from '../../../src/trace/variants/effect.js';
import { applyVariants, parseVariant, VARIANTS } from '../../../src/trace/variants/index.js';
import { cases } from '../../cases.js';
import { contentOf, modelOf, traceOf, uniformModel } from '../builders.js';

const none = NULL_EXPERT;
const apply = (trace: RoutingTrace, ...specs: string[]): RoutingTrace => applyVariants(trace, specs, { model: null, seed: 1 });
const experts = (trace: RoutingTrace): number[] => contentOf(trace).columns.experts;

/** Two tokens of a request and one of another, two layers of eight experts, top-3. */
const toy = (): RoutingTrace =>
  traceOf(
    [
      {
        request: 0,
        token: 5,
        experts: [
          [1, 2, 3],
          [4, 5, 6],
        ],
        weights: [
          [0.5, 0.3, 0.2],
          [0.9, 0.06, 0.04],
        ],
      },
      {
        request: 0,
        token: 7,
        experts: [
          [7, 0, 2],
          [1, 6, 3],
        ],
        weights: [
          [0.4, 0.35, 0.25],
          [0.6, 0.3, 0.1],
        ],
      },
      {
        request: 9,
        token: 5,
        experts: [
          [3, 1, 4],
          [2, 4, 0],
        ],
        weights: [
          [0.8, 0.15, 0.05],
          [0.34, 0.33, 0.33],
        ],
      },
    ],
    8,
  );

/** Random routing of `rows` tokens, two layers of `count` experts, top-`k`, descending weights and token ids. */
function drawn(rows: number, count: number, k: number): RoutingTrace {
  const many = traceOf(
    Array.from({ length: rows }, (_, row) => ({
      request: Math.floor(row / 10),
      token: row % 13,
      experts: [0, 1].map((layer) => Array.from({ length: k }, (_, rank) => (row * 5 + layer + rank) % count)),
      weights: [0, 1].map(() => Array.from({ length: k }, (_, rank) => (k - rank) / ((k * (k + 1)) / 2))),
    })),
    count,
  );
  return many;
}

describe('top-k', () => {
  it('keeps the first n choices and their weights, in narrower rows', () => {
    const trace = apply(toy(), 'top-k=2');
    expect(trace.topK).toBe(2);
    expect(experts(trace)).toEqual([1, 2, 4, 5, 7, 0, 1, 6, 3, 1, 2, 4]);
    expect(contentOf(trace).columns.weights.slice(0, 4)).toEqual([0.5, 0.3, 0.9, 0.06].map(Math.fround));
  });

  it('refuses more choices than were recorded', () => {
    expect(() => apply(toy(), 'top-k=4')).toThrow('variant top-k=4: test has 3 choices per token and layer');
    expect(() => apply(toy(), 'top-k=1.5')).toThrow('no whole number');
  });
});

describe('top-p', () => {
  it('keeps the shortest prefix whose weights reach p', () => {
    // 0.5 + 0.3 reaches 0.8; 0.9 alone does; 0.4 + 0.35 does not; 0.6 + 0.3 does; 0.8 does; 0.34 + 0.33 does not.
    expect(experts(apply(toy(), 'top-p=0.8'))).toEqual([1, 2, none, 4, none, none, 7, 0, 2, 1, 6, none, 3, none, none, 2, 4, 0]);
  });

  it('keeps one choice at p = 0, and all where the weights never reach p', () => {
    expect(experts(apply(toy(), 'top-p=0'))).toEqual([
      1,
      none,
      none,
      4,
      none,
      none,
      7,
      none,
      none,
      1,
      none,
      none,
      3,
      none,
      none,
      2,
      none,
      none,
    ]);
    expect(experts(apply(toy(), 'top-p=1'))).toEqual(experts(toy()));
  });

  it('fails early on a trace without weights', () => {
    const bare = traceOf([{ experts: [[1, 2]] }], 4);
    expect(() => apply(bare, 'top-p=0.9')).toThrow('variant top-p=0.9: needs gate weights, which test does not carry');
    expect(() => apply(toy(), 'random', 'top-p=0.9')).toThrow('needs gate weights');
  });

  it('keeps more where p is larger, and always a prefix', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const some = experts(apply(toy(), `top-p=${low}`));
        const more = experts(apply(toy(), `top-p=${high}`));
        const all = experts(toy());
        some.forEach((expert, i) => {
          expect([all[i], none]).toContain(expert);
          if (expert !== none) expect(more[i]).toBe(expert);
          if (expert === none && i % 3 !== 2) expect(some[i + 1]).toBe(none);
        });
      }),
      { numRuns: cases(50) },
    );
  });
});

describe('null experts', () => {
  it('with a gate weight win against every choice of less', () => {
    expect(experts(apply(toy(), 'null:weight=0.3'))).toEqual([
      1,
      none,
      none,
      4,
      none,
      none,
      7,
      0,
      none,
      1,
      none,
      none,
      3,
      none,
      none,
      2,
      4,
      0,
    ]);
  });

  it('by number are drawn like true experts: the mean true k is k E / (E + m), the spread hypergeometric', () => {
    const [count, nulls, k, rows] = [8, 4, 3, 4000];
    const trace = apply(drawn(rows, count, k), `null=${nulls}`);
    const seen = [0, 0, 0, 0];
    const ids = experts(trace);
    for (let cell = 0; cell < ids.length; cell += k) seen[ids.slice(cell, cell + k).filter((id) => id !== none).length]! += 1;
    const choose = (n: number, r: number): number => (r === 0 ? 1 : (choose(n, r - 1) * (n - r + 1)) / r);
    seen.forEach((cells, trueK) => {
      const expected = (choose(count, trueK) * choose(nulls, k - trueK)) / choose(count + nulls, k);
      expect(cells / (2 * rows), `true k ${trueK}`).toBeCloseTo(expected, 1);
    });
    const effect = variantEffect(drawn(rows, count, k), trace, rows, uniformModel(2, count, k));
    expect(effect.trueK).toBeCloseTo((k * count) / (count + nulls), 1);
    expect(effect.activationsSaved).toBeCloseTo(nulls / (count + nulls), 2);
    expect(effect.changed).toBe(0);
  });

  it('need to be said in one way', () => {
    expect(() => apply(toy(), 'null')).toThrow('say either how many null experts there are (null=8) or their gate weight');
    expect(() => apply(toy(), 'null:experts=2,weight=0.1')).toThrow('say either');
  });
});

describe('random routing', () => {
  it('is uniform over experts, without repeats in a token, and overlaps tokens by chance alone', () => {
    const [count, k, rows] = [8, 3, 6000];
    const ids = experts(apply(drawn(rows, count, k), 'random'));
    const uses = new Array<number>(count).fill(0);
    let overlap = 0;
    for (let cell = 0; cell < ids.length; cell += k) {
      const chosen = ids.slice(cell, cell + k);
      assert.equal(new Set(chosen).size, k);
      for (const id of chosen) uses[id]! += 1;
      if (cell >= 2 * k) overlap += chosen.filter((id) => ids.slice(cell - 2 * k, cell - k).includes(id)).length / k;
    }
    for (const use of uses) expect(use / (2 * rows)).toBeCloseTo(k / count, 1);
    expect(overlap / (2 * rows - 2)).toBeCloseTo(k / count, 1);
  });

  it('says that it is no recording, and drops weights and predictions', () => {
    const trace = apply(toy(), 'random');
    expect(trace.meta.synthetic).toBe(true);
    expect(trace.has.weights).toBe(false);
  });

  it('draws from all experts of the model, where the trace shows fewer', () => {
    const narrow = traceOf(new Array(200).fill({ experts: [[0, 1]] }), 2);
    const trace = applyVariants(narrow, ['random'], { model: uniformModel(1, 16, 2), seed: 1 });
    expect(trace.expertsPerLayer).toEqual([16]);
    expect(Math.max(...experts(trace))).toBe(15);
  });
});

describe('hash routing', () => {
  it('gives equal tokens equal experts at a layer, different ones at another, spread over all', () => {
    const rows = contentOf(apply(drawn(130, 64, 3), 'hash')).columns;
    const byToken = new Map<number, string>();
    rows.tokenId.forEach((token, row) => {
      const own = rows.experts.slice(row * 6, row * 6 + 6).join();
      expect(byToken.get(token) ?? own).toBe(own);
      byToken.set(token, own);
    });
    expect(new Set(byToken.values()).size).toBe(13);
    expect(new Set(rows.experts).size).toBeGreaterThan(30);
    expect(() => apply(traceOf([{ experts: [[1, 2]] }], 4), 'hash')).toThrow('variant hash: needs the ids of the tokens');
  });
});

describe('skipped layers', () => {
  it('leave a token without experts at the share of layers that is asked for, whole layers at a time', () => {
    const rows = 4000;
    const ids = experts(apply(drawn(rows, 8, 3), 'skip=0.3'));
    let skipped = 0;
    for (let cell = 0; cell < ids.length; cell += 3) {
      const nulls = ids.slice(cell, cell + 3).filter((id) => id === none).length;
      assert.ok(nulls === 0 || nulls === 3);
      if (nulls === 3) skipped++;
    }
    expect(skipped / (2 * rows)).toBeCloseTo(0.3, 1);
    expect(experts(apply(toy(), 'skip=0'))).toEqual(experts(toy()));
    expect(experts(apply(toy(), 'skip=1')).every((id) => id === none)).toBe(true);
  });
});

describe('two sizes of experts', () => {
  it('send a token to the large layer, the small one, or neither', () => {
    const rows = 4000;
    const trace = apply(drawn(rows, 8, 2), 'two-sizes:small=0.4,skip=0.2');
    expect(trace.layers).toBe(4);
    const ids = experts(trace);
    const before = experts(drawn(rows, 8, 2));
    const taken = [0, 0, 0];
    for (let cell = 0; cell < before.length / 2; cell++) {
      const was = before.slice(cell * 2, cell * 2 + 2);
      const large = ids.slice(cell * 4, cell * 4 + 2);
      const small = ids.slice(cell * 4 + 2, cell * 4 + 4);
      const full = [large, small].filter((part) => part[0] !== none);
      assert.ok(full.length < 2);
      if (full.length === 1) assert.deepEqual(full[0], was);
      taken[full.length === 0 ? 2 : full[0] === large ? 0 : 1]! += 1;
    }
    expect(taken.map((cells) => Math.round((cells / (2 * rows)) * 20) / 20)).toEqual([0.4, 0.4, 0.2]);
  });

  it('save operations by the size of the small ones', () => {
    // Small experts of a quarter of the operations: all small saves three quarters; nothing is skipped.
    const trace = traceOf([{ experts: [[0], [1]] }], 4);
    const model = modelOf(new Array(4).fill({ experts: 4, topK: 1 }));
    const layers = model.layers.map((layer) => ({ ...layer, flopsPerToken: layer.index % 2 === 0 ? 1000 : 250 }));
    const effect = variantEffect(trace, apply(trace, 'two-sizes=1'), 1, { ...model, layers });
    expect(effect).toEqual({ trueK: 1, activationsSaved: 0, flopsSaved: 0.75, changed: 0 });
  });

  it('refuse shares of more than all', () => {
    expect(() => apply(toy(), 'two-sizes:small=0.8,skip=0.3')).toThrow('shares of one whole');
  });
});

describe('per-request routing', () => {
  it("gives a request's tokens the experts of its first", () => {
    const ids = experts(apply(toy(), 'per-request'));
    expect(ids).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 3, 1, 4, 2, 4, 0]);
  });
});

describe('the effect of variants', () => {
  it('is counted on the rows that run, against the top-k of the model', () => {
    const before = toy();
    // Rows 0 and 1 keep 2, 1, 3, 2 of 3 each at p = 0.8: 8 of 12.
    const effect = variantEffect(before, apply(before, 'top-p=0.8'), 2, uniformModel(2, 8, 3));
    expect(effect.trueK).toBe(2);
    expect(effect.activationsSaved).toBeCloseTo(4 / 12, 12);
    expect(effect.flopsSaved).toBeCloseTo(4 / 12, 12);
    // Three candidates where the model takes two: what is beyond them was never a choice.
    expect(variantEffect(before, apply(before, 'top-k=2'), 3, uniformModel(2, 8, 2)).activationsSaved).toBe(0);
    expect(variantEffect(before, apply(before, 'top-k=3'), 3, uniformModel(2, 8, 2))).toMatchObject({
      activationsSaved: -0.5,
      changed: 1 / 3,
    });
  });

  it('of random routing changes all but what chance leaves', () => {
    const before = drawn(3000, 8, 2);
    expect(variantEffect(before, apply(before, 'random'), 3000, uniformModel(2, 8, 2)).changed).toBeCloseTo(1 - 2 / 8, 1);
  });
});

describe('one-router', () => {
  it('has every layer take what the first takes, with its weights', () => {
    const trace = apply(toy(), 'one-router');
    expect(experts(trace)).toEqual([1, 2, 3, 1, 2, 3, 7, 0, 2, 7, 0, 2, 3, 1, 4, 3, 1, 4]);
    expect(contentOf(trace).columns.weights.slice(3, 6)).toEqual([0.5, 0.3, 0.2].map(Math.fround));
  });

  it('refuses layers that lack some of those experts', () => {
    const trace = traceOf([{ experts: [[5], [1]] }], [8, 4]);
    expect(() => apply(trace, 'one-router')).toThrow(
      'variant one-router: layer 1 has 4 experts and the first 8; take a trace whose layers have as many',
    );
  });
});

describe('sensitivity', () => {
  // Limits: sqrt(0.01 / 0.25) = 0.2 at the first layer, sqrt(0.01 / 0.0625) = 0.4 at the second.
  const spec = 'sensitivity:threshold=0.01,layers=0.25/0.0625';

  it('leaves out what has less of its token’s weight than the layer needs, and all that follow', () => {
    // Weights are single precision: .2 as it is stored is a hair more.
    expect(experts(apply(toy(), spec))).toEqual([1, 2, 3, 4, none, none, 7, 0, 2, 1, none, none, 3, none, none, 2, none, none]);
    expect(contentOf(apply(toy(), spec)).columns.weights.slice(3, 6)).toEqual([Math.fround(0.9), 0, 0]);
  });

  it('weighs against the choices that there are, and leaves prompts alone', () => {
    const cell = (phase: number) => ({ phase, experts: [[1, 2]], weights: [[0.3, 0.1]] });
    const trace = traceOf([cell(PHASE.prefill), cell(PHASE.decode)], 8);
    // .1 of .4 is a quarter: less than sqrt(0.01 / 0.1) = .32, more than sqrt(0.01 / 0.25).
    expect(experts(apply(trace, 'sensitivity:threshold=0.01,layers=0.1'))).toEqual([1, 2, 1, none]);
    expect(experts(apply(trace, 'sensitivity:threshold=0.01,layers=0.25'))).toEqual([1, 2, 1, 2]);
    expect(experts(apply(trace, 'sensitivity:threshold=0,layers=0.1'))).toEqual([1, 2, 1, 2]);
  });

  it('knows the layers of Mixtral, and asks for those of others', () => {
    const mixtral = (layers: number) =>
      traceOf([{ experts: Array.from({ length: layers }, () => [0, 1]), weights: Array.from({ length: layers }, () => [0.6, 0.4]) }], 8);
    // .4 is too little where the sensitivity is below 0.005 / .16 = 0.03125: in the last three layers of 8x7B, nowhere in 8x22B.
    const chosen = experts(apply(mixtral(32), 'sensitivity'));
    expect(chosen.slice(-8)).toEqual([0, 1, 0, none, 0, none, 0, none]);
    expect(chosen.filter((expert) => expert === none)).toHaveLength(3);
    expect(experts(apply(mixtral(56), 'sensitivity'))).not.toContain(none);
    expect(() => apply(toy(), 'sensitivity')).toThrow(
      'variant sensitivity: no sensitivities of 2 layers are published, only of Mixtral-8x7B (32 layers) and Mixtral-8x22B (56 layers); give them: layers=46.7/17.3/...',
    );
    expect(() => apply(toy(), 'sensitivity:layers=1/0')).toThrow(
      "variant sensitivity: layers: '1/0' is no list of 2 sensitivities above 0, one a layer; write 46.7/17.3/...",
    );
  });
});

describe('every variant', () => {
  const specs = [
    'top-k=2',
    'top-p=0.7',
    'sensitivity:layers=0.05/0.02',
    'null=4',
    'null:weight=0.25',
    'skip=0.5',
    'two-sizes=0.5',
    'per-request',
    'one-router',
    'random',
    'hash',
  ];

  it('is in the examples of this test', () => {
    expect(new Set(specs.map((spec) => parseVariant(spec).name))).toEqual(new Set(VARIANTS.map(({ name }) => name)));
  });

  it.each(specs)('%s reads the same rows in any order and in blocks of any size', (spec) => {
    const trace = apply(drawn(57, 8, 3), spec);
    const whole = contentOf(trace);
    expect(contentOf(trace, 7)).toEqual(whole);
    const one = allocateChunk(trace, 1);
    const width = trace.layers * trace.topK;
    for (const row of [56, 3, 41, 0, 3]) {
      trace.read(row, 1, one);
      expect([...one.experts]).toEqual(whole.columns.experts.slice(row * width, row * width + width));
      expect(one.request[0]).toBe(whole.columns.request[row]);
    }
  });

  it.each(specs)('%s has a hash of its own, and the same one each time', (spec) => {
    const hash = apply(toy(), spec).sha256();
    expect(hash).toBe(apply(toy(), spec).sha256());
    expect(hash).not.toBe(toy().sha256());
    expect(hash).not.toBe(apply(toy(), spec, 'skip=0.1').sha256());
  });

  it('is applied in the order given, and noted', () => {
    const trace = apply(toy(), 'top-k=2', 'random');
    expect(trace.topK).toBe(2);
    expect(trace.meta.notes.variants).toBe('top-k=2 random');
  });

  it('is asked for by name, its main value, or its parameters', () => {
    expect(parseVariant('top-p=0.5').parameters).toEqual({ p: 0.5 });
    expect(parseVariant('top-p:p=0.5').parameters).toEqual({ p: 0.5 });
    expect(parseVariant('two-sizes:small=0.1,skip=0.2').parameters).toEqual({ small: 0.1, skip: 0.2 });
    expect(() => parseVariant('top-q=0.5')).toThrow('unknown routing variant "top-q"; did you mean "top-k" or "top-p"?');
    expect(() => parseVariant('random=3')).toThrow('random takes no value');
    expect(() => parseVariant('top-p=1.5')).toThrow('variant top-p: p: 1.5 is out of range, use 0 to 1');
  });
});
