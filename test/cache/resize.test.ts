// A capacity that changes while the cache runs: residents fit after every event, whatever the policy keeps of its own.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpertCache } from '../../src/cache/cache.js';
import { POLICIES, parsePolicy, resolvePolicy } from '../../src/cache/policies/index.js';
import { NONE, Pins, type PolicyContext, UNPINNED } from '../../src/cache/policy.js';
import { evenSplit, shrinkQuotas } from '../../src/cache/scope.js';
import { cases } from '../cases.js';
import { toyModel } from './fixtures.js';
import { beladyHits, changingBound, recordEvents, stepper } from './replaying.js';

/** A cache of ten experts of these sizes, built for `capacityBytes`. */
async function cacheOf(spec: string, sizes: readonly number[], capacityBytes: number): Promise<ExpertCache> {
  const { definition, parameters } = await resolvePolicy(parsePolicy(spec));
  const bytes = Float64Array.from(sizes);
  const context = { experts: sizes.length, sizes: bytes, capacityBytes, uniform: new Set(sizes).size === 1 } as PolicyContext;
  const policy = definition.create(context, parameters);
  return new ExpertCache(0, bytes, capacityBytes, new Pins(new Int32Array(sizes.length).fill(UNPINNED)), policy);
}

const residents = (cache: ExpertCache): number[] => [...cache.resident.keys()].filter((id) => cache.resident[id] === 1);

describe('ExpertCache.resize', () => {
  it('evicts in the policy’s order until the residents fit, and says whom', async () => {
    const cache = await cacheOf('lru', Array(10).fill(4), 20);
    for (const id of [0, 1, 2, 3, 4]) cache.admit(id);
    cache.touch(0);
    expect(cache.resize(11)).toBe(true);
    expect([...cache.victims.subarray(0, cache.victimCount)]).toEqual([1, 2, 3]);
    expect(residents(cache)).toEqual([0, 4]);
    expect([cache.usedBytes, cache.capacityBytes, cache.evictions]).toEqual([8, 11, 3]);
    // Two slots: the next admission takes the place of the oldest.
    cache.admit(5);
    expect(residents(cache)).toEqual([0, 5]);
  });

  it('leaves what is pinned, which goes later: at a trim, or for the next that is admitted', async () => {
    const cache = await cacheOf('fifo', Array(10).fill(4), 20);
    for (const id of [0, 1, 2, 3, 4]) cache.admit(id);
    cache.pins.rank.fill(-1, 0, 4);
    expect(cache.resize(8)).toBe(false);
    expect(residents(cache)).toEqual([0, 1, 2, 3]);
    expect(cache.admit(5)).toBe(false);
    cache.pins.rank.fill(UNPINNED, 0, 2);
    expect(cache.admit(5)).toBe(false); // two of four may go, and both other slots are pinned still
    cache.pins.rank.fill(UNPINNED);
    expect(cache.admit(6)).toBe(true);
    expect(residents(cache)).toEqual([3, 6]);
    expect(cache.trim()).toBe(true);
    expect(residents(cache)).toEqual([3, 6]);
  });

  it('grows again up to what it was built with, and no further', async () => {
    const cache = await cacheOf('lru', Array(10).fill(4), 12);
    cache.resize(4);
    cache.resize(12);
    for (const id of [0, 1, 2]) expect(cache.admit(id)).toBe(true);
    expect(cache.evictions).toBe(0);
    expect(() => cache.resize(13)).toThrow('cannot grow to 13');
  });

  it('experts of several sizes', async () => {
    const cache = await cacheOf('lru', [3, 3, 3, 6, 6], 15);
    for (const id of [0, 1, 3]) cache.admit(id);
    expect(cache.resize(7)).toBe(true);
    expect(residents(cache)).toEqual([3]);
    expect(cache.resize(5)).toBe(true);
    expect(residents(cache)).toEqual([]);
    expect(cache.admit(3)).toBe(false); // larger than the cache now
  });

  it('a static placement sheds its least wanted, and loads them again at their next use', async () => {
    const { definition, parameters } = await resolvePolicy(parsePolicy('static:by=layer'));
    const sizes = new Float64Array(6).fill(1);
    const context = { experts: 6, sizes, capacityBytes: 4, uniform: true, layerOf: Uint16Array.of(0, 0, 0, 1, 1, 1) };
    const policy = definition.create(context as unknown as PolicyContext, parameters);
    const cache = new ExpertCache(0, sizes, 4, new Pins(new Int32Array(6).fill(UNPINNED)), policy);
    cache.preload();
    expect(residents(cache)).toEqual([0, 3, 4, 5]);
    cache.resize(2);
    expect(residents(cache)).toEqual([3, 4]);
    expect([cache.admit(5), cache.admit(0)]).toEqual([false, false]);
    cache.resize(3);
    expect([cache.admit(5), cache.admit(0)]).toEqual([true, false]);
    expect(policy.victim(NONE, cache.pins)).toBe(NONE);
  });
});

