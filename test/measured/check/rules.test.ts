// Each cause: the evidence that it needs, and silence without it. Predictions are given by hand.
import { describe, expect, it } from 'vitest';
import { CAUSES } from '../../../src/measured/check/rules/index.js';
import type { CheckCase, CheckedSpeed } from '../../../src/measured/check/rules/rule.js';
import type { Measurement } from '../../../src/measured/validate/rows/measurement.js';
import { BOX } from '../validate/rows.js';

const BAND = { low: 0.8, high: 1.3, rows: 20, machines: 9, common: 'all' };
const speed = (metric: 'decode' | 'prefill', measured: number, expected: number): CheckedSpeed => ({
  metric,
  measured,
  expected,
  ratio: measured / expected,
  band: BAND,
  slow: measured < expected * BAND.low,
});

const row = (more: Partial<Measurement> = {}): Measurement => ({
  id: 'log:9',
  engine: 'llama.cpp',
  machine: { ...BOX, unified: false },
  model: { name: 'gpt-oss-120b', quant: 'mxfp4' },
  placement: { kind: 'cpu-layers', cpu_moe_layers: 28, where: 'cpu' },
  run: { depth: 0 },
  measured: {},
  ...more,
});

const GIB = 2 ** 30;
const WAYS = {
  gpuTouched: 4 * GIB,
  hostTouched: 2 * GIB,
  pages: { place: 'the drive', rate: 3.5e9 },
  spill: { place: 'host memory', rate: 25.2e9 },
};
const run = (more: Partial<CheckCase> = {}): CheckCase => ({
  row: row(),
  model: null,
  siblings: [],
  cache: null,
  decode: speed('decode', 30, 31),
  prefill: speed('prefill', 400, 420),
  footprint: { gpuNeeds: 20 * GIB, gpuHas: 24 * GIB, hostNeeds: 50 * GIB, hostHas: 64 * GIB, ...WAYS },
  powerShare: null,
  uncounted: [],
  supposed: async () => ({ decode: 31, prefill: 420 }),
  ...more,
});

/** Names of the causes that are found. */
async function causes(one: CheckCase): Promise<string[]> {
  const found = await Promise.all(CAUSES.map(async (cause) => ((await cause.examine(one)) === null ? [] : [cause.name])));
  return found.flat();
}

const sick = (decode: number, prefill = 400): Pick<CheckCase, 'decode' | 'prefill'> => ({
  decode: speed('decode', decode, 31),
  prefill: speed('prefill', prefill, 420),
});
const depthRow = (depth: number, tg_tps: number): Measurement => row({ id: `log:${depth + 1}`, run: { depth }, measured: { tg_tps } });
const again = (line: number, tg_tps: number): Measurement => row({ id: `log:${line}`, measured: { tg_tps } });

describe('causes', () => {
  it('a normal run has none', async () => {
    expect(await causes(run())).toEqual([]);
  });

  it('a slow run without evidence has none', async () => {
    expect(await causes(run(sick(10, 200)))).toEqual([]);
  });

  it.each<[string, Partial<CheckCase>]>([
    ['paging', { ...sick(4), footprint: { gpuNeeds: 0, gpuHas: 24 * GIB, hostNeeds: 63 * GIB, hostHas: 64 * GIB, ...WAYS } }],
    ['vram-spill', { ...sick(12), footprint: { gpuNeeds: 26 * GIB, gpuHas: 24 * GIB, hostNeeds: 1, hostHas: 64 * GIB, ...WAYS } }],
    ['layer-split', { ...sick(15), row: row({ placement: { kind: 'cpu-layers', cpu_moe_layers: 20, whole_layers: true } }) }],
    [
      'numa',
      { ...sick(18), row: row({ engine: 'ktransformers', machine: { ...row().machine, cpu: { sockets: 2 } }, run: { numa: 'off' } }) },
    ],
    ['power-limit', { ...sick(30, 250), powerShare: 0.6 }],
    ['cold-start', { row: depthRow(0, 10), siblings: [depthRow(4096, 12)] }],
    ['thermal', { row: again(9, 20), siblings: [again(3, 30), again(6, 25)] }],
    [
      'expert-cache',
      { row: row({ measured: { tg_tps: 30 } }), cache: { small: { hits: 94, misses: 6, onCpu: 0, uploadedBytes: 2 ** 30 } } },
    ],
    ['lossy-routing', { row: row({ placement: { kind: 'expert-cache' }, flags: '--cache 4 --topp 0.7' }) }],
    ['overhead', { supposed: async (_, driven) => ({ decode: driven === undefined ? 31 : 100, prefill: 420 }) }],
    [
      'memory-channels',
      { ...sick(17), supposed: async (change) => ({ decode: change(row()).machine.ram!.mts === 3000 ? 16.5 : 31, prefill: 420 }) },
    ],
    [
      'pcie-lanes',
      {
        ...sick(30, 120),
        supposed: async (change) => ({ decode: 31, prefill: change(row()).machine.gpus[0]!.pcie!.lanes === 4 ? 115 : 420 }),
      },
    ],
    [
      'cpu-prompt',
      {
        ...sick(30, 90),
        supposed: async (change) => ({ decode: 31, prefill: change(row()).placement.prefill_where === 'cpu' ? 100 : 420 }),
      },
    ],
    [
      'pageable-copies',
      {
        ...sick(30, 270),
        row: row({ run: { mmap: true } }),
        supposed: async (change) => ({ decode: 31, prefill: (change(row()).machine.gpus[0]!.pcie!.measured_gbps ?? 30) < 16 ? 260 : 420 }),
      },
    ],
    ['threads', { ...sick(11), row: row({ run: { threads: 24 }, machine: { ...row().machine, cpu: { cores: 16 } } }) }],
    ['uncounted', { ...sick(18), uncounted: ['--spec-type mtp'] }],
    ['mistaken', sick(70)],
  ])('%s is found, and it alone', async (name, more) => {
    expect(await causes(run(more))).toEqual([name]);
  });

  it('each has a case', () => {
    expect(CAUSES).toHaveLength(17);
  });
});

describe('what is no cause', () => {
  it.each<[string, Partial<CheckCase>]>([
    ['pages fit', { ...sick(4), footprint: { gpuNeeds: 0, gpuHas: null, hostNeeds: 50 * GIB, hostHas: 64 * GIB, ...WAYS } }],
    [
      'nobody knows how much memory there is',
      { ...sick(4), footprint: { gpuNeeds: 0, gpuHas: null, hostNeeds: 90 * GIB, hostHas: null, ...WAYS } },
    ],
    ['it is full and fast', { footprint: { gpuNeeds: 26 * GIB, gpuHas: 24 * GIB, hostNeeds: 64 * GIB, hostHas: 64 * GIB, ...WAYS } }],
    ['prompts are slow, too: not the memory', { ...sick(16, 150), supposed: async () => ({ decode: 16, prefill: 150 }) }],
    ['context makes it slower, as it does', { row: depthRow(0, 12), siblings: [depthRow(4096, 11)] }],
    ['repeats go up and down', { row: again(9, 20), siblings: [again(3, 25), again(6, 30)] }],
    ['top-p of a sampler', { row: row({ flags: 'llama-cli --top-p 0.9' }) }],
    [
      'two sockets, and the program knows them',
      { ...sick(18), row: row({ engine: 'ktransformers', machine: { ...row().machine, cpu: { sockets: 2 } }, run: { numa: 'on' } }) },
    ],
  ])('%s: silence', async (_, more) => {
    expect(await causes(run(more))).toEqual([]);
  });
});
