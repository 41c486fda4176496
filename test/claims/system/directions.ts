// What the papers say of their systems against others, as directions that hold on recorded routing, one request at a time.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Override } from '../../../src/base/yaml.js';
import { simulate, simulateRun } from '../../../src/engine/simulate.js';
import type { Result } from '../../../src/result/result.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { loadSystem } from '../../../src/system/system.js';
import { describedSystems } from '../../system/page.js';

/** A run of a system with a quarter of the experts cached, unless it fixes its cache. */
export function runOf(base: RunInput, system: string): Promise<Result> {
  const memory = loadSystem(system).value.cache.capacity === undefined ? { expertCache: '25%' } : {};
  return simulate({ ...base, system, memory, bounds: false });
}

/** Value of a metric that the result must have. */
export const value = (result: Result, name: string): number => result.metrics[name]!.value;

/** Tests of what holds for every bundled system on the routing of `base`. */
export function describeDirections(base: RunInput): void {
  describe('on one GPU, one request at a time', () => {
    const results = new Map<string, Result>();
    const of = (name: string, metric: string): number => value(results.get(name)!, metric);
    const tpot = (name: string): number => of(name, 'latency.tpot.mean');
    const hits = (name: string): number => of(name, 'cache.hit_rate');
    const moved = (name: string): number => of(name, 'transfer.h2d.bytes_per_token');

    beforeAll(async () => {
      // Those that choose among candidates need a wider trace.
      const names = describedSystems().filter(({ spec }) => spec.rerank === undefined);
      for (const { name } of names) results.set(name, await runOf(base, name));
    });

    it('L8: what is moved is what was loaded and prefetched, and nothing is lost', () => {
      for (const [name, result] of results) {
        // Metrics of prefetching are there where something is predicted.
        const at = (metric: string): number => result.metrics[metric]?.value ?? (metric.includes('prefetch') ? 0 : Number.NaN);
        expect(at('cache.hits') + at('cache.late') + at('cache.misses'), name).toBe(at('experts.demanded'));
        expect(at('transfer.on_demand.count') + at('transfer.prefetch.count'), name).toBe(at('transfer.h2d.count'));
        const decided = at('prefetch.useful') + at('prefetch.late') + at('prefetch.wasted') + at('prefetch.pending');
        expect(decided, name).toBe(at('transfer.prefetch.count'));
      }
    });

    it('nothing is faster than everything resident', () => {
      for (const name of results.keys()) expect(tpot(name), name).toBeGreaterThanOrEqual(tpot('all-resident') * (1 - 1e-9));
    });

    it('without a cache every expert is moved: no-cache and od-moe move the same, to a prefetch in vain, and more than those that cache', () => {
      expect(moved('od-moe') / moved('no-cache')).toBeGreaterThan(0.98);
      expect(moved('od-moe') / moved('no-cache')).toBeLessThan(1.02);
      // Those that stream whole layers, or bring hot experts without a cache, move what nobody asks for.
      const lavish = ['flexgen', 'klotski', 'moe-gen', 'od-moe', 'se-moe'];
      for (const name of results.keys()) if (!lavish.includes(name)) expect(moved(name), name).toBeLessThanOrEqual(moved('no-cache'));
      // But od-moe waits less: it loads ahead (2512.03927, its whole point).
      expect(tpot('od-moe')).toBeLessThan(tpot('no-cache'));
    });

    it('ktransformers moves nothing, llama.cpp-static nothing but for prompts: the CPU computes every miss', () => {
      expect(moved('ktransformers')).toBe(0);
      for (const name of ['ktransformers', 'llama.cpp-static']) {
        // Where nothing but tokens is decoded, there is no figure by phase.
        const { metrics } = results.get(name)!;
        expect((metrics['cache.streamed.decode'] ?? metrics['cache.streamed'])!.value, name).toBe(0);
        expect(of(name, 'time.cpu'), name).toBeGreaterThan(0);
      }
    });

    it('fiddler, which takes the cheaper of CPU and link, waits less than those that take one of the two always (2402.07033)', () => {
      for (const name of ['on-demand-lru', 'mixtral-offloading', 'llama.cpp-static'])
        expect(tpot('fiddler'), name).toBeLessThan(tpot(name));
    });

    it('hybrimoe, which fills the cache while the CPU helps, waits less than ktransformers, which does not (2504.05897)', () => {
      expect(tpot('hybrimoe')).toBeLessThan(tpot('ktransformers'));
      expect(tpot('dali')).toBeLessThan(tpot('ktransformers'));
    });

    it('expertflow hits more than LRU, and more than without its prediction or its cache (2410.17954, fig. 10)', () => {
      expect(hits('expertflow')).toBeGreaterThan(hits('on-demand-lru') + 0.02);
      for (const name of ['expertflow-no-predictor', 'expertflow-no-plec', 'expertflow-last-token']) {
        expect(hits('expertflow'), name).toBeGreaterThan(hits(name));
        expect(tpot('expertflow'), name).toBeLessThan(tpot(name));
      }
    });

    it('read-me hits about ten points more than LRU, as it knows the future (2410.19123: 77.2 against 67.0 %)', () => {
      expect(hits('read-me') - hits('on-demand-lru')).toBeGreaterThan(0.05);
    });

    it('hobbit waits less than LRU, since what matters little is a quarter of the bytes (2411.01433)', () => {
      expect(tpot('hobbit')).toBeLessThan(tpot('on-demand-lru'));
      expect(of('hobbit', 'quality.degraded_rate')).toBeGreaterThan(0);
    });

    it('slicemoe moves less than LRU and waits less, since slices are half the bytes and the rest is only brought (2512.12990)', () => {
      expect(moved('slicemoe')).toBeLessThan(moved('on-demand-lru'));
      expect(tpot('slicemoe')).toBeLessThan(tpot('on-demand-lru'));
      expect(of('slicemoe', 'cache.copy_hit_rate')).toBeGreaterThan(0.1);
    });

    it('knowing the routing of the next layer hides part of the loads, knowing all of it more (2308.12066, 2410.19123)', () => {
      expect(tpot('pre-gated-moe')).toBeLessThan(tpot('on-demand-lru'));
      expect(tpot('read-me')).toBeLessThan(tpot('pre-gated-moe'));
    });
  });

  describe('with a tenth of the experts cached, and a link that keeps nobody waiting', () => {
    it('moe-beyond hits far more than LRU (2508.17137, which simulates no time: 72 against 17 %)', async () => {
      const fast: Override = { path: ['hardware', 'links', 'h2d', 'bandwidth'], value: '100 TB/s', label: 'test' };
      const prompt: Override = { path: ['hardware', 'links', 'h2d', 'latency'], value: '0s', label: 'test' };
      const hit = async (system: string): Promise<number> => {
        const input: RunInput = { ...base, system, memory: { expertCache: '10%' }, bounds: false };
        return value(await simulateRun(checkRun(input, 'test', [fast, prompt])), 'cache.hit_rate');
      };
      expect((await hit('moe-beyond')) - (await hit('on-demand-lru'))).toBeGreaterThan(0.25);
    });
  });
}
