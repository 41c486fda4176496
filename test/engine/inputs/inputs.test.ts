// What a run names is loaded without holding up signals, and what it is profiled on is not what it replays.
import { describe, expect, it } from 'vitest';
import { openInputs } from '../../../src/engine/inputs/inputs.js';
import { profiledPart, profiledRows } from '../../../src/engine/inputs/profiling.js';
import { simulate } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { popularityOf } from '../../../src/trace/popularity.js';

it('breathes while it draws routing, and draws the same', async () => {
  const run = checkRun({ model: 'mini-mixtral-8x8l', trace: 'synthetic', workload: { tokens: 1000 } }, 'test');
  let breaths = 0;
  const { model, traces } = await openInputs(run, { breathe: async () => void breaths++ });
  expect(breaths).toBe(3);
  const whole = { prefill: 128, decode: 128 };
  const requests = [whole, whole, whole, { prefill: 128, decode: 104 }];
  expect(traces[0]!.sha256()).toBe(synthesize(model, { seed: run.seed, requests }).sha256());
  await expect(
    openInputs(run, {
      breathe: async () => {
        throw new Error('a signal');
      },
    }),
  ).rejects.toThrow('a signal');
});

it('takes a machine of parts, names it in the result, and says what was not given', async () => {
  const run = (hardware: string) =>
    simulate({ trace: 'mini-mixtral-8x8l', hardware, workload: { tokens: 200 }, memory: { expertCache: '50%' } });
  const result = await run('NVIDIA GeForce RTX 3090+2xddr5-6000+ryzen-9-7950x+64GB');
  expect(result.inputs.hardware).toBe('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB');
  expect(result.config).toMatchObject({ machine: { sockets: 1, ram: { type: 'ddr5', mts: 6000 }, pcie: { generation: 4, lanes: 16 } } });
  expect(result.warnings).toContainEqual({ code: 'machine-stand-in', message: 'PCIe not given: 4x16, of rtx-3090.' });
  const given = await run('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16');
  expect(given.warnings.map(({ code }) => code)).not.toContain('machine-stand-in');
  // The same machine, whatever of it was written down.
  expect(given.fingerprint).toBe(result.fingerprint);
  expect(given.metrics).toEqual(result.metrics);
  const bundled = await run('rtx-3090');
  expect(bundled).toMatchObject({ inputs: { hardware: 'rtx-3090' }, config: { machine: { sockets: 1, defaults: [] } } });
});

const opened = (tokens: number | undefined, run: Readonly<Record<string, unknown>>) => {
  const spec = checkRun({ ...run, workload: { ...(tokens === undefined ? {} : { tokens }) } }, 'test');
  return openInputs(spec).then((inputs) => ({ inputs, spec }));
};

