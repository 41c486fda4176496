// Plans: the search for the smallest cache that suffices, against trying every capacity, and what is said of it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CapacitySearch, type Placing, type Probe, placingOf, planOf } from '../../../src/advise/plan/plan.js';
import { planReports } from '../../../src/advise/plan/plan-report.js';
import { planFor } from '../../../src/advise/plan/plan-search.js';
import { speedRange } from '../../../src/report/words.js';
import type { Result } from '../../../src/result/result.js';
import { cases } from '../../cases.js';
import { sampleResult } from '../../result/sample.js';

const GIB = 2 ** 30;

/** Searches where exactly the capacities that `keeps` says suffice. */
function search(keeps: (percent: number) => boolean): { search: CapacitySearch; tried: number[] } {
  const running = new CapacitySearch();
  const tried: number[] = [];
  for (let asked = running.next(); asked.length > 0; asked = running.next()) {
    for (const percent of asked) {
      running.add(percent, keeps(percent));
      tried.push(percent);
    }
  }
  return { search: running, tried };
}

describe('the search', () => {
  it('finds the smallest of all capacities that suffices, with 13 runs at most, none twice', () => {
    for (let least = 0; least <= 100; least++) {
      const { search: done, tried } = search((percent) => percent >= least);
      expect(done.least).toBe(least);
      expect(done.steady).toBe(true);
      expect(tried.length).toBeLessThanOrEqual(13);
      expect(new Set(tried).size).toBe(tried.length);
    }
  });

  it('ends after the first round where nothing suffices', () => {
    const { search: done, tried } = search(() => false);
    expect(done.least).toBeNull();
    expect(tried).toEqual([0, 25, 50, 75, 100]);
  });

  it('gives a capacity that suffices, next to one that does not, whatever larger caches do', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 101, maxLength: 101 }), (kept) => {
        const { search: done, tried } = search((percent) => kept[percent]!);
        const { least } = done;
        expect(least !== null).toBe(tried.some((percent) => kept[percent]));
        if (least === null) return;
        expect(kept[least]).toBe(true);
        if (least > 0) expect(kept[least - 1]).toBe(false);
        expect(done.steady).toBe(!tried.some((percent) => percent > least && !kept[percent]));
      }),
      { seed: 5, numRuns: cases(300) },
    );
  });
});

/** A run that needs `gib` of GPU memory. */
function probe(percent: number, gib: number, broken: readonly string[] = []): Probe {
  const sample = sampleResult();
  const bytes = (value: number) => ({ value, unit: 'bytes', better: 'lower', kind: 'exact' }) as const;
  const metrics = { ...sample.metrics, 'memory.gpu.allocated': bytes(gib * GIB), 'memory.gpu.expert_cache': bytes((gib - 1) * GIB) };
  return { percent, broken, result: { ...sample, metrics } satisfies Result };
}

/** A placing whose runs need 1 GiB and a tenth of a percentage point more each. */
function placing(hardware: string, gpuGib: number, least: number | null): Placing {
  const { search: done, tried } = search((percent) => least !== null && percent >= least);
  const all = tried.map((percent) => probe(percent, 1 + percent / 10, least !== null && percent >= least ? [] : ['x >= 1']));
  return placingOf({ system: 'lru', hardware, gpuBytes: gpuGib * GIB }, all, done);
}

describe('host memory', () => {
  const holds = { holds: ['speed.decode >= 1'] };
  const run = { model: 'deepseek-v4-flash', quantization: 'q2_k', system: 'on-demand-lru', workload: { tokens: 300 } };

  it('that cannot hold the experts is no plan, whatever the card holds', async () => {
    // 256 experts of 43 layers in 2.6 bits: 93.4 GiB; of 16 GiB the system keeps an eighth.
    const small = planFor({ ...run, hardware: 'rtx-5090+16GB' }, holds);
    await expect(small).rejects.toThrow('93.4 GiB of experts do not fit into 14.0 GiB of DRAM');
    await expect(small).rejects.toThrow('-w rtx-5090+16GB+nvme-7GB/s');
  });

  it('is refused beside machines that hold them, in memory or on a drive', async () => {
    const machines = ['rtx-5090+16GB', 'rtx-5090+128GB', 'rtx-5090+16GB+nvme-7GB/s'];
    const { placings, refused } = await planFor(run, { ...holds, machines });
    expect(placings.map(({ hardware }) => hardware).toSorted()).toEqual(machines.slice(1).toSorted());
    expect(refused!.map(({ hardware }) => hardware)).toEqual(machines.slice(0, 1));
  });
});

