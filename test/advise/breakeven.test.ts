// Break-even hit rates of expert caches: by hand where time is linear in misses, and against the runs that a user would make on both sides.
import { describe, expect, it } from 'vitest';
import { breakEvenAt, breakEvensOn, WAYS } from '../../src/advise/breakeven.js';
import { machineNamed } from '../../src/advise/door.js';
import { simulate } from '../../src/engine/simulate.js';

describe('the hit rate from which on a cache pays', () => {
  /** 10 ms a token and 40 ms for all misses; half of the slots hit three quarters. */
  const cache = (slots: number) => {
    const hitRate = Math.sqrt(slots / 16) / Math.SQRT2 + (slots === 16 ? 1 - Math.SQRT1_2 : 0);
    return Promise.resolve({ hitRate, decode: 1000 / (10 + 40 * (1 - hitRate)) });
  };

  it('lies on the line of time between two runs, whatever they hit', async () => {
    // 30 ms a token: 40 x (1 - h) = 20. 14 ms: h = 0.9, between 15 slots and 16.
    expect(await breakEvenAt(1000 / 30, 16, cache)).toBeCloseTo(0.5, 12);
    expect(await breakEvenAt(1000 / 14, 16, cache)).toBeCloseTo(0.9, 12);
  });

  it('is 0 where misses are no slower, and none where hits are no faster', async () => {
    expect(await breakEvenAt(1000 / 50, 16, cache)).toBe(0);
    expect(await breakEvenAt(1000 / 51, 16, cache)).toBe(0);
    expect(await breakEvenAt(1000 / 9, 16, cache)).toBeNull();
  });
});

describe('break-evens of Qwen3-30B-A3B on an RTX 3060', () => {
  const hardware = 'rtx-3060+ryzen-5-5600x+2xddr4-3200+64GB';
  const asked = breakEvensOn('qwen3-30b-a3b', machineNamed(hardware), { quantizations: ['q8_0', 'q4_k_m'] }, [1, 2]);

  it('agree with runs of the same cache on both sides', async () => {
    const row = (await asked).rows.find(({ quantization, users }) => quantization === 'q4_k_m' && users === 1);
    const run = async (system: string, expertCache: string) => {
      const workload = { prompt: 1, output: 256, tokens: 257, context: 4096 };
      const { metrics } = await simulate({
        model: 'qwen3-30b-a3b',
        hardware,
        runtime: 'llama.cpp',
        system,
        workload,
        memory: { expertCache },
      });
      return { tpot: metrics['latency.tpot.mean']!.value, hits: metrics['cache.hit_rate']!.value };
    };
    const [cpu, few, some] = [
      await run('llama.cpp-static', '0%'),
      await run('llama.cpp-cache', '6/layer'),
      await run('llama.cpp-cache', '10/layer'),
    ];
    const { offload } = row!.breakEven;
    expect([few.hits, few.tpot / cpu.tpot].map((value, i) => value > [offload!, 1][i]!)).toEqual([false, true]);
    expect([some.hits, some.tpot / cpu.tpot].map((value, i) => value > [offload!, 1][i]!)).toEqual([true, false]);
    // Where their line is as fast as the CPU, within two points: another text, from a cold cache.
    const part = (few.tpot - cpu.tpot) / (few.tpot - some.tpot);
    expect(Math.abs(few.hits + part * (some.hits - few.hits) - offload!)).toBeLessThan(0.02);
  });

  it('need a higher hit rate over the link than where the CPU computes the misses', async () => {
    const { rows } = await asked;
    expect(rows.map(({ quantization, users }) => [quantization, users])).toEqual([
      ['q8_0', 1],
      ['q8_0', 2],
      ['q4_k_m', 1],
      ['q4_k_m', 2],
    ]);
    for (const { best, breakEven, decode, expertBytes, reached, slots } of rows) {
      expect(breakEven.hybrid!).toBeLessThan(breakEven.offload!);
      expect(decode[best]).toBe(Math.max(...WAYS.map((way) => decode[way]!)));
      // The verdict over the link is that of its hit rate.
      expect(decode.offload! > decode.cpu!).toBe(reached.offload! > breakEven.offload!);
      expect(slots * 48 * expertBytes).toBeLessThan(12 * 2 ** 30);
    }
    // Eight bits take 1.9 times the bytes: fewer experts fit, and fewer for two contexts than for one.
    const [eight, eightOfTwo, four, fourOfTwo] = rows.map((row) => row.slots) as [number, number, number, number];
    expect([eightOfTwo < eight, fourOfTwo < four, eight < four]).toEqual([true, true, true]);
  });

  it('are of a card beside a CPU', async () => {
    const mac = breakEvensOn('qwen3-30b-a3b', machineNamed('apple-m4-max'), {}, [1]);
    await expect(mac).rejects.toThrow('has one memory, and no link for a miss to cross; name a card beside a CPU');
  });
});
