// ExpertFlow against on-demand LRU on recorded routing.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { Result } from '../../../src/result/result.js';
import type { RunInput } from '../../../src/system/run.js';

const value = (result: Result, name: string): number => result.metrics[name]!.value;

/** Tests that ExpertFlow closes part of the gap between LRU and Belady on the routing of `base`, and waits less. */
export function describeExpertFlow(title: string, base: RunInput): void {
  describe(title, () => {
    const run = (system: string, batch: number) =>
      simulate({ ...base, system, memory: { expertCache: '25%' }, workload: { batch, tokens: 640 } });

    it.each([1, 16])('at batch %i expertflow hits more than on-demand LRU, and waits less', { timeout: 60_000 }, async (batch) => {
      const lru = await run('on-demand-lru', batch);
      const expertflow = await run('expertflow', batch);
      const floor = value(lru, 'cache.hit_rate');
      const gap = value(lru, 'bound.belady.hit_rate') - floor;
      expect((value(expertflow, 'cache.hit_rate') - floor) / gap).toBeGreaterThan(0.15);
      expect(value(expertflow, 'time.stall')).toBeLessThan(value(lru, 'time.stall'));
      expect(value(expertflow, 'prefetch.stall_avoided')).toBeGreaterThan(0);
      // The other ExpertFlow looks as far as the link asks for.
      expect(value(await run('expertflow-shen', batch), 'prefetch.horizon')).toBeGreaterThanOrEqual(1);
    });
  });
}