describe('L6: a smaller capacity is split as the whole one was', () => {
  it('evenly, and no layer gets more than it had', () => {
    const model = toyModel([8, 8, 8], [10, 10, 10]);
    expect(evenSplit(model, 90, [4, 4, 3])).toEqual([3, 3, 3]);
    expect(evenSplit(model, 100, [4, 4, 3])).toEqual([4, 3, 3]);
    expect(evenSplit(toyModel([16, 16], [10, 25]), 199, [10, 4])).toEqual([10, 3]);
  });

  it('quotas keep their shares, the rest goes to the earliest layers, up to their quota', () => {
    const model = toyModel([8, 8, 8], [10, 10, 10]);
    expect(shrinkQuotas(model, 120, [6, 4, 2])).toEqual([6, 4, 2]);
    expect(shrinkQuotas(model, 60, [6, 4, 2])).toEqual([3, 2, 1]);
    expect(shrinkQuotas(model, 80, [6, 4, 2])).toEqual([5, 2, 1]); // shares of 4, 2.67 and 1.33; one is left over
    expect(shrinkQuotas(model, 0, [6, 4, 2])).toEqual([0, 0, 0]);
  });
});

/** Random demand of two layers of five experts, and a capacity before each event, as a share of all. */
const resizing = fc.record({
  events: fc.array(fc.tuple(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 8 })), {
    minLength: 1,
    maxLength: 40,
  }),
  sizes: fc.constantFrom([1, 1], [2, 5]),
  scope: fc.constantFrom('global' as const, 'layer' as const),
  sequential: fc.boolean(),
});

describe('L15: the Belady bound of a capacity that changes', () => {
  it('is the most hits that any choice of residents has, found by trying them all', async () => {
    const bits = (set: number): number => [0, 1, 2, 3, 4].filter((id) => (set >> id) & 1).length;
    const steps = fc.array(fc.tuple(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 5 })), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(steps, (all) => {
        // Most hits so far by the set of residents that is left; within an event's capacity any of those before and those demanded may stay.
        let best = new Map([[0, 0]]);
        for (const [ids, slots] of all) {
          const demand = ids.reduce((set, id) => set | (1 << id), 0);
          const next = new Map<number, number>();
          for (const [before, hits] of best) {
            for (let kept = 0; kept < 32; kept++) {
              if ((kept & ~before) !== 0 || bits(kept) > slots) continue; // what the new capacity lets it keep
              for (let after = 0; after < 32; after++) {
                if ((after & ~(kept | demand)) !== 0 || bits(after) > slots) continue;
                next.set(after, Math.max(next.get(after) ?? 0, hits + bits(kept & demand)));
              }
            }
          }
          best = next;
        }
        const log = recordEvents(
          toyModel([5], [1], 3),
          all.map(([ids]) => ({ layer: 0, ids })),
        );
        const capacities = all.map(([, slots]) => slots);
        expect(changingBound(log, 'global', 5, capacities)).toBe(Math.max(...best.values()));
      }),
      { numRuns: cases(60), seed: 14 },
    );
  });
});

const NAMES = POLICIES.map(({ name }) => name);

