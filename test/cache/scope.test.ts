// L6: how a capacity becomes caches.
import { describe, expect, it } from 'vitest';
import { lru } from '../../src/cache/policies/lru.js';
import { staticPlacement } from '../../src/cache/policies/static.js';
import { buildCaches, type CacheOptions, evenSplit } from '../../src/cache/scope.js';
import { toyModel } from './fixtures.js';

const clock = { event: 0, pass: 0, layer: 0 };
const options = (rest: Partial<CacheOptions> & Pick<CacheOptions, 'model' | 'capacityBytes' | 'scope'>): CacheOptions => ({
  policy: lru,
  parameters: {},
  clock,
  seed: 1,
  ...rest,
});

describe('L6: even split in whole experts', () => {
  it('gives the remainder to the earliest layers', () => {
    expect(evenSplit(toyModel([8, 8, 8], [10, 10, 10]), 110)).toEqual([4, 4, 3]);
    expect(evenSplit(toyModel([8, 8, 8], [10, 10, 10]), 119)).toEqual([4, 4, 3]);
    expect(evenSplit(toyModel([8, 8, 8], [10, 10, 10]), 20)).toEqual([1, 1, 0]);
  });

  it('splits bytes, not experts, where layers differ in size', () => {
    // 100 bytes each: 10 experts of 10, 4 of 25 bytes. Of 205 bytes 5 are left, enough for no one.
    expect(evenSplit(toyModel([16, 16], [10, 25]), 205)).toEqual([10, 4]);
    // 107.5 each: 10 and 4 experts, 15 left: one more of 10 bytes for layer 0.
    expect(evenSplit(toyModel([16, 16], [10, 25]), 215)).toEqual([11, 4]);
  });

  it('gives a layer no more than it has, and the rest to the others', () => {
    expect(evenSplit(toyModel([2, 8], [1, 1]), 8)).toEqual([2, 6]);
  });
});

describe('buildCaches', () => {
  it('shares one cache among all layers in global scope, and one pin rank array everywhere', () => {
    const built = buildCaches(options({ model: toyModel([3, 3]), capacityBytes: 4, scope: 'global' }));
    expect(built.caches).toHaveLength(1);
    expect(built.byLayer[0]).toBe(built.byLayer[1]);
    built.rank[5] = -1;
    expect(built.byLayer[1]!.pins.has(5)).toBe(true);
  });

  it('gives each layer its own cache and local ids in layer scope', () => {
    const { caches, rank } = buildCaches(options({ model: toyModel([3, 4]), capacityBytes: 5, scope: 'layer' }));
    expect(caches.map((cache) => [cache.base, cache.experts, cache.capacityBytes])).toEqual([
      [0, 3, 3],
      [3, 4, 2],
    ]);
    rank[3] = -1;
    expect(caches[1]!.pins.has(0)).toBe(true);
  });

  it('takes quotas, in experts', () => {
    const { caches } = buildCaches(options({ model: toyModel([4, 4], [1, 2]), capacityBytes: 7, scope: 'layer', quotas: [1, 3] }));
    expect(caches.map((cache) => cache.capacityBytes)).toEqual([1, 6]);
  });

  it.each([
    [[1], 'quotas: 1 numbers for 2 MoE layers; give one per layer'],
    [[1, 5], 'quotas: layer 1: 5 is not a number of experts; use a whole number from 0 to 4'],
    [[0.5, 1], 'quotas: layer 0: 0.5 is not a number of experts; use a whole number from 0 to 4'],
    [[4, 4], 'quotas: they take 8 bytes of a capacity of 7; lower them'],
  ])('refuses quotas %j', (quotas, message) => {
    expect(() => buildCaches(options({ model: toyModel([4, 4]), capacityBytes: 7, scope: 'layer', quotas }))).toThrow(message);
  });

  it('refuses quotas in global scope, and a policy whose needs are not met', () => {
    const model = toyModel([4, 4]);
    expect(() => buildCaches(options({ model, capacityBytes: 7, scope: 'global', quotas: [1, 1] }))).toThrow('--scope layer');
    const fiddler = { model, capacityBytes: 7, scope: 'global', policy: staticPlacement, parameters: { by: 'popularity' } } as const;
    expect(() => buildCaches(options(fiddler))).toThrow('policy static: needs the popularity of the experts');
  });
});
