// Decayed counts: hysteresis, by hand. Whom it evicts is told in behaviour.test.ts.
import { describe, expect, it } from 'vitest';
import { resolveParameters } from '../../../src/base/parameters.js';
import { lfuDecay } from '../../../src/cache/policies/lfu-decay.js';
import { buildCaches } from '../../../src/cache/scope.js';
import { toyModel } from '../fixtures.js';

function cacheOf(parameters: Record<string, unknown>) {
  const model = toyModel([4]);
  const resolved = resolveParameters('lfu-decay', lfuDecay.parameters, parameters);
  const clock = { event: 0, pass: 0, layer: 0 };
  return buildCaches({ model, policy: lfuDecay, parameters: resolved, capacityBytes: 1, scope: 'global', clock, seed: 1 }).caches[0]!;
}

describe('lfu-decay', () => {
  it('admits a newcomer whose count exceeds that of its victim by as much as hysteresis says', () => {
    const cache = cacheOf({ hysteresis: 0.5 });
    cache.admit(0);
    cache.touch(0); // 2 uses
    for (let uses = 0; uses < 3; uses++) cache.policy.streamed!(1);
    expect(cache.admit(1, false)).toBe(false); // 3 is not more than 1.5 x 2
    cache.policy.streamed!(1);
    expect(cache.admit(1, false)).toBe(true);
    expect([cache.resident[0], cache.resident[1]]).toEqual([0, 1]);
  });

  it('starts with what is popular where it is told to', () => {
    const model = toyModel([4]);
    const parameters = resolveParameters('lfu-decay', lfuDecay.parameters, { start: 'popularity' });
    const popularity = Float64Array.of(1, 5, 2, 5);
    const clock = { event: 0, pass: 0, layer: 0 };
    const [cache] = buildCaches({
      model,
      policy: lfuDecay,
      parameters,
      capacityBytes: 2,
      scope: 'global',
      clock,
      seed: 1,
      popularity,
    }).caches;
    expect(cache!.preload()).toBe(2);
    expect([...cache!.resident]).toEqual([0, 1, 0, 1]);
    // A preload is no use: the first that is used takes the place of one.
    expect(cache!.admit(0)).toBe(true);
  });

  it('admits all without it', () => {
    const cache = cacheOf({});
    cache.admit(0);
    cache.touch(0);
    expect(cache.admit(1)).toBe(true);
  });
});
