// What grouping by path is for: fewer distinct experts per pass, the more so the more experts there are to share.
import { describe, expect, it, vi } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';

vi.setConfig({ testTimeout: 120_000 });

/** Decode only: 64 requests of 32 tokens, batch 16. */
async function serve(scheduler: string, model: string, policy = 'lru', cache = '4/layer'): Promise<Result> {
  return simulate({
    model,
    hardware: 'rtx-4090',
    system: { name: 'test', cache: { policy, scope: 'layer' }, scheduler },
    memory: { expertCache: cache },
    workload: { batch: 16, tokens: 64 * 32, prompt: 0, output: 32 },
    bounds: false,
    seed: 1,
  });
}

const of = (result: Result, name: string): number => result.metrics[name]!.value;

describe('expertflow', () => {
  it('lowers distinct experts and on-demand loads on Switch-like routing of 32, 64 and 128 experts', async () => {
    for (const model of ['switch-base-32', 'switch-base-64', 'switch-base-128']) {
      const grouped = await serve('expertflow', model);
      // The same pool of 32 requests, its two batches in order of arrival.
      const plain = await serve('expertflow:group=off', model);
      expect(of(grouped, 'experts.activations'), model).toBe(of(plain, 'experts.activations'));
      expect(of(grouped, 'experts.distinct_per_event'), model).toBeLessThan(of(plain, 'experts.distinct_per_event'));
      expect(of(grouped, 'transfer.on_demand.count'), model).toBeLessThan(of(plain, 'transfer.on_demand.count'));
      expect(of(grouped, 'schedule.loads'), model).toBeLessThan(of(grouped, 'schedule.loads_in_order'));
      // Each of two batches of a round at its worst place, after prompts of none.
      expect(of(grouped, 'schedule.passed_over'), model).toBeLessThanOrEqual(3);
    }
  });

  it('charges the time of composing a round where nothing hides it', async () => {
    expect(of(await serve('expertflow:overlap=off', 'switch-base-32'), 'schedule.time')).toBeGreaterThan(0);
    // 32 x 31 / 2 pairs, 12 x 32 experts in 12 words.
    const first = of(await serve('expertflow:overlap=on', 'switch-base-32'), 'schedule.time');
    expect(first % (496 * 12)).toBe(0);
    expect(of(await serve('expertflow:overlap=off,wordNs=0', 'switch-base-32'), 'schedule.time')).toBe(0);
  });
});

describe('read-me', () => {
  it('lowers distinct experts of a pass at its layer, and leaves nobody out longer than its bound', async () => {
    const grouped = await serve('read-me:maxWait=6', 'mini-mixtral-8x8l', 'lru', '2/layer');
    const plain = await serve('fcfs', 'mini-mixtral-8x8l', 'lru', '2/layer');
    const first = ({ perLayer }: Result): number => perLayer.demanded[0]! / perLayer.events[0]!;
    expect(first(grouped)).toBeLessThan(first(plain));
    expect(of(grouped, 'schedule.passed_over')).toBeLessThanOrEqual(6);
  });
});
