// The part of the expert cache that copies have, and what becomes of it where the cache shrinks.
import { describe, expect, it } from 'vitest';
import { parsePolicy, resolvePolicy } from '../../../src/cache/policies/index.js';
import { UNPINNED } from '../../../src/cache/policy.js';
import { buildCaches } from '../../../src/cache/scope.js';
import { type CopyPool, copyPool } from '../../../src/engine/mechanisms/copies.js';
import { copiesOf, copyRoom } from '../../../src/engine/memory/copies.js';
import { CachedTier } from '../../../src/engine/transfer/tier.js';
import { wholeLink, wholeModel } from '../scenario.js';

const spec = { share: 0.35, policy: parsePolicy('lru'), additive: false };
const times = { experts: 4, bytes: 10, activationNs: 0, denseNs: 0 };
const model = wholeModel([times], 2, 0);
const clock = { event: 0, pass: 0, layer: 0 };

describe('copyRoom', () => {
  it('is a share of the capacity in whole bytes, and nothing where every expert fits whole', () => {
    expect([copyRoom(spec, 30, 40), copyRoom(spec, 40, 40), copyRoom(spec, 0, 40), copyRoom(undefined, 30, 40)]).toEqual([10, 0, 0, 0]);
  });

  it('holds copies that are rounded up', () => {
    expect(copiesOf(model, 0.33).layers.map(({ expertBytes }) => expertBytes)).toEqual([4]);
  });
});

describe('a tier whose copies stay', () => {
  async function tierOf(capacityBytes: number): Promise<{ tier: CachedTier; copies: CopyPool }> {
    const policy = await resolvePolicy(spec.policy);
    const roomBytes = copyRoom(spec, capacityBytes, 40);
    const copies = copyPool({ model, clock, seed: 1, scope: 'global', spec, policy, copyBytes: 0.5, roomBytes });
    const rank = new Int32Array(model.experts).fill(UNPINNED);
    const { definition, parameters } = policy;
    const wholeBytes = capacityBytes - roomBytes;
    const caches = buildCaches({ model, policy: definition, parameters, capacityBytes: wholeBytes, scope: 'global', clock, seed: 1, rank });
    const tier = new CachedTier(caches, rank, wholeLink('h2d', 1));
    copies.lieIn(tier);
    return { tier, copies };
  }

  it('counts the bytes of both, and gives up of both what it loses', async () => {
    const { copies, tier } = await tierOf(30);
    for (const id of [2, 3]) tier.admit(id, 0, true, 0);
    for (const id of [0, 1]) copies.admit(id, true);
    expect([tier.usedBytes, tier.peakBytes]).toEqual([30, 30]);
    // Of 15 bytes copies have 5: one of each is left, the one that was used last.
    expect(tier.resize(15, 0)).toBe(0);
    expect([tier.holds(2, 0), tier.holds(3, 0), copies.holds(0), copies.holds(1)]).toEqual([false, true, false, true]);
    expect([tier.usedBytes, copies.usedBytes]).toEqual([15, 5]);
    tier.resize(30, 0);
    expect([copies.admit(0, true), copies.holds(1), tier.usedBytes]).toEqual([true, true, 20]);
  });

  it('keeps copies that the running event uses', async () => {
    const { copies, tier } = await tierOf(30);
    for (const id of [0, 1]) {
      copies.admit(id, true);
      copies.pin(id);
    }
    expect([copies.admit(2, true), copies.evictions]).toEqual([false, 0]);
    copies.unpinAll();
    expect([copies.admit(2, true), copies.evictions, copies.holds(0)]).toEqual([true, 1, false]);
    copies.merge(2);
    expect([copies.holds(2), tier.usedBytes]).toEqual([false, 5]);
  });
});
