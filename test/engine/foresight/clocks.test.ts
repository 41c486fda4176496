// Clocks beside a run against runs themselves: LRU on demand is what a run under LRU takes, and windows do not show.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { simulate } from '../../../src/engine/simulate.js';
import type { RunInput } from '../../../src/system/run.js';
import { KnownWorld, machineOf } from './known-world.js';

const small = {
  model: 'mini-finegrained-64x12l',
  trace: 'mini-finegrained-64x12l',
  hardware: 't4',
  memory: { expertCache: '25%' },
} as const;

describe('LRU beside a run', () => {
  const runs: Readonly<Record<string, RunInput>> = {
    alone: { ...small, workload: { tokens: 400 } },
    'in batches': { ...small, runtime: 'hf-eager', workload: { tokens: 400, batch: 4 } },
    'activation by activation': { ...small, replay: 'sequential', workload: { tokens: 400 } },
    'on two GPUs': { ...small, runtime: 'hf-eager', hardware: '2x-rtx-4090', workload: { tokens: 400, batch: 4 } },
  };
  it.each(Object.entries(runs))('%s takes what a run under LRU takes', async (_, run) => {
    const clock = async (policy: string): Promise<Record<'own' | 'lru' | 'belady', number>> => {
      const { metrics } = await simulate({ ...run, system: { name: policy, cache: { policy } } });
      return {
        own: metrics['latency.tpot.mean']!.value,
        lru: metrics['bound.lru.tpot']!.value,
        belady: metrics['bound.belady.tpot']!.value,
      };
    };
    const [lru, fifo, belady] = [await clock('lru'), await clock('fifo'), await clock('belady')];
    // The run under LRU is its own clock on one GPU; beside another policy it is counted.
    expect(fifo.lru / lru.own).toBeCloseTo(1, 9);
    expect(fifo.lru).not.toBe(fifo.own);
    // The policy is held to pins, the clock is not.
    expect(belady.own).toBeGreaterThanOrEqual(belady.belady * (1 - 1e-9));
    expect(belady.own).toBeLessThanOrEqual(belady.belady * 1.05);
  });

  it('shares the work of an event evenly among its experts, where rows that read again make them unequal', async () => {
    const of = async (policy: string) => {
      const workload = { tokens: 400, batch: 4 };
      return (await simulate({ ...small, runtime: 'llama.cpp', workload, system: { name: policy, cache: { policy } } })).metrics;
    };
    const [own, beside] = [(await of('lru'))['latency.tpot.mean']!.value, (await of('fifo'))['bound.lru.tpot']!.value];
    expect(beside / own).not.toBeCloseTo(1, 9);
    expect(beside / own).toBeCloseTo(1, 3);
  });
});

describe('a long run', () => {
  it('has the same times whether its end is seen from its beginning or not', () => {
    // 16 experts: a window is 65,552 demands, of which the last quarter is looked at.
    const experts = 16;
    const random = new Random(1, 'windows');
    const demands = Array.from({ length: 150_000 }, () => Math.floor(experts * random.next() ** 2));
    const run = (from: number, to: number): Float64Array => {
      const world = new KnownWorld(machineOf(experts, 6, 3));
      for (const id of demands.slice(from, to)) {
        world.event({ gap: 1, members: [{ id, gpu: 1, cpu: Number.POSITIVE_INFINITY }] });
        world.passEnded();
      }
      return world.found.ends(new Float64Array(0))!.knowing[0]!;
    };
    const whole = run(0, 150_000);
    const beginning = run(0, 60_000);
    expect(whole.length).toBe(150_000);
    // Who is asked for last is known long before: the first half of what one window holds is the same to the nanosecond.
    expect(whole.subarray(0, 30_000)).toEqual(beginning.subarray(0, 30_000));
    // A demand takes a unit and a half, as in the beginning.
    expect((whole[149_999]! - whole[60_000]!) / 89_999 / (whole[60_000]! / 60_001)).toBeCloseTo(1, 1);
  });
});
