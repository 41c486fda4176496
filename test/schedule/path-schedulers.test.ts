// Schedulers that group by path, exactly: where there is nothing to group, what composing costs, and passes that are run again. What
// grouping saves is in test/claims.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { of, serve } from './serve.js';

describe('expertflow', () => {
  it('keeps no pool where a pass is one request: everything is as with fcfs', async () => {
    const one = (scheduler: string) =>
      simulate({
        model: 'switch-base-32',
        system: { name: 'test', cache: { policy: 'lru' }, scheduler },
        memory: { expertCache: '25%' },
        workload: { batch: 1, tokens: 300, prompt: 40, output: 35 },
      });
    const [grouped, plain] = [await one('expertflow'), await one('fcfs')];
    for (const [name, metric] of Object.entries(plain.metrics)) expect([name, grouped.metrics[name]]).toEqual([name, metric]);
    expect(of(grouped, 'schedule.time')).toBe(0);
  });

  it('charges the time of composing a round where nothing hides it', async () => {
    expect(of(await serve('expertflow:overlap=off,mergeKv=off', 'switch-base-32'), 'schedule.time')).toBeGreaterThan(0);
    // Only the first round has no pass to be composed under: 32 x 31 / 2 pairs, 12 x 32 experts in 12 words.
    expect(of(await serve('expertflow:overlap=on,mergeKv=off', 'switch-base-32'), 'schedule.time')).toBe(496 * 12);
    expect(of(await serve('expertflow:overlap=off,wordNs=0,mergeKv=off', 'switch-base-32'), 'schedule.time')).toBe(0);
  });
});

describe('what a scheduler alone measures', () => {
  it('is in the result too where a policy that knows the future runs the recorded passes again', async () => {
    const serveUnder = (policy: string) =>
      simulate({
        model: 'switch-base-32',
        system: { name: 'test', cache: { policy }, scheduler: 'expertflow' },
        memory: { expertCache: '5%' },
        workload: { arrivals: 'poisson:rate=2000', requests: 30, prompt: 4, output: 16, batch: 4 },
      });
    const [plain, replayed] = [await serveUnder('lru'), await serveUnder('belady')];
    expect(of(plain, 'schedule.loads')).toBeGreaterThan(0);
    // The passes are those that were recorded under LRU, in the end the same.
    for (const name of ['schedule.loads', 'schedule.loads_in_order']) expect(of(replayed, name)).toBe(of(plain, name));
  });
});

describe('cache-affinity', () => {
  it('replays the passes of a run under LRU for a policy that knows the future', async () => {
    const options = { cache: '3/layer' };
    const [lru, belady] = [
      await serve('cache-affinity', 'mini-mixtral-8x8l', options),
      await serve('cache-affinity', 'mini-mixtral-8x8l', { ...options, policy: 'belady' }),
    ];
    expect(of(belady, 'experts.demanded')).toBe(of(lru, 'experts.demanded'));
    expect(of(belady, 'schedule.passed_over')).toBe(of(lru, 'schedule.passed_over'));
  });
});
