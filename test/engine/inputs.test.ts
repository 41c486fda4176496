// What a run names is loaded without holding up signals, and what it is profiled on is not what it replays.
import { describe, expect, it } from 'vitest';
import { openInputs } from '../../src/engine/inputs.js';
import { profiledPart, profiledRows } from '../../src/engine/profiling.js';
import { simulate } from '../../src/engine/simulate.js';
import { checkRun } from '../../src/system/load-run.js';
import { popularityOf } from '../../src/trace/popularity.js';
import { synthesize } from '../../src/trace/synthetic.js';

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
  expect(result.warnings).toContainEqual({ code: 'machine-defaults', message: 'PCIe not given: 4x16, of rtx-3090.' });
  const given = await run('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16');
  expect(given.warnings.map(({ code }) => code)).not.toContain('machine-defaults');
  // The same machine, whatever of it was written down.
  expect(given.fingerprint).toBe(result.fingerprint);
  expect(given.metrics).toEqual(result.metrics);
  const bundled = await run('rtx-3090');
  expect(bundled).toMatchObject({ inputs: { hardware: 'rtx-3090' }, config: { machine: { sockets: 1, defaults: [] } } });
});

describe('what is profiled on', () => {
  const opened = (tokens: number | undefined, run: Readonly<Record<string, unknown>>) => {
    const spec = checkRun({ ...run, workload: { ...(tokens === undefined ? {} : { tokens }) } }, 'test');
    return openInputs(spec).then((inputs) => ({ inputs, spec }));
  };

  it('synthetic: tokens drawn apart, the same however much is replayed', async () => {
    const few = await opened(100, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    const many = await opened(1000, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    const rows = await profiledRows(few.inputs, few.spec, 700);
    expect([rows.from, rows.to, rows.trace.tokens]).toEqual([0, 700, 700]);
    expect(profiledPart(few.inputs, few.spec, 700)).toMatchObject({
      kind: 'apart',
      words: '700 tokens drawn apart from those that are replayed',
    });
    expect((await profiledRows(many.inputs, many.spec, 700)).trace.sha256()).toBe(rows.trace.sha256());
    expect((await profiledRows(few.inputs, few.spec, 700)).trace).toBe(rows.trace);
    const same = await opened(700, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    expect(same.inputs.trace.sha256()).not.toBe(rows.trace.sha256());
    expect(profiledPart(few.inputs, few.spec, 1e12).to).toBe(65_536);
  });

  it('synthetic with a variant: the variant applies to what is drawn apart, too', async () => {
    const { inputs, spec } = await opened(100, { model: 'mini-mixtral-8x8l', trace: 'synthetic', variants: ['top-k=1'] });
    // Of two choices a token is left with one.
    const { counts } = popularityOf((await profiledRows(inputs, spec, 50)).trace);
    expect(counts[0]!.reduce((sum, count) => sum + count, 0)).toBe(50);
  });

  it('recorded: rows behind the replayed ones, or the first ones where fewer are left', async () => {
    const run = { trace: 'mini-finegrained-64x12l' };
    for (const [tokens, wanted, expected] of [
      [1000, 500, { kind: 'behind', from: 1000, to: 1500 }],
      [6172, 1000, { kind: 'behind', from: 6172, to: 7172 }],
      [6173, 1000, { kind: 'replayed', from: 0, to: 1000 }],
      [undefined, 1000, { kind: 'replayed', from: 0, to: 1000 }],
      [100, 9000, { kind: 'replayed', from: 0, to: 7172, words: 'the first 7,172 tokens of the trace that is replayed' }],
    ] as const) {
      const { inputs, spec } = await opened(tokens, run);
      expect(profiledPart(inputs, spec, wanted)).toMatchObject(expected);
      const rows = await profiledRows(inputs, spec, wanted);
      expect(rows.trace).toBe(inputs.trace);
      for (const trace of inputs.traces) trace.close();
    }
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
    expect(profiledPart(inputs, spec, 200)).toMatchObject({ kind: 'behind', from: 140, to: 340 });
    expect(profiledPart(inputs, spec, 201)).toMatchObject({ kind: 'replayed', from: 0, to: 201 });
    inputs.trace.close();
  });
});