describe('what is profiled on', () => {
  it('synthetic: tokens drawn apart, the same however much is replayed', async () => {
    const few = await opened(100, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    const many = await opened(1000, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    const rows = await profiledRows(few.inputs, 700);
    expect([rows.from, rows.to, rows.trace.tokens]).toEqual([0, 700, 700]);
    expect(profiledPart(few.inputs, 700)).toMatchObject({
      kind: 'apart',
      words: '700 tokens drawn apart from those that are replayed',
    });
    expect((await profiledRows(many.inputs, 700)).trace.sha256()).toBe(rows.trace.sha256());
    expect((await profiledRows(few.inputs, 700)).trace).toBe(rows.trace);
    const same = await opened(700, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    expect(same.inputs.trace.sha256()).not.toBe(rows.trace.sha256());
    expect(profiledPart(few.inputs, 1e12).to).toBe(65_536);
  });

  it('synthetic with a variant: the variant applies to what is drawn apart, too', async () => {
    const { inputs } = await opened(100, { model: 'mini-mixtral-8x8l', trace: 'synthetic', variants: ['top-k=1'] });
    // Of two choices a token is left with one.
    const { counts } = popularityOf((await profiledRows(inputs, 50)).trace);
    expect(counts[0]!.reduce((sum, count) => sum + count, 0)).toBe(50);
  });

  it('recorded: rows behind the replayed ones, of which the last fifth is never one', async () => {
    const counted = { trace: 'mini-finegrained-64x12l', system: 'fiddler' };
    const whole = await opened(undefined, counted);
    const [kept] = whole.inputs.heads as [number];
    // 7,172 tokens, a fifth of which are 1,434: the cut falls between two requests.
    expect(whole.inputs.trace.requests.map(({ start }) => start)).toContain(kept);
    expect((7172 - kept) / 7172).toBeCloseTo(0.2, 1);
    for (const [tokens, wanted, from, to] of [
      [1000, 500, 1000, 1500],
      [1000, 9000, 1000, 7172],
      [7000, 1000, kept, kept + 1000],
      [undefined, 1000, kept, kept + 1000],
      [undefined, 9000, kept, 7172],
    ] as const) {
      const { inputs } = await opened(tokens, counted);
      expect(profiledPart(inputs, wanted)).toMatchObject({ kind: 'behind', from, to });
      expect((await profiledRows(inputs, wanted)).trace).toBe(inputs.trace);
      for (const trace of inputs.traces) trace.close();
    }
    for (const trace of whole.inputs.traces) trace.close();
  });
});

describe('what is held out of a recording', () => {
  it('recorded: all of it is replayed by who counts nothing, or on a file; so much is held out as is wished', async () => {
    const rows = async (run: Readonly<Record<string, unknown>>, workload = {}) => {
      const spec = checkRun({ trace: 'mini-mixtral-8x8l#0:200', ...run, workload }, 'test');
      const inputs = await openInputs(spec);
      inputs.trace.close();
      return inputs.heads;
    };
    const file = { name: 'x', cache: { policy: 'static', popularity: 'mini-finegrained-64x12l' } };
    const layers = { name: 'x', cache: { policy: 'static:by=layer' } };
    const split = { name: 'x', cache: { scope: 'layer', quotas: 'optimal' } };
    const even = { name: 'x', cache: { scope: 'layer', quotas: 'even' } };
    expect(await Promise.all([{}, { system: file }, { system: layers }, { system: even }].map((run) => rows(run)))).toEqual(
      Array(4).fill([200]),
    );
    for (const system of [split, 'fiddler', 'ktransformers-dynamic', 'adapmoe', 'sglang-kt'])
      expect((await rows({ system }))[0]).toBeLessThanOrEqual(180);
    expect(await rows({ trace: 'mini-mixtral-8x8l#0:64' }, { holdOut: '25%' })).toEqual([48]);
    expect(await rows({ trace: ['mini-mixtral-8x8l#0:64', 'mini-mixtral-8x8l#64:104'] }, { holdOut: 0.25 })).toEqual([48, 30]);
  });

  it('refuses a trace of which nothing can be held out', async () => {
    const run = { trace: 'mini-mixtral-8x8l#0:1', system: 'fiddler', audit: 'off' } as const;
    await expect(simulate(run)).rejects.toThrow(
      /#0:1: no token is left to count popularity on; give a longer trace, or counts: --set system.cache.popularity=FILE$/,
    );
  });
});

describe('a result with rows held out', () => {
  const run = { trace: 'mini-mixtral-8x8l#0:400', memory: { expertCache: '25%' }, bounds: false, audit: 'off' } as const;

  it('is that of the rest alone, and comparable with who holds out as much', async () => {
    const held = await simulate({ ...run, runtime: 'llama.cpp', system: 'fiddler' });
    const [{ heldOut, tokens }] = held.inputs.traces as [(typeof held.inputs.traces)[0]];
    expect(tokens + heldOut!).toBe(400);
    expect(held.metrics['workload.tokens']!.value).toBe(tokens);
    expect(held.config.profiledOn).toBe(`${heldOut} tokens behind those that are replayed`);
    const lru = await simulate({ ...run, runtime: 'llama.cpp', workload: { holdOut: '20%' } });
    expect(lru.fingerprint).toBe(held.fingerprint);
    expect((await simulate(run)).fingerprint).not.toBe(held.fingerprint);
    const rest = await simulate({ ...run, runtime: 'llama.cpp', trace: `mini-mixtral-8x8l#0:${tokens}` });
    expect(lru.metrics).toEqual(rest.metrics);
  });

  it('warns where the file that is named is the trace itself, and only of rows that are replayed', async () => {
    const codes = async (popularity: string) => {
      const system = { name: 'x', cache: { policy: 'static', popularity } };
      const result = await simulate({ ...run, system });
      expect(result.inputs.traces[0]).not.toHaveProperty('heldOut');
      expect(result.config.profiledOn).toBe(popularity);
      return result.warnings.filter(({ code }) => code === 'profiled-on-itself').length;
    };
    expect(await codes('mini-mixtral-8x8l')).toBe(1);
    expect(await codes('mini-mixtral-8x8l#300:500')).toBe(1);
    expect(await codes('mini-mixtral-8x8l#400:500')).toBe(0);
  });
});

it('names the working directory where it is the trace', async () => {
  const spec = checkRun({ model: 'mini-mixtral-8x8l', trace: '.' }, 'test');
  await expect(openInputs(spec)).rejects.toThrow(/is a folder among shards/);
});

describe('several traces', () => {
  const trace = ['mini-mixtral-8x8l#0:300', 'mini-mixtral-8x8l#1000:1040'];
  const common = { model: 'mini-mixtral-8x8l', memory: { expertCache: '25%' }, bounds: false, audit: 'off' } as const;

  it('replays so many tokens of each, and says so', async () => {
    const { inputs, metrics } = await simulate({ ...common, trace, workload: { tokens: 100 } });
    expect(inputs.traces.map(({ tokens }) => tokens)).toEqual([100, 40]);
    expect(metrics['workload.tokens']?.value).toBe(140);
    const parts = await simulate({ ...common, trace: ['mini-mixtral-8x8l#0:100', 'mini-mixtral-8x8l#1000:1040'] });
    expect(metrics).toEqual(parts.metrics);
  });

  it('leaves what is not replayed of each to be profiled', async () => {
    const spec = checkRun({ ...common, trace, workload: { tokens: 100 } }, 'test');
    const inputs = await openInputs(spec);
    expect(profiledPart(inputs, 200)).toMatchObject({ kind: 'behind', from: 140, to: 340 });
    expect(profiledPart(inputs, 201)).toMatchObject({ kind: 'behind', from: 140, to: 340 });
    inputs.trace.close();
  });
});