describe.each(NAMES)('%s while its capacity changes', (name) => {
  it('L8 residents fit after every change of the capacity and after every event', async () => {
    await fc.assert(
      fc.asyncProperty(resizing, async ({ events, scope, sequential, sizes }) => {
        const model = toyModel([5, 5], sizes, 3);
        const all = 5 * (sizes[0]! + sizes[1]!);
        const log = recordEvents(
          model,
          events.map(([ids], i) => ({ layer: i % 2, ids: ids.map((id) => id + 5 * (i % 2)) })),
          sequential,
        );
        const { caches, counts, cursor, replay } = await stepper(log, name, scope, all);
        const check = (): void => {
          for (const cache of caches.caches) {
            const used = residents(cache).reduce((bytes, id) => bytes + cache.sizes[id]!, 0);
            assert.equal(used, cache.usedBytes);
            assert.ok(used <= cache.capacityBytes);
            assert.equal(cache.residentCount, residents(cache).length);
          }
        };
        for (let i = 0; cursor.next(); i++) {
          const shares = caches.split(Math.floor((all * events[i]![1]) / 8));
          for (const [c, cache] of caches.caches.entries()) {
            const before = new Set(residents(cache));
            assert.ok(cache.resize(shares[c]!));
            for (const id of cache.victims.subarray(0, cache.victimCount)) assert.ok(before.delete(id));
            assert.deepEqual(residents(cache), [...before]);
          }
          check();
          replay.event(cursor.layer, cursor.ids, cursor.count);
          check();
        }
        const { hits, misses, demanded } = counts();
        assert.equal(hits + misses, demanded);
        // What the policy knows of its residents is what the cache holds: each can be named, once, and then nobody is left.
        for (const cache of caches.caches) {
          assert.ok(cache.resize(0));
          assert.deepEqual(residents(cache), []);
          assert.equal(cache.policy.victim(NONE, cache.pins), NONE);
        }
      }),
      { numRuns: cases(30), seed: 11 },
    );
  });
});

describe.each(NAMES)('%s beside its bound and beside itself', (name) => {
  it('L8, L15 never more hits than the Belady bound at the same capacities', async () => {
    await fc.assert(
      fc.asyncProperty(resizing, async ({ events, scope, sequential }) => {
        const model = toyModel([5, 5], [1, 1], 3);
        const log = recordEvents(
          model,
          events.map(([ids], i) => ({ layer: i % 2, ids: ids.map((id) => id + 5 * (i % 2)) })),
          sequential,
        );
        const capacities = events.map(([, share]) => Math.floor((10 * share) / 8));
        const spec = name === 'static' ? 'static:preload=off' : name;
        const { caches, counts, cursor, replay } = await stepper(log, spec, scope, 10);
        for (let i = 0; cursor.next(); i++) {
          const shares = caches.split(capacities[i]!);
          for (const [c, cache] of caches.caches.entries()) cache.resize(shares[c]!);
          replay.event(cursor.layer, cursor.ids, cursor.count);
        }
        const bound = changingBound(log, scope, 10, capacities);
        assert.ok(counts().hits <= bound);
        assert.ok(bound <= beladyHits(log, scope, 10));
      }),
      { numRuns: cases(25), seed: 13 },
    );
  });

  it('as large as before, a cache goes on as if nothing had happened', async () => {
    await fc.assert(
      fc.asyncProperty(resizing, async ({ events, scope, sizes }) => {
        const model = toyModel([5, 5], sizes, 3);
        const capacity = 5 * sizes[0]! + 2 * sizes[1]!;
        const log = recordEvents(
          model,
          events.map(([ids], i) => ({ layer: i % 2, ids: ids.map((id) => id + 5 * (i % 2)) })),
        );
        const run = async (resize: boolean) => {
          const { caches, counts, cursor, replay } = await stepper(log, name, scope, capacity);
          while (cursor.next()) {
            replay.event(cursor.layer, cursor.ids, cursor.count);
            if (resize) for (const cache of caches.caches) cache.resize(cache.capacityBytes);
          }
          return counts();
        };
        assert.deepEqual(await run(true), await run(false));
      }),
      { numRuns: cases(8), seed: 12 },
    );
  });
});
