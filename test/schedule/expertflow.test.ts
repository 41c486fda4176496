// Grouping by predicted paths: what a predictor that is always right gives, what moving KV caches costs, and when it is left alone.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';
import { of } from './serve.js';

const serve = (scheduler: string, predictor = 'none'): Promise<Result> =>
  simulate({
    model: 'switch-base-64',
    system: { name: 'test', cache: { policy: 'lru', scope: 'layer' }, predictor: { kind: predictor }, scheduler },
    memory: { expertCache: '2/layer' },
    workload: { batch: 8, tokens: 600, prompt: 0, output: 20 },
  });
const loads = (result: Result) => [of(result, 'schedule.loads'), of(result, 'schedule.loads_in_order')];

describe('expertflow', () => {
  it("groups by the run's own predictor: one that is always right gives the paths that are taken", async () => {
    const [told, taken] = [await serve('expertflow:regroup=always', 'oracle'), await serve('expertflow:regroup=always,paths=next')];
    // Of a request that has never run nothing is predicted: it is put anywhere in its first round.
    expect(of(told, 'schedule.loads') / of(taken, 'schedule.loads')).toBeCloseTo(1, 2);
    expect(of(told, 'schedule.loads')).toBeLessThan(of(told, 'schedule.loads_in_order'));
  });

  it('takes the paths of the tokens before where nothing is predicted, and says so', async () => {
    const [silent, before] = [await serve('expertflow'), await serve('expertflow:paths=previous')];
    expect(loads(silent)).toEqual(loads(before));
    expect(silent.warnings.map(({ code }) => code)).toContain('paths-previous');
    expect(before.warnings.map(({ code }) => code)).not.toContain('paths-previous');
  });

  it('changes the time, not the order, by composing a round while the one before runs', async () => {
    const [beside, between] = [await serve('expertflow:paths=next'), await serve('expertflow:paths=next,overlap=off')];
    expect(loads(beside)).toEqual(loads(between));
    expect(of(beside, 'schedule.time')).toBeLessThan(of(between, 'schedule.time'));
  });

  it('charges KV caches that are moved, and nothing where they are paged', async () => {
    const every = 'expertflow:paths=next,regroup=always';
    const [moved, paged] = [await serve(every), await serve(`${every},mergeKv=off`)];
    expect(of(moved, 'schedule.merge_time')).toBeGreaterThan(0);
    expect(of(paged, 'schedule.merge_time')).toBe(0);
    expect(of(moved, 'schedule.time') - of(paged, 'schedule.time')).toBeCloseTo(of(moved, 'schedule.merge_time'), 3);
    expect(of(moved, 'schedule.regrouped')).toBe(1);
  });

  it('leaves batches as they are where regrouping does not pay', async () => {
    // No time at all may be added by moving caches: the first round is composed, and stands.
    const still = await serve('expertflow:paths=next,maxDelay=0');
    expect(of(still, 'schedule.merge_time')).toBe(0);
    expect(of(still, 'schedule.regrouped')).toBeLessThan(of(await serve('expertflow:paths=next'), 'schedule.regrouped'));
  });

  it('tells how long the second batch waits: about half of a round', async () => {
    const result = await serve('expertflow:paths=next');
    const pass = of(result, 'latency.pass.mean');
    expect(of(result, 'schedule.batch_wait') / pass).toBeGreaterThan(0.4);
    expect(of(result, 'schedule.batch_wait') / pass).toBeLessThan(0.6);
  });
});
