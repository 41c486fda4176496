// What the expert cache's own figures say of a token's time, by arithmetic, and silence where they say nothing.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../../src/hardware/door.js';
import { checkRuns } from '../../../../src/measured/check/check.js';
import { expertCache } from '../../../../src/measured/check/rules/expert-cache.js';
import type { CheckCase } from '../../../../src/measured/check/rules/rule.js';
import { runtimesFor } from '../../../../src/measured/validate/constants.js';
import type { PrintedCache } from '../../../../src/runtime/door.js';
import { BOX, measurement } from '../../validate/rows.js';

const MIB = 2 ** 20;
/** 6.3 GB/s carry 210 MiB in 220.2e6 / 6.3e9 = 35.0 ms. */
const X4 = { ...BOX, unified: false, gpus: [{ ...BOX.gpus[0], pcie: { gen: 4, lanes: 4, measured_gbps: 6.3 } }] };
const small = { hits: 9400, misses: 600, onCpu: 150, uploadedBytes: 100 * 210 * MIB };
const large = { hits: 610, misses: 390, onCpu: 0, uploadedBytes: 7 * MIB };
const CACHE: PrintedCache = { tokens: 100, small };

const BAND = { low: 0.75, high: 1.25, rows: 20, machines: 9, common: 'all' };
const DECODE = { metric: 'decode', measured: 20, expected: 18, ratio: 20 / 18, band: BAND, slow: false } as const;

const said = (cache: PrintedCache | null, row: Readonly<Record<string, unknown>> = {}, more: Partial<CheckCase> = {}) =>
  expertCache.examine({
    row: measurement({ machine: X4, measured: { tg_tps: 20 }, ...row }),
    model: null,
    siblings: [],
    cache,
    decode: DECODE,
    prefill: null,
    footprint: null,
    powerShare: null,
    uncounted: [],
    supposed: async () => ({}),
    ...more,
  });

const HITS = '94.0 % hits in passes of up to 8 tokens, 25 % of the misses on the CPU; 210 MiB uploaded for each generated token';
const WITHOUT = 'Predicted for the same line without it: 18 tok/s (13 to 23).';

describe('the expert cache', () => {
  it('takes so much of a token, and without it the line is predicted', () => {
    expect(said(CACHE)).toBe(`${HITS}: about 35.0 ms of its 50.0 ms, over a link measured at 6.30 GB/s. ${WITHOUT}`);
  });

  it('over a link that nobody measured says so', () => {
    expect(said(CACHE, { machine: { ...BOX, unified: false } })).toContain(
      ': about 8.74 ms of its 50.0 ms, if PCIe 4.0 x16 carries 25.2 GB/s.',
    );
  });

  it('has other passes beside those that were most', () => {
    expect(said({ tokens: 100, small: { ...small, onCpu: 0 }, large })).toContain(
      '94.0 % hits in passes of up to 8 tokens (9 to 32: 61.0 %); 210 MiB',
    );
    const many = { ...large, hits: 61_000, misses: 39_000, uploadedBytes: 1000 * MIB };
    expect(said({ tokens: 100, small, large: many })).toContain(
      '61.0 % hits in passes of 9 to 32 tokens (up to 8: 94.0 %); 10.0 MiB uploaded',
    );
  });

  it('has a size, in tokens of the model, and what longer passes took', () => {
    const size = { bytes: 2048 * MIB, hostBytes: 9682 * MIB, layers: 24, slots: 161 };
    const layers = new Array(24).fill({ topK: 4 });
    const text = said({ ...CACHE, size, copiedBytes: 151 * MIB }, {}, { model: { layers } as unknown as NonNullable<CheckCase['model']> });
    expect(text).toContain(
      'It has 2.00 GiB for 9.46 GiB of experts, room for what 1.7 tokens ask. Longer passes took 151 MiB from it, not over the link.',
    );
    expect(said({ ...CACHE, size })).toContain('It has 2.00 GiB for 9.46 GiB of experts. Predicted');
  });

  it('hides lighter causes of a slow run: its speed is that of another setting', async () => {
    const row = measurement({
      machine: X4,
      measured: { tg_tps: 9 },
      placement: { kind: 'cpu-layers', cpu_moe_layers: 24, whole_layers: true },
    });
    const causes = async (caches: ReadonlyMap<string, PrintedCache>) =>
      (await checkRuns([row], runtimesFor([row], loadRuntime), { caches }))[0]!.findings.map(({ cause }) => cause);
    expect(await causes(new Map())).toEqual(['layer-split']);
    expect(await causes(new Map([[row.id, CACHE]]))).toEqual(['expert-cache']);
  });
});

describe('what the figures do not tell is not said:', () => {
  it.each<[string, string | null, PrintedCache | null, Readonly<Record<string, unknown>>, Partial<CheckCase>]>([
    ['no cache', null, null, {}, {}],
    ['prompts alone', null, CACHE, { measured: { pp_tps: 900 } }, {}],
    ['a cache that nothing used', null, { tokens: 100 }, {}, {}],
    [
      'no tokens',
      '94.0 % hits in passes of up to 8 tokens, 25 % of the misses on the CPU; 20.5 GiB uploaded in all.',
      { small },
      {},
      { decode: null },
    ],
    ['uploads that take longer than a token', `${HITS}.`, CACHE, { measured: { tg_tps: 40 } }, { decode: null }],
    ['requests at a time', `${HITS}.`, CACHE, { run: { batch_users: 4 } }, { decode: null }],
    ['no link', `${HITS}.`, CACHE, { machine: { ...X4, unified: true } }, {}],
    ['two links', `${HITS}.`, CACHE, { machine: { ...X4, gpus: [X4.gpus[0], BOX.gpus[0]] } }, { decode: null }],
    ['a link of no kind', `${HITS}.`, CACHE, { machine: { ...X4, gpus: [{ ...BOX.gpus[0], pcie: undefined }] } }, { decode: null }],
  ])('%s', (_, text, cache, row, more) => {
    expect(said(cache, row, more)).toBe(text);
  });

  it('where the experts lie: a prediction with all of them on the GPU is none without the cache', () => {
    expect(said(CACHE, { placement: { kind: 'all-gpu' } })).not.toContain('Predicted');
  });
});
