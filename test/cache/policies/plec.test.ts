// PLEC and MRS: whom they evict, against a naive search and arithmetic by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveParameters } from '../../../src/base/parameters.js';
import { plec } from '../../../src/cache/policies/expected-use.js';
import { mrs } from '../../../src/cache/policies/mrs.js';
import { type Clock, NONE } from '../../../src/cache/policy.js';
import { buildCaches } from '../../../src/cache/scope.js';
import { cases } from '../../cases.js';
import { toyModel } from '../fixtures.js';

const model = toyModel([4, 3, 5]);
const clock = (): Clock => ({ event: 0, pass: 0, layer: 0 });

function plecCache(slots: number, parameters: Record<string, unknown> = {}) {
  const predicted = new Float32Array(model.experts);
  const predictedVersion = new Uint32Array(model.layers.length);
  const caches = buildCaches({
    model,
    policy: plec,
    parameters: resolveParameters('plec', plec.parameters, parameters),
    capacityBytes: slots,
    scope: 'global',
    clock: clock(),
    seed: 1,
    expected: { values: predicted, version: predictedVersion },
  });
  const predict = (id: number, probability: number): void => {
    predicted[id] = probability;
    const { index } = model.layers.findLast(({ offset }) => id >= offset)!;
    predictedVersion[index]! += 1;
  };
  return { cache: caches.caches[0]!, rank: caches.rank, predicted, predict };
}

describe('plec', () => {
  it('evicts the least likely expert, of whatever layer', () => {
    const { cache, predict } = plecCache(3);
    for (const [id, probability] of [
      [0, 0.5],
      [4, 0.2],
      [7, 0.9],
      [8, 0.4],
      [1, 0.6],
    ] as const) {
      predict(id, probability);
      expect(cache.admit(id)).toBe(true);
    }
    // Expert 4 went for 8, then 8 for 1.
    expect([...cache.resident.keys()].filter((id) => cache.resident[id] === 1)).toEqual([0, 1, 7]);
  });

  it('lets the one go that was not used for longest, where predictions do not tell', () => {
    const { cache } = plecCache(2);
    cache.admit(3);
    cache.admit(9);
    cache.touch(3);
    cache.admit(5);
    expect(cache.resident[9]).toBe(0);
    expect(cache.resident[3]).toBe(1);
  });

  it('streams what is less likely than every resident, unless it is told to admit all', () => {
    const selective = plecCache(1);
    selective.predict(0, 0.5);
    selective.cache.admit(0);
    selective.predict(1, 0.3);
    expect(selective.cache.admit(1)).toBe(false);
    const open = plecCache(1, { selective: false });
    open.predict(0, 0.5);
    open.cache.admit(0);
    open.predict(1, 0.3);
    expect(open.cache.admit(1)).toBe(true);
  });

  it('lets the layer go whose turn is farthest, of experts that are expected as soon', () => {
    const time = clock();
    const values = new Float32Array(model.experts).fill(0.9);
    const { caches } = buildCaches({
      model,
      policy: plec,
      parameters: resolveParameters('plec', plec.parameters, {}),
      capacityBytes: 2,
      scope: 'global',
      clock: time,
      seed: 1,
      expected: { values, version: new Uint32Array(3) },
    });
    const cache = caches[0]!;
    cache.admit(0);
    cache.admit(8);
    // In layer 1, layer 2 is next and layer 0 after it; what was just used comes last, and is not worth the place of either.
    time.layer = 1;
    expect(cache.policy.victim(5, cache.pins)).toBe(0);
    expect(cache.admit(5)).toBe(false);
    // In layer 0, layer 1 is next.
    time.layer = 0;
    expect(cache.policy.victim(4, cache.pins)).toBe(0);
    expect(cache.admit(4, false)).toBe(true);
  });
});

describe('plec beside a search of all residents', () => {
  it('finds the victim that a search of all residents finds, whatever was predicted, used and pinned between', () => {
    const step = fc.record({
      kind: fc.constantFrom('predict', 'use', 'pin', 'unpin'),
      id: fc.nat(model.experts - 1),
      probability: fc.integer({ min: 0, max: 4 }).map((quarter) => quarter / 4),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { cache, rank, predicted, predict } = plecCache(4, { selective: false });
        // In layer 0, layer 1 is next, then layer 2, then layer 0 itself.
        const ahead = (id: number): number => (id < 4 ? 3 : id < 7 ? 1 : 2);
        const worth = (id: number): number => predicted[id]! * 0.93 ** (ahead(id) / 3);
        const lastUse = new Map<number, number>();
        let uses = 0;
        for (const { kind, id, probability } of steps) {
          if (kind === 'predict') predict(id, probability);
          else if (kind === 'pin') rank[id] = -1;
          else if (kind === 'unpin') rank[id] = 0x7fffffff;
          else {
            const free = [...cache.resident.keys()].filter((other) => cache.resident[other] === 1 && rank[other]! >= 0);
            free.sort((a, b) => worth(a) - worth(b) || (lastUse.get(a) ?? 0) - (lastUse.get(b) ?? 0) || a - b);
            expect(cache.policy.victim(id, cache.pins)).toBe(free[0] ?? NONE);
            if (cache.resident[id] === 1) cache.touch(id);
            else if (!cache.admit(id)) continue;
            lastUse.set(id, ++uses);
          }
        }
      }),
      { seed: 5, numRuns: cases(300) },
    );
  });
});

describe('mrs', () => {
  it('keeps the larger of alpha x weight + (1 - alpha) x score at every pass', () => {
    const gates = new Float32Array(model.experts);
    const time = clock();
    const alpha = 0.25;
    const { caches } = buildCaches({
      model,
      policy: mrs,
      parameters: resolveParameters('mrs', mrs.parameters, { alpha }),
      capacityBytes: 2,
      scope: 'global',
      clock: time,
      seed: 1,
      gates,
    });
    const cache = caches[0]!;
    const score = new Float64Array(model.experts);
    const use = (pass: number, id: number, weight: number): void => {
      for (; time.pass < pass; time.pass++) for (let e = 0; e < score.length; e++) score[e]! *= 1 - alpha;
      gates[id] = weight;
      score[id]! += alpha * weight;
      const residents = [...cache.resident.keys()].filter((e) => cache.resident[e] === 1);
      const least = residents.toSorted((a, b) => score[a]! - score[b]!)[0];
      if (cache.resident[id] === 1) cache.touch(id);
      else {
        cache.admit(id);
        if (residents.length === 2) expect(cache.resident[least!]).toBe(0);
      }
    };
    use(0, 0, 0.9);
    use(0, 4, 0.2);
    use(1, 4, 0.2);
    use(2, 8, 0.3); // 4 leaves: 0.05 x 0.75 x 0.75 + ... is less than 0.225 x 0.75^2
    expect(cache.resident[4]).toBe(0);
    for (let pass = 3; pass < 9; pass++) use(pass, 8, 0.3);
    use(9, 1, 0.1); // by now 0 has decayed below 8
    expect(cache.resident[0]).toBe(0);
  });
});
