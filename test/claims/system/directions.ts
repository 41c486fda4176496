// What the papers say of their systems against others, as directions that hold on recorded routing, one request at a time.
import { beforeAll, describe, expect, it } from 'vitest';
import type { Override } from '../../../src/base/yaml.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import type { Result } from '../../../src/result/result.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { loadSystem } from '../../../src/system/system.js';
import { describedSystems } from '../../system/page.js';

/** A run of a system with a quarter of the experts cached, unless it fixes its cache. */
export function runOf(base: RunInput, system: string, overrides: readonly Override[] = []): Promise<Result> {
  const memory = loadSystem(system).value.cache.capacity === undefined ? { expertCache: '25%' } : {};
  return simulateRun(checkRun({ ...base, system, memory, bounds: false }, 'test', overrides));
}

/** Value of a metric that the result must have. */
export const value = (result: Result, name: string): number => result.metrics[name]!.value;

/** Runs by system, and their figures. */
class Runs {
  readonly results = new Map<string, Result>();

  of(name: string, metric: string): number {
    return value(this.results.get(name)!, metric);
  }
  tpot(name: string): number {
    return this.of(name, 'latency.tpot.mean');
  }
  hits(name: string): number {
    return this.of(name, 'cache.hit_rate');
  }
  moved(name: string): number {
    return this.of(name, 'transfer.h2d.bytes_per_token');
  }
}

/** Tests of what holds for every bundled system on the routing of `base`. */
export function describeDirections(base: RunInput): void {
  describe('on one GPU, one request at a time', () => {
    const runs = new Runs();
    beforeAll(async () => {
      // Those that choose among candidates need a wider trace.
      const names = describedSystems().filter(({ spec }) => spec.rerank === undefined);
      for (const { name } of names) runs.results.set(name, await runOf(base, name));
    });
    testTraffic(runs);
    testPapers(runs);
  });

  it('hybrimoe, which fills the cache while the CPU helps, waits less than ktransformers, which does not (2504.05897)', async () => {
    // Over the first hundreds of tokens what was counted right before them is as good as what a cache has learned.
    const workload = { tokens: 1500, holdOut: '20%' };
    const tpot = async (system: string): Promise<number> => value(await runOf({ ...base, workload }, system), 'latency.tpot.mean');
    const still = await tpot('ktransformers');
    expect(await tpot('hybrimoe')).toBeLessThan(still);
    expect(await tpot('dali')).toBeLessThan(still);
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

/** What moves, and what waits for it. */
function testTraffic(runs: Runs): void {
  it('L8: what is moved is what was loaded and prefetched, and nothing is lost', () => {
    for (const [name, result] of runs.results) {
      // Metrics of prefetching are there where something is predicted.
      const at = (metric: string): number => result.metrics[metric]?.value ?? (metric.includes('prefetch') ? 0 : Number.NaN);
      expect(at('cache.hits') + at('cache.late') + at('cache.misses'), name).toBe(at('experts.demanded'));
      expect(at('transfer.on_demand.count') + at('transfer.prefetch.count'), name).toBe(at('transfer.h2d.count'));
      const decided = at('prefetch.useful') + at('prefetch.late') + at('prefetch.wasted') + at('prefetch.pending');
      expect(decided, name).toBe(at('transfer.prefetch.count'));
    }
  });

  it('nothing is faster than everything resident', () => {
    for (const name of runs.results.keys()) expect(runs.tpot(name), name).toBeGreaterThanOrEqual(runs.tpot('all-resident') * (1 - 1e-9));
  });

  it('without a cache every expert is moved: no-cache and od-moe move the same, to a prefetch in vain, and more than those that cache', () => {
    expect(runs.moved('od-moe') / runs.moved('no-cache')).toBeGreaterThan(0.98);
    expect(runs.moved('od-moe') / runs.moved('no-cache')).toBeLessThan(1.02);
    // Those that stream whole layers, or bring hot experts without a cache, move what nobody asks for.
    const lavish = ['flexgen', 'klotski', 'moe-gen', 'od-moe', 'se-moe'];
    for (const name of runs.results.keys())
      if (!lavish.includes(name)) expect(runs.moved(name), name).toBeLessThanOrEqual(runs.moved('no-cache'));
    // But od-moe waits less: it loads ahead (2512.03927, its whole point).
    expect(runs.tpot('od-moe')).toBeLessThan(runs.tpot('no-cache'));
  });

  it('ktransformers moves nothing, llama.cpp-static nothing but for prompts: the CPU computes every miss', () => {
    expect(runs.moved('ktransformers')).toBe(0);
    for (const name of ['ktransformers', 'llama.cpp-static']) {
      // Where nothing but tokens is decoded, there is no figure by phase.
      const { metrics } = runs.results.get(name)!;
      expect((metrics['cache.streamed.decode'] ?? metrics['cache.streamed'])!.value, name).toBe(0);
      expect(runs.of(name, 'time.cpu'), name).toBeGreaterThan(0);
    }
  });
}

/** What papers say of single systems. */
function testPapers(runs: Runs): void {
  it('fiddler, which takes the cheaper of CPU and link, waits less than those that take one of the two always (2402.07033)', () => {
    for (const name of ['on-demand-lru', 'mixtral-offloading', 'llama.cpp-static'])
      expect(runs.tpot('fiddler'), name).toBeLessThan(runs.tpot(name));
  });

  it('expertflow hits more than LRU, and more than without its prediction or its cache (2410.17954, fig. 10)', () => {
    expect(runs.hits('expertflow')).toBeGreaterThan(runs.hits('on-demand-lru') + 0.02);
    for (const name of ['expertflow-no-predictor', 'expertflow-no-plec', 'expertflow-last-token']) {
      expect(runs.hits('expertflow'), name).toBeGreaterThan(runs.hits(name));
      expect(runs.tpot('expertflow'), name).toBeLessThan(runs.tpot(name));
    }
  });

  it('read-me hits about ten points more than LRU, as it knows the future (2410.19123: 77.2 against 67.0 %)', () => {
    expect(runs.hits('read-me') - runs.hits('on-demand-lru')).toBeGreaterThan(0.05);
  });

  it('hobbit waits less than LRU, since what matters little is a quarter of the bytes (2411.01433)', () => {
    expect(runs.tpot('hobbit')).toBeLessThan(runs.tpot('on-demand-lru'));
    expect(runs.of('hobbit', 'quality.degraded_rate')).toBeGreaterThan(0);
  });

  it('slicemoe moves less than LRU and waits less, since slices are half the bytes and the rest is only brought (2512.12990)', () => {
    expect(runs.moved('slicemoe')).toBeLessThan(runs.moved('on-demand-lru'));
    expect(runs.tpot('slicemoe')).toBeLessThan(runs.tpot('on-demand-lru'));
    expect(runs.of('slicemoe', 'cache.copy_hit_rate')).toBeGreaterThan(0.1);
  });

  it('knowing the routing of the next layer hides part of the loads, knowing all of it more (2308.12066, 2410.19123)', () => {
    expect(runs.tpot('pre-gated-moe')).toBeLessThan(runs.tpot('on-demand-lru'));
    expect(runs.tpot('read-me')).toBeLessThan(runs.tpot('pre-gated-moe'));
  });
}
