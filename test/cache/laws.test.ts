// Laws L1-L7 and L8 as properties over small random runs: against a naive reference, and for every policy in the registry.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { POLICIES } from '../../src/cache/policies/index.js';
import { evenSplit } from '../../src/cache/scope.js';
import { cases } from '../cases.js';
import { toyModel } from './fixtures.js';
import { type Event, type ReferencePolicy, reference } from './reference.js';
import { beladyHits, recordEvents, replayLog, stepper } from './replaying.js';

const NAMES = POLICIES.map((policy) => policy.name);

/** Layers of `experts[l]` experts, events that walk them in order as passes do, and capacities. */
function runs(bytes: fc.Arbitrary<number>): fc.Arbitrary<{ experts: number[]; bytes: number[]; events: Event[]; capacity: number }> {
  return fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), bytes), { minLength: 1, maxLength: 3 }).chain((layers) => {
    const experts = layers.map(([count]) => count);
    const total = layers.reduce((sum, [count, size]) => sum + count * size, 0);
    const offset = (layer: number) => experts.slice(0, layer).reduce((sum, count) => sum + count, 0);
    const demand = (layer: number) =>
      fc.shuffledSubarray(
        Array.from({ length: experts[layer]! }, (_, expert) => offset(layer) + expert),
        { minLength: 1, maxLength: Math.min(3, experts[layer]!) },
      );
    const pass = fc.tuple(...experts.map((_, layer) => demand(layer)));
    return fc.record({
      experts: fc.constant(experts),
      bytes: fc.constant(layers.map(([, size]) => size)),
      events: fc
        .array(pass, { minLength: 1, maxLength: 14 })
        .map((passes) => passes.flatMap((members) => members.map((ids, layer): Event => ({ layer, ids })))),
      capacity: fc.integer({ min: 0, max: total }),
    });
  });
}

const equalSizes = runs(fc.constant(1));
const anySizes = runs(fc.integer({ min: 1, max: 5 }));

describe('L1-L6 against a naive reference', () => {
  const policies: ReferencePolicy[] = ['lru', 'fifo', 'lfu', 'lfu-resident', 'mru', 'belady', 'belady-admit'];
  it.each(policies.flatMap((policy) => [[policy, 'global'] as const, [policy, 'layer'] as const]))(
    '%s, scope %s',
    async (policy, scope) => {
      await fc.assert(
        fc.asyncProperty(equalSizes, async ({ experts, bytes, events, capacity }) => {
          const model = toyModel(experts, bytes);
          const slots = scope === 'global' ? [capacity] : evenSplit(model, capacity);
          const expected = reference(model, events, policy, slots, (layer) => (scope === 'global' ? 0 : layer));
          expect(await replayLog(recordEvents(model, events), policy, scope, capacity)).toMatchObject(expected);
        }),
        { numRuns: cases(150) },
      );
    },
  );
});

describe.each(NAMES)('%s', (name) => {
  it.each(['global', 'layer'] as const)(
    'L2, L4, L8, scope %s: counts add up, no pinned victim, never over capacity, any sizes',
    async (scope) => {
      await fc.assert(
        fc.asyncProperty(anySizes, fc.boolean(), async ({ experts, bytes, events, capacity }, sequential) => {
          const model = toyModel(experts, bytes);
          const { caches, replay, cursor, counts } = await stepper(recordEvents(model, events, sequential), name, scope, capacity);
          let demanded = 0;
          while (cursor.next()) {
            const cache = caches.byLayer[cursor.layer]!;
            const members = Array.from(cursor.ids.subarray(0, cursor.count));
            const before = members.filter((id) => cache.resident[id - cache.base] === 1);
            replay.event(cursor.layer, cursor.ids, cursor.count);
            demanded += members.length;
            if (!sequential) for (const id of before) assert.equal(cache.resident[id - cache.base], 1);
            for (const each of caches.caches) {
              const used = each.resident.reduce((sum, owns, id) => sum + owns * each.sizes[id]!, 0);
              assert.equal(used, each.usedBytes);
              assert.ok(used <= each.capacityBytes);
              assert.equal(
                each.residentCount,
                each.resident.reduce((sum, owns) => sum + owns, 0),
              );
            }
          }
          const total = counts();
          assert.equal(total.demanded, demanded);
          assert.equal(total.hits + total.misses, demanded);
          assert.equal(total.insertions, total.misses - total.streamed);
          const preloaded = caches.caches.reduce((sum, cache) => sum + cache.residentCount, 0) - total.insertions + total.evictions;
          assert.equal(preloaded, name === 'static' ? preloaded : 0);
        }),
        { numRuns: cases(60) },
      );
    },
  );

  it('L8, L15: never more hits than the Belady bound, any sizes', async () => {
    const scopes = fc.constantFrom('global' as const, 'layer' as const);
    await fc.assert(
      fc.asyncProperty(fc.oneof(equalSizes, anySizes), scopes, fc.boolean(), async (run, scope, sequential) => {
        const log = recordEvents(toyModel(run.experts, run.bytes), run.events, sequential);
        const { hits } = await replayLog(log, name, scope, run.capacity);
        assert.ok(hits <= beladyHits(log, scope, run.capacity, name === 'static'));
      }),
      { numRuns: cases(120) },
    );
  });
});

describe.each(NAMES)('%s, run twice and with room for everything', (name) => {
  it('L16: the same run twice gives the same counts', async () => {
    await fc.assert(
      fc.asyncProperty(anySizes, async ({ experts, bytes, events, capacity }) => {
        const log = recordEvents(toyModel(experts, bytes), events);
        assert.deepEqual(await replayLog(log, name, 'global', capacity), await replayLog(log, name, 'global', capacity));
      }),
      { numRuns: cases(20) },
    );
  });

  it('keeps everything where everything fits', async () => {
    await fc.assert(
      fc.asyncProperty(anySizes, async ({ experts, bytes, events }) => {
        const model = toyModel(experts, bytes);
        const all = experts.reduce((sum, count, layer) => sum + count * bytes[layer]!, 0);
        const { misses, evictions, streamed } = await replayLog(recordEvents(model, events), name, 'global', all);
        const distinct = new Set(events.flatMap((event) => event.ids)).size;
        assert.deepEqual({ misses, evictions, streamed }, { misses: name === 'static' ? 0 : distinct, evictions: 0, streamed: 0 });
      }),
      { numRuns: cases(20) },
    );
  });
});
