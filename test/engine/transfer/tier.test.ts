// A cached tier: what its caches evict, and what it counts.
import { describe, expect, it } from 'vitest';
import { ExpertCache } from '../../../src/cache/cache.js';
import { type CachePolicy, NONE, Pins, UNPINNED } from '../../../src/cache/policy.js';
import { CachedTier } from '../../../src/engine/transfer/tier.js';
import { wholeLink } from '../scenario.js';

/** Evicts the smallest id; streams odd ids. */
function oddOnesPass(cache: () => ExpertCache): CachePolicy {
  return {
    touch() {},
    insert() {},
    remove() {},
    victim: (_incoming, pins) => [...cache().resident.keys()].find((id) => cache().resident[id] === 1 && !pins.has(id)) ?? NONE,
    bypasses: (incoming) => incoming % 2 === 1,
  };
}

function tierOf(experts: number, slots: number): CachedTier {
  const rank = new Int32Array(experts).fill(UNPINNED);
  const cache: ExpertCache = new ExpertCache(
    0,
    new Float64Array(experts).fill(10),
    slots * 10,
    new Pins(rank),
    oddOnesPass(() => cache),
  );
  return new CachedTier({ caches: [cache], byLayer: [cache], split: (bytes) => [bytes] }, rank, wholeLink('h2d', 1));
}

describe('CachedTier', () => {
  it('reports the victims of the last admission only, also where the policy then lets an expert pass', () => {
    const tier = tierOf(8, 1);
    expect(tier.admit(0, 0, true, 0)).toBe(true);
    expect(tier.admit(2, 0, true, 0)).toBe(true);
    expect([...tier.victims.subarray(0, tier.victimCount)]).toEqual([0]);
    expect(tier.admit(3, 0, true, 0)).toBe(false);
    expect(tier.victimCount).toBe(0);
    expect(tier.serve(Int32Array.of(4, 5, 6), 3, 0)).toBe(1);
    expect([...tier.victims.subarray(0, tier.victimCount)]).toEqual([2, 4]);
    expect([tier.usedBytes, tier.peakBytes]).toEqual([10, 10]);
  });

  it('pins by rank: a plan protects what stands before, a pin everything', () => {
    const tier = tierOf(8, 2);
    tier.admit(0, 0, true, 0);
    tier.admit(2, 0, true, 0);
    tier.planned(0, 1);
    tier.pin(2);
    expect(tier.admit(4, 0, false, 1)).toBe(true); // rank 1 is not below the limit of 1
    expect([...tier.victims.subarray(0, tier.victimCount)]).toEqual([0]);
    tier.planned(4, 0);
    expect(tier.admit(6, 0, false, 1)).toBe(false); // 4 is planned before it, 2 is pinned
    tier.unpin(2);
    expect(tier.admit(6, 0, false, 1)).toBe(true);
    expect([...tier.victims.subarray(0, tier.victimCount)]).toEqual([2]);
  });
});
