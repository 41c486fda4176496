// Machines of one memory: a CPU without a GPU, and chips whose GPU and CPU share one.
import { describe, expect, it } from 'vitest';
import { type Result, simulate } from '../../src/index.js';
import { reports } from '../../src/report/formats/index.js';
import { lruRounded } from '../support/rounded.js';

const CPU_ONLY = 'ryzen-9-7950x+2xddr5-6000+64GB';
const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

function run(hardware: string, system: string, memory: Record<string, string> = {}): Promise<Result> {
  return simulate({ model: 'mini-mixtral-8x8l', hardware, system, memory, workload: { prompt: 8, output: 8, tokens: 16 } });
}

const value = ({ metrics }: Result, name: string) => metrics[name]?.value;

describe('a machine of one memory', () => {
  it.each(['llama.cpp-static', 'fiddler', 'on-demand-lru', 'expertflow'])('has every expert there before %s runs', async (system) => {
    for (const hardware of [CPU_ONLY, 'apple-m4-pro+48GB']) {
      const resident = await run(hardware, 'all-resident');
      const result = await run(hardware, system);
      expect(value(result, 'cache.hit_rate')).toBe(1);
      expect(value(result, 'transfer.on_demand.count')).toBe(0);
      expect(value(result, 'transfer.h2d.bytes')).toBeUndefined();
      expect(value(result, 'time.cpu')).toBe(0);
      // Fiddler and ExpertFlow name runtimes of their own, or none.
      if (result.inputs.runtime === resident.inputs.runtime) expect(value(result, 'time.total')).toBe(value(resident, 'time.total'));
    }
  });

  it.each([
    [
      { memory: { kvGrowth: 'grow' } },
      /memory\.kvGrowth: apple-m4-pro\+48GB has one tier of memory, which every expert stays in; leave it out/,
    ],
    [{ faults: [{ at: '1ms', gpuMemory: '-1GiB' }] }, /faults: apple-m4-pro\+48GB has one tier of memory/],
    [{ memory: { expertCache: '50%' } }, /every expert must fit into it/],
  ] as const)('refuses %j', async (input, message) => {
    const given = { model: 'mini-mixtral-8x8l', hardware: 'apple-m4-pro+48GB', system: 'on-demand-lru', ...input };
    await expect(simulate(given as Parameters<typeof simulate>[0])).rejects.toThrow(message);
  });

  it('loads from its SSD what it does not hold, whoever was to compute it', async () => {
    const cpu = await run('apple-m4-pro+48GB+nvme-5GB/s', 'llama.cpp-static', { expertCache: '50%' });
    const load = await simulate({
      model: 'mini-mixtral-8x8l',
      hardware: 'apple-m4-pro+48GB+nvme-5GB/s',
      runtime: 'llama.cpp',
      system: { name: 's', cache: { policy: 'lru' }, onMiss: 'load' },
      memory: { expertCache: '50%' },
      workload: { prompt: 8, output: 8, tokens: 16 },
    });
    expect(value(cpu, 'transfer.ssd.bytes')).toBeGreaterThan(0);
    expect(lruRounded(cpu.metrics)).toEqual(lruRounded(load.metrics));
    // llama.cpp maps the file: what stays is what was used last, not what was placed.
    expect(cpu.warnings.find(({ code }) => code === 'page-cache')!.message).toMatch(
      /of memory keeps those that were used last, cold at the start/,
    );
    expect(load.warnings.some(({ code }) => code === 'page-cache')).toBe(false);
  });

  it('holds what is placed where the file is not mapped, or fits', async () => {
    const placed = { model: 'mini-mixtral-8x8l', hardware: 'apple-m4-pro+48GB+nvme-5GB/s', system: 'llama.cpp-static' };
    const codes = async (input: object) =>
      (await simulate({ ...placed, ...input, workload: { tokens: 16 } })).warnings.map(({ code }) => code);
    expect(await codes({ runtime: 'colibri', memory: { expertCache: '50%' } })).not.toContain('page-cache');
    expect(await codes({ memory: { expertCache: '100%' } })).not.toContain('page-cache');
    expect(await codes({ memory: { expertCache: '99%' } })).toContain('page-cache');
  });
});

describe('reports of a machine without a GPU', () => {
  it('speak of the CPU and of memory', async () => {
    const result = await run(CPU_ONLY, 'llama.cpp-static');
    expect(result.inputs.device).toBe('cpu');
    const table = reports.find(({ name }) => name === 'table')!.render(result, OPTIONS);
    expect(table).toContain('on the CPU');
    expect(table).toMatch(/memory +[\d.]+ \wiB in memory/);
    expect(table.replace(/! machine-defaults:.*/s, '')).not.toContain('GPU');
  });

  it('speak of both where they share a memory', async () => {
    const result = await run('apple-m4-pro+48GB', 'llama.cpp-static');
    expect(result.inputs.device).toBe('unified');
    const table = reports.find(({ name }) => name === 'table')!.render(result, OPTIONS);
    expect(table).toContain('on the GPU');
    expect(table).toMatch(/memory +[\d.]+ \wiB in memory/);
  });

  it('say nothing new of a card', async () => {
    expect((await run('rtx-3090+ryzen-9-7950x', 'llama.cpp-static')).inputs.device).toBeUndefined();
  });
});
