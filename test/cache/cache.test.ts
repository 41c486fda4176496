// One cache: admission, pins of both kinds, preload, removal.
import { describe, expect, it } from 'vitest';
import { ExpertCache } from '../../src/cache/cache.js';
import { lru } from '../../src/cache/policies/lru.js';
import { type CachePolicy, Pins, type PolicyContext, UNPINNED } from '../../src/cache/policy.js';

function lruCache(sizes: number[], capacityBytes: number): ExpertCache {
  const bytes = Float64Array.from(sizes);
  const policy = lru.create({ experts: sizes.length } as PolicyContext, {});
  return new ExpertCache(0, bytes, capacityBytes, new Pins(new Int32Array(sizes.length).fill(UNPINNED)), policy);
}

describe('ExpertCache', () => {
  it('L5: evicts until the bytes suffice, and says whom', () => {
    const cache = lruCache([3, 3, 3, 6], 9);
    for (const id of [0, 1, 2]) expect(cache.admit(id)).toBe(true);
    cache.touch(0);
    expect(cache.admit(3)).toBe(true);
    expect(Array.from(cache.victims.subarray(0, cache.victimCount))).toEqual([1, 2]);
    expect([cache.usedBytes, cache.residentCount, cache.evictions, cache.insertions]).toEqual([9, 2, 2, 4]);
  });

  it('L5: streams what does not fit and what finds no victim', () => {
    const cache = lruCache([3, 3, 3, 10], 6);
    expect(cache.admit(3)).toBe(false);
    cache.admit(0);
    cache.admit(1);
    cache.pins.rank.set([-1, -1]);
    expect(cache.admit(2)).toBe(false);
    expect(Array.from(cache.resident)).toEqual([1, 1, 0, 0]);
  });

  it('L11: a prefetch of rank r may not evict what is planned before it', () => {
    const cache = lruCache([1, 1, 1], 2);
    cache.admit(0);
    cache.admit(1);
    cache.pins.rank.set([4, 9]);
    cache.pins.limit = 4;
    expect(cache.admit(2, false)).toBe(true);
    expect(cache.victims[0]).toBe(0);
    cache.pins.limit = 10;
    expect(cache.admit(0, false)).toBe(true);
    expect(cache.victims[0]).toBe(2);
    cache.pins.rank.set([2, 9]);
    expect(cache.admit(2, false)).toBe(false);
  });

  it('holds nothing where the capacity is less than one expert', () => {
    const cache = lruCache([4, 4], 3);
    expect(cache.admit(0)).toBe(false);
    expect(cache.residentCount).toBe(0);
  });

  it('removes without counting an eviction', () => {
    const cache = lruCache([1, 1], 1);
    cache.admit(0);
    cache.remove(0);
    expect([cache.residentCount, cache.usedBytes, cache.evictions]).toEqual([0, 0, 0]);
    expect(cache.admit(1)).toBe(true);
    expect(cache.victimCount).toBe(0);
  });

  it('preloads what fits, in the policy’s order, and tells it that this is no use', () => {
    const inserted: [number, boolean][] = [];
    const policy: CachePolicy = {
      touch: () => undefined,
      insert: (id, used) => inserted.push([id, used]),
      remove: () => undefined,
      victim: () => -1,
      preload: () => [2, 0, 1],
    };
    const cache = new ExpertCache(0, Float64Array.of(1, 5, 4), 5, new Pins(new Int32Array(3)), policy);
    expect(cache.preload()).toBe(2);
    expect(inserted).toEqual([
      [2, false],
      [0, false],
    ]);
    expect([cache.insertions, cache.usedBytes]).toEqual([0, 5]);
  });
});
