// What the papers say of their systems against others: on the routing that ships with moeprof, and on synthetic one.
import { describe, expect, it, vi } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { RunInput } from '../../../src/system/run.js';
import { calibrated } from '../../support/calibrated.js';
import { describeDirections, runOf, value } from './directions.js';

const TWO_BATCHES = [{ path: ['system', 'scheduler', 'batches'], value: 2, label: '--set' }];

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

describeDirections({ trace: 'mini-finegrained-64x12l', hardware: calibrated('t4'), workload: { tokens: 1000 } });

describe('on synthetic routing without prompts', () => {
  const decode: RunInput = { model: 'mini-finegrained-64x12l', trace: 'synthetic', hardware: calibrated('t4') };

  it('predictors that know what was published find as much as was published', async () => {
    const recall = async (system: string) =>
      value(await runOf({ ...decode, workload: { tokens: 400, prompt: 0 } }, system), 'predict.batch_recall');
    // Nothing foretells the first of 12 layers.
    expect(await recall('fate')).toBeCloseTo((0.9715 * 11) / 12, 2);
    expect(await recall('moe-beyond')).toBeCloseTo(0.866, 1);
    expect(await recall('od-moe')).toBeGreaterThan(0.995);
  });

  it('the scheduler of expertflow runs tokens together that share experts, 16 at once (2410.17954, table 2)', async () => {
    const workload = { batch: 16, tokens: 2048, prompt: 0, output: 32 };
    // Of the paper's pool of two batches; the bundled system has one.
    const [whole, without] = [
      await runOf({ ...decode, workload }, 'expertflow', TWO_BATCHES),
      await runOf({ ...decode, workload }, 'expertflow'),
    ];
    expect(value(whole, 'experts.distinct_per_event')).toBeLessThan(value(without, 'experts.distinct_per_event'));
    expect(value(whole, 'schedule.loads')).toBeLessThan(value(whole, 'schedule.loads_in_order'));
  });
});

describe('where tokens have candidates to choose among', () => {
  it('systems that choose what is resident hit more than the same cache under the gate alone (2412.00099, 2308.15030)', async () => {
    const synthetic: RunInput = {
      model: 'mini-finegrained-64x12l',
      trace: 'synthetic',
      hardware: calibrated('t4'),
      workload: { tokens: 512 },
    };
    const plain = { name: 'plain', cache: { policy: 'lru', scope: 'layer' } };
    const gate = await simulate({ ...synthetic, system: plain, memory: { expertCache: '25%' } });
    for (const system of ['cache-conditional', 'swapmoe']) {
      const result = await runOf(synthetic, system);
      expect(value(result, 'cache.hit_rate'), system).toBeGreaterThan(value(gate, 'cache.hit_rate'));
      expect(value(result, 'rerank.changed'), system).toBeGreaterThan(0);
    }
  });
});

describe('on two GPUs', () => {
  it('flexmoe sends fewer tokens to the other GPU than an even placement does (2304.03946)', async () => {
    const many: RunInput = { trace: 'mini-finegrained-64x12l', hardware: '2x-rtx-4090', workload: { batch: 16, tokens: 1000 } };
    const crossing = async (system: string) => value(await simulate({ ...many, system, bounds: false }), 'parallel.crossing_rate');
    expect(await crossing('flexmoe')).toBeLessThan(await crossing('all-resident'));
  });
});