describe('the plan', () => {
  it('says how far off its speeds may be, where measurements tell', () => {
    const plain = placing('big', 5, 40);
    const accuracy = { decode: { low: 0.5, high: 1.25, rows: 41, machines: 12, common: 'all of llama.cpp' }, prefill: null };
    const probes = plain.probes.map((one) => ({ ...one, result: { ...one.result, accuracy } }));
    const text = (...all: Placing[]) =>
      planReports[0]!.render(planOf(['x >= 1'], null, all), { color: false, width: 100, unicode: true, verbose: false });
    const speed = probes[0]!.result.metrics['speed.decode']!.value;
    const range = speedRange(accuracy.decode, speed);
    const both = text({ ...plain, probes }, plain).replace(/\s+/g, ' ');
    expect(both).toContain('; its range holds 80 % of comparable measurements');
    expect(both).toMatch(new RegExp(`decode range .* ${range.replace(' tok/s', '')}`));
    const one = text({ ...plain, probes }).replace(/\s+/g, ' ');
    expect(one).toContain(`tok/s (${range} for 80 % of 41 measurements of 12 machines).`);
    expect(one).not.toContain('its range');
    expect(text(plain)).not.toContain('range');
  });

  it('knows what fits: the answer, and all that a run needs beside it', () => {
    expect(placing('big', 5, 40)).toMatchObject({ percent: 40, fits: true, steady: true });
    expect(placing('small', 4.9, 40)).toMatchObject({ percent: 40, fits: false });
    expect(placing('slow', 80, null)).toMatchObject({ percent: null, fits: false });
    expect(placing('big', 5, 40).probes.map(({ percent }) => percent)).toEqual([0, 25, 30, 35, 36, 37, 38, 39, 40, 45, 50, 75, 100]);
  });

  it('puts first what fits, then what needs less', () => {
    const plan = planOf(['x >= 1'], null, [
      placing('slow', 80, null),
      placing('tight', 1, 20),
      placing('big', 9, 60),
      placing('good', 9, 20),
    ]);
    expect(plan.placings.map(({ hardware }) => hardware)).toEqual(['good', 'big', 'tight', 'slow']);
  });

  it('says in words what a table does not: what does not hold, does not fit, or is not steady', () => {
    const render = (placings: Placing[], name = 'table'): string =>
      planReports
        .filter((format) => 'render' in format)
        .find((format) => format.name === name)!
        .render(planOf(['latency.tpot.p50 <= 2ms'], 'tpot=2ms', placings), {
          color: false,
          width: 80,
          unicode: true,
          verbose: false,
        });
    const one = render([placing('big', 80, 40)]);
    expect(one.replace(/\s+/g, ' ')).toContain('holds from an expert cache of 40 % on (4.00 GiB), 5.00 GiB of GPU memory in all');
    expect(one).toContain('What was tried');
    expect(one.replace(/\s+/g, ' ')).toContain('(--slo tpot=2ms)');
    const several = render([placing('big', 80, 40), placing('small', 4, 40), placing('slow', 80, null)]);
    // Below the answer.
    expect(several.slice(several.indexOf('\n'))).not.toContain('on big:');
    expect(several.replace(/\s+/g, ' ')).toContain('the GPU has 4.00 GiB, which is too little');
    expect(several.replace(/\s+/g, ' ')).toContain('lru on slow: not even with every expert resident does x >= 1 hold.');
    for (const line of several.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const unsteady = { ...placing('odd', 80, 40), steady: false };
    expect(render([unsteady, placing('big', 80, 40)]).replace(/\s+/g, ' ')).toContain('A larger cache was seen to break it again');
    expect(render([placing('big', 80, 40)], 'csv').split('\n')).toHaveLength(15);
    expect(render([placing('big', 80, 40)], 'markdown')).toContain('under lru to keep');
    const other = { ...placing('big', 80, 40), system: 'lfu' };
    expect(render([placing('big', 80, 40), other], 'markdown')).toMatch(
      /qwen3-30b-a3b q4_k_m to keep[\s\S]*\| lru \| big \|[\s\S]*\| lfu \| big \|/,
    );
  });
});

it('a plan has the range of hit rates behind those of drawn routing, and says where it is from', () => {
  const plain = placing('big', 80, 40);
  const hitRange = { low: 0.75, high: 0.91, models: 26, routing: 'prior' } as const;
  const probes = plain.probes.map((one) => ({ ...one, result: { ...one.result, hitRange } }));
  const text = (one: Placing) =>
    planReports[0]!.render(planOf(['x >= 1'], null, [one]), { color: false, width: 80, unicode: true, verbose: false });
  expect(text({ ...plain, probes }).match(/83\.9 % \(75-91\)/g)).toHaveLength(probes.length);
  expect(text({ ...plain, probes }).match(/80 % of published figures/g)).toHaveLength(1);
  expect(text(plain)).not.toMatch(/75-91|published figures/);
  // Of several placings what was tried is shown on demand, and the range's source with it.
  const several = (verbose: boolean) =>
    planReports[0]!.render(planOf(['x >= 1'], null, [{ ...plain, probes }, plain]), { color: false, width: 80, unicode: true, verbose });
  expect([several(false), several(true)].map((shown) => shown.includes('80 % of published figures'))).toEqual([false, true]);
});
