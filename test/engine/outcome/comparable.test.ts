// The band of a run: what comparable measurements say of its speeds.
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { simulate } from '../../../src/index.js';
import { calibrated } from '../../support/calibrated.js';

const run = (input: Parameters<typeof simulate>[0]) =>
  simulate({ bounds: false, workload: { tokens: 40, prompt: 8, output: 32 }, ...input });

describe('the band of a run', () => {
  it('is of the runtime, the format of the experts and where they lie', async () => {
    const { accuracy } = await run({
      model: 'gpt-oss-20b',
      hardware: 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB',
      system: { name: 's', cache: { policy: 'static:by=layer,cpuLayers=12' }, onMiss: 'cpu' },
      memory: { expertCache: '100%' },
    });
    expect(accuracy!.decode!.common).toBe('llama.cpp, cpu-layers');
    expect(accuracy!.decode!.rows).toBeGreaterThan(7);
    const { high, low, machines, rows } = accuracy!.decode!;
    expect(low > 0 && low < 1 && high > 1 && high < 10).toBe(true);
    expect(machines > 3 && machines <= rows).toBe(true);
  });

  it('is that of reads from a disk where DRAM caches one', async () => {
    const { accuracy } = await run({
      model: 'gpt-oss-20b',
      hardware: 'rtx-3090+ryzen-9-7950x+2xddr5-6000+16GB+nvme-7GB/s',
      system: { name: 's', cache: { policy: 'static:by=layer,cpuLayers=24' }, onMiss: 'cpu' },
      memory: { expertCache: '100%', dramCache: '4GiB' },
    });
    expect(accuracy!.decode!.common).toBe('ssd-stream');
  });

  it.each(listProfiles('hardware'))('is there on %s', async (hardware) => {
    const { accuracy } = await run({
      model: 'olmoe-1b-7b',
      hardware,
      memory: { expertCache: '25%' },
      workload: { tokens: 6, prompt: 2, output: 4 },
    });
    expect(accuracy!.decode!.rows).toBeGreaterThan(0);
    expect(accuracy!.prefill!.rows).toBeGreaterThan(0);
  });

  it('is absent where the machine says itself what it reaches', async () => {
    const { accuracy } = await run({ model: 'gpt-oss-20b', hardware: calibrated('rtx-4090'), memory: { expertCache: '25%' } });
    expect(accuracy).toBeUndefined();
  });
});
