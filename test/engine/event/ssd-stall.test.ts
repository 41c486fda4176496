// What waits is told apart: the CPU that computes, the SSD, and the link; the three are all of the stall.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate, simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { cases } from '../../cases.js';

const base = {
  ...{ model: 'olmoe-1b-7b', hardware: 'rtx-3060+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16+nvme-7GB/s', bounds: false },
  ...{ memory: { expertCache: '20%', dramCache: '40%' }, workload: { tokens: 160 } },
} satisfies RunInput;

/** The parts of the stall, ns. */
function partsOf(metrics: Awaited<ReturnType<typeof simulate>>['metrics'], phase = '') {
  const of = (name: string) => metrics[`time.${name}${phase}`]?.value ?? 0;
  return { stall: of('stall'), cpu: of('stall_cpu'), ssd: of('stall_ssd'), link: of('stall') - of('stall_cpu') - of('stall_ssd') };
}

const faster = async (link: string, times: string) => {
  const override = { path: ['hardware', 'links', link, 'bandwidth'], value: times, label: '--set' };
  return partsOf((await simulateRun(checkRun(base, 'test', [override]))).metrics);
};

describe('what waits', () => {
  it('is the SSD and the link, each for as long as it takes', async () => {
    const { metrics } = await simulate(base);
    const { cpu, link, ssd, stall } = partsOf(metrics);
    expect(cpu).toBe(0);
    expect(ssd).toBeGreaterThan(0.3 * stall);
    expect(link).toBeGreaterThan(0.05 * stall);
    // What the host takes for each read stays.
    const fastDisk = await faster('ssd', '5000GB/s');
    expect(fastDisk.ssd).toBeLessThan(0.8 * ssd);
    const fastLink = await faster('h2d', '5000GB/s');
    expect(fastLink.link).toBeLessThan(0.5 * link);
    expect(fastLink.ssd).toBeGreaterThan(0.9 * ssd);
  });

  it('is not told apart where no SSD is read, and is all the SSD where it fills the first memory', async () => {
    const { metrics } = await simulate({ ...base, memory: { expertCache: '20%' } });
    expect(metrics).not.toHaveProperty('time.stall_ssd');
    const phone = partsOf((await simulate({ ...base, hardware: 'phone-ufs4', memory: { expertCache: '20%' } })).metrics);
    expect(phone.ssd).toBeGreaterThan(0);
    expect(phone.link).toBeCloseTo(0, 3);
  });

  it('is the SSD where the CPU computes what it must read first', async () => {
    const { metrics } = await simulate({ ...base, system: { name: 'x', cache: { policy: 'static:by=id' }, onMiss: 'cpu' } });
    const { cpu, ssd, stall } = partsOf(metrics);
    expect(cpu).toBeGreaterThan(0);
    expect(ssd).toBeGreaterThan(0);
    expect(cpu + ssd).toBeLessThanOrEqual(stall * (1 + 1e-9));
  });

  it('is all of the stall, in both phases, of any system', async () => {
    const system = fc.constantFrom('on-demand-lru', 'fiddler', 'expertflow', 'promoe', 'ktransformers', 'moe-infinity', 'hybrimoe');
    const property = fc.asyncProperty(
      system,
      fc.integer({ min: 5, max: 60 }),
      fc.integer({ min: 20, max: 90 }),
      async (name, gpu, dram) => {
        const memory = { expertCache: `${gpu}%`, dramCache: `${dram}%` };
        const { metrics } = await simulate({ ...base, system: name, memory, workload: { tokens: 100, prompt: 60 } });
        for (const phase of ['', '.prefill', '.decode']) {
          const { cpu, link, ssd, stall } = partsOf(metrics, phase);
          expect(Math.min(cpu, ssd)).toBeGreaterThanOrEqual(0);
          expect(link).toBeGreaterThanOrEqual(-1e-9 * Math.max(1, stall));
        }
        const [whole, prefill, decode] = ['', '.prefill', '.decode'].map((phase) => partsOf(metrics, phase).ssd);
        expect(prefill! + decode!).toBeCloseTo(whole!, 3);
      },
    );
    await fc.assert(property, { numRuns: cases(60, 8) });
  });
});
