// The bound at several capacities against the bound at each, event by event: the slots of one are levels of the other.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BeladyBound } from '../../../src/cache/bounds/belady-bound.js';
import { BeladyCurve } from '../../../src/cache/curves/belady-curve.js';
import { LruCurve } from '../../../src/cache/curves/lru-curve.js';
import type { Scope } from '../../../src/cache/scope.js';
import { cases } from '../../cases.js';
import { toyModel } from '../fixtures.js';
import { recordEvents, replayLog } from '../replaying.js';

/** A model, capacities in bytes, and events of distinct members by dense id; wide enough that small caches stream. */
const worlds = fc
  .record({
    experts: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
    bytes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 3, maxLength: 3 }),
  })
  .chain(({ experts, bytes }) => {
    const model = toyModel(experts, bytes.slice(0, experts.length));
    const event = fc.nat(experts.length - 1).chain((layer) => {
      const own = Array.from({ length: experts[layer]! }, (_, id) => model.layers[layer]!.offset + id);
      return fc.shuffledSubarray(own, { minLength: 1 }).map((ids) => ({ layer, ids }));
    });
    return fc.record({
      model: fc.constant(model),
      capacities: fc.array(fc.nat(60), { minLength: 1, maxLength: 9 }),
      events: fc.array(event, { maxLength: 200, size: 'max' }),
    });
  });

describe.each<Scope>(['global', 'layer'])('curves in scope %s', (scope) => {
  it.each([false, true])('have the bound of each capacity; preloaded: %s', (preloaded) => {
    fc.assert(
      fc.property(worlds, ({ model, capacities, events }) => {
        const curve = new BeladyCurve(model, scope, capacities, preloaded);
        const bounds = capacities.map((bytes) => new BeladyBound(model, scope, bytes, null, preloaded));
        for (const { layer, ids } of events) for (const one of [curve, ...bounds]) one.event(layer, Int32Array.from(ids), ids.length);
        expect(curve.hits()).toEqual(bounds.map(({ hits }) => hits));
      }),
      { numRuns: cases(150) },
    );
  });

  it('hit as often as a replay under LRU, whatever the width of events', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async ({ model, capacities, events }) => {
        const curve = new LruCurve(
          model,
          scope,
          capacities.map((bytes) => ({ bytes, quotas: null })),
        );
        for (const { layer, ids } of events) curve.event(layer, Int32Array.from(ids), ids.length);
        const log = recordEvents(model, events);
        for (const [c, counts] of curve.counts().entries()) {
          const { hits, insertions, evictions } = await replayLog(log, 'lru', scope, capacities[c]!);
          const sum = (of: 'insertions' | 'evictions') => counts.caches.reduce((total, cache) => total + cache[of], 0);
          expect([counts.hits.reduce((a, b) => a + b, 0), sum('insertions'), sum('evictions')]).toEqual([hits, insertions, evictions]);
        }
        log.close();
      }),
      { numRuns: cases(100) },
    );
  });
});
