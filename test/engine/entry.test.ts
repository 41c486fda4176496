// A wrong argument at the entry of caches, links and bounds is a bug that a law names, never a figure.
import { describe, expect, it } from 'vitest';
import { InternalError, within } from '../../src/base/errors.js';
import { BeladyBound } from '../../src/cache/bounds/belady-bound.js';
import { ExpertCache } from '../../src/cache/cache.js';
import type { CachePolicy, Pins } from '../../src/cache/policy.js';
import { Link } from '../../src/engine/transfer/link.js';
import { uniformModel } from '../trace/builders.js';

const SPEC = { name: 'h2d', bandwidth: 1e9, latencyNs: 0, lanes: 1, chunkBytes: null } as const;
const cacheOf = (bytes: number) => new ExpertCache(0, new Float64Array([1]), bytes, {} as Pins, {} as CachePolicy);
const boundOf = (bytes: number) => new BeladyBound(uniformModel(2, 4, 1), 'global', bytes, null, false);

describe('at entry', () => {
  it.each([
    ['L6: capacity of a cache, bytes, is NaN', () => cacheOf(Number.NaN)],
    ['L6: capacity of a cache, bytes, is -1', () => cacheOf(-1)],
    ['L15: capacity of the bound, bytes, is NaN', () => boundOf(Number.NaN)],
    ['L10: bandwidth of h2d, bytes/s, is 0', () => new Link({ ...SPEC, bandwidth: 0 }, new Float64Array(1))],
    ['L10: latency of h2d, ns, is -5', () => new Link({ ...SPEC, latencyNs: -5 }, new Float64Array(1))],
    ['L10: lanes of h2d is 0', () => new Link({ ...SPEC, lanes: 0 }, new Float64Array(1))],
  ])('%s', (message, make) => {
    expect(make).toThrow(InternalError);
    expect(make).toThrow(message);
  });

  it('takes what is within, both ends included', () => {
    for (const value of [0, 1, Number.POSITIVE_INFINITY]) expect(() => within('L6', 'it', value)).not.toThrow();
    expect(() => within('L6', 'it', 3, 0, 2)).toThrow('L6: it is 3, not 0 to 2');
    for (const make of [() => cacheOf(0), () => boundOf(0), () => new Link(SPEC, new Float64Array(1))]) expect(make).not.toThrow();
  });
});
