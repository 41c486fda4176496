// Random routing takes from a cache what recorded routing gives it.
import { expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';

it('hits less with random routing than with the recorded one, whatever the policy', async () => {
  for (const policy of ['lru', 'lfu', 's3-fifo']) {
    const system = { name: policy, cache: { policy, scope: 'layer' } };
    const [recorded, random] = await Promise.all(
      [{}, { variants: 'random' }].map((more) => simulate({ trace: 'mini-mixtral-8x8l', memory: { expertCache: '25%' }, system, ...more })),
    );
    // A quarter of the experts by chance holds a quarter of what is asked for.
    expect(random!.metrics['cache.hit_rate.decode']!.value).toBeCloseTo(0.25, 1);
    expect(recorded!.metrics['cache.hit_rate.decode']!.value).toBeGreaterThan(random!.metrics['cache.hit_rate.decode']!.value);
  }
});
