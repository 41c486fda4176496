// What a run names is loaded without holding up signals, and what it is profiled on is not what it replays.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatCount } from '../../../src/base/units.js';
import { openInputs, type Rows, routingOfPart } from '../../../src/engine/inputs/inputs.js';
import { profiledPart, profiledRows } from '../../../src/engine/inputs/profiling.js';
import { simulate } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { writeSafetensors } from '../../../src/trace/open/write.js';
import { popularityOf } from '../../../src/trace/popularity.js';
import { selectRows } from '../../../src/trace/selection.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { temporaryFolder, traceOf } from '../../trace/builders.js';

const folder = temporaryFolder();
/** A model of one layer with 4 experts, of which a token takes one. */
const one = join(folder, 'one.yaml');
writeFileSync(
  one,
  'name: one\nlayers: 1\nhidden: 64\nvocab: 256\nquantization: bf16\nattention: { kind: gqa, heads: 4, kvHeads: 4, headDim: 16 }\n' +
    'moe: { experts: 4, topK: 1, intermediate: 64 }\n',
);

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
    expect(rows.tokens).toBe(700);
    expect(profiledPart(few.inputs, 700).words).toBe('700 tokens drawn apart from those that are replayed');
    expect((await profiledRows(many.inputs, 700)).sha256()).toBe(rows.sha256());
    expect(await profiledRows(few.inputs, 700)).toBe(rows);
    const same = await opened(700, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
    expect(same.inputs.trace.sha256()).not.toBe(rows.sha256());
    expect(profiledPart(few.inputs, 1e12).tokens).toBe(65_536);
  });

  it('synthetic with a variant: the variant applies to what is drawn apart, too', async () => {
    const { inputs } = await opened(100, { model: 'mini-mixtral-8x8l', trace: 'synthetic', variants: ['top-k=1'] });
    // Of two choices a token is left with one.
    const { counts } = popularityOf(await profiledRows(inputs, 50));
    expect(counts[0]!.reduce((sum, count) => sum + count, 0)).toBe(50);
  });

  it('recorded: the latest rows before the replayed ones, and never one that is replayed or comes later', async () => {
    const counted = { trace: 'mini-finegrained-64x12l', system: 'fiddler' };
    const whole = await opened(undefined, counted);
    const [{ from: held, to: end }] = whole.inputs.replayed as [Rows];
    // 7,172 tokens, a fifth of which are 1,434: the cut falls between two requests.
    expect(end).toBe(7172);
    expect(whole.inputs.traces[0]!.requests.map(({ start }) => start)).toContain(held);
    expect(held / 7172).toBeCloseTo(0.2, 1);
    for (const [tokens, wanted, from, to] of [
      [1000, 500, held - 500, held + 1000],
      [1000, 9000, 0, held + 1000],
      [7000, 1000, held - 1000, 7172],
      [undefined, 1000, held - 1000, 7172],
      [undefined, 9000, 0, 7172],
    ] as const) {
      const { inputs } = await opened(tokens, counted);
      const [file] = inputs.traces as [RoutingTrace];
      expect(inputs.replayed).toEqual([{ from: held, to }]);
      expect(profiledPart(inputs, wanted)).toEqual({
        tokens: held - from,
        words: `${formatCount(held - from)} tokens before those that are replayed`,
      });
      const rows = await profiledRows(inputs, wanted);
      expect(popularityOf(rows).counts).toEqual(popularityOf(selectRows(file, from, held, 'x')).counts);
      // What runs is the rows behind them, and no more.
      expect(popularityOf(inputs.trace).counts).toEqual(popularityOf(selectRows(file, held, to, 'x')).counts);
      for (const trace of inputs.traces) trace.close();
    }
    for (const trace of whole.inputs.traces) trace.close();
  });
});

it('recorded: counts of ten tokens by hand, and a replay of the others in which the counted ones count for nothing', async () => {
  // Ten tokens of one layer with 4 experts, one choice each. A fifth are the first two: expert 3 twice.
  const path = join(folder, 'ten.safetensors');
  writeSafetensors(
    traceOf(
      [3, 3, 0, 1, 0, 1, 0, 1, 2, 2].map((expert) => ({ experts: [[expert]] })),
      4,
    ),
    path,
  );
  const static1 = { name: 's', cache: { policy: 'static:by=popularity', popularity: 1000 } };
  const run = { trace: path, model: one, audit: 'off', memory: { expertCache: '25%' } } as const;
  const { config, inputs, knowledge, metrics } = await simulate({ ...run, system: static1 });
  expect(config.profiledOn).toBe('2 tokens before those that are replayed');
  expect(inputs.traces[0]).toMatchObject({ tokens: 8, heldOut: 2 });
  expect(knowledge!.most).toBe('nothing');
  // Expert 3 stays, which none of the eight asks for; of all ten tokens, or of the last two, the best is hit.
  expect(metrics['cache.hits']!.value).toBe(0);
  const told = async (popularity: string) => {
    const system = { ...static1, cache: { ...static1.cache, popularity } };
    const result = await simulate({ ...run, trace: `${path}#2:8`, system });
    return [result.metrics['cache.hits']!.value, result.knowledge!.most];
  };
  // Of 0 1 0 1 0 1, counted before (3), on itself (0), and behind (2): what follows in the text is the future as well.
  expect(await told(`${path}#0:2`)).toEqual([0, 'nothing']);
  expect(await told(`${path}#2:8`)).toEqual([3, 'future']);
  expect(await told(`${path}#8:10`)).toEqual([0, 'future']);
});

it('rows of drawn routing that no request walks are counted all the same', async () => {
  const { inputs } = await opened(100, { model: 'mini-mixtral-8x8l', trace: 'synthetic' });
  const counted = popularityOf(await routingOfPart({ ...inputs.trace, requests: [] }).apart!.take(50)).counts;
  expect(counted).toEqual(popularityOf(selectRows(inputs.trace, 0, 50, 'x')).counts);
  expect(counted[0]!.reduce((sum, count) => sum + count, 0)).toBe(100);
});

describe('what is held out of a recording', () => {
  it('recorded: all of it is replayed by who counts nothing, or on a file; so much is held out as is wished', async () => {
    const rows = async (run: Readonly<Record<string, unknown>>, workload = {}) => {
      const spec = checkRun({ trace: 'mini-mixtral-8x8l#0:200', ...run, workload }, 'test');
      const inputs = await openInputs(spec);
      inputs.trace.close();
      return inputs.replayed.map(({ from, to }) => to - from);
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
    expect(held.config.profiledOn).toBe(`${heldOut} tokens before those that are replayed`);
    const lru = await simulate({ ...run, runtime: 'llama.cpp', workload: { holdOut: '20%' } });
    expect(lru.fingerprint).toBe(held.fingerprint);
    expect((await simulate(run)).fingerprint).not.toBe(held.fingerprint);
    const rest = await simulate({ ...run, runtime: 'llama.cpp', trace: `mini-mixtral-8x8l#${heldOut}:400` });
    expect(lru.metrics).toEqual(rest.metrics);
  });

  it('warns where the file that is named is the trace itself, and only of rows that are replayed', async () => {
    const codes = async (popularity: string, trace: string = run.trace) => {
      const system = { name: 'x', cache: { policy: 'static', popularity } };
      const result = await simulate({ ...run, trace, system });
      expect(result.inputs.traces[0]).not.toHaveProperty('heldOut');
      expect(result.config.profiledOn).toBe(popularity);
      return result.warnings.filter(({ code }) => code === 'profiled-on-itself').length;
    };
    expect(await codes('mini-mixtral-8x8l')).toBe(1);
    expect(await codes('mini-mixtral-8x8l#300:500')).toBe(1);
    // Later rows of the same text are its future.
    expect(await codes('mini-mixtral-8x8l#400:500')).toBe(1);
    expect(await codes('mini-mixtral-8x8l#0:100', 'mini-mixtral-8x8l#100:400')).toBe(0);
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

  it('counts on the first rows of each, and replays so many behind them', async () => {
    const spec = checkRun({ ...common, trace, workload: { tokens: 100, holdOut: '25%' } }, 'test');
    const inputs = await openInputs(spec);
    expect(inputs.replayed).toEqual([
      { from: 75, to: 175 },
      { from: 10, to: 40 },
    ]);
    expect(inputs.trace.tokens).toBe(130);
    expect(profiledPart(inputs, 85).tokens).toBe(85);
    // 85 are all; of 12 the last ten are the second file's.
    const [first, second] = inputs.traces as [RoutingTrace, RoutingTrace];
    const counts = popularityOf(await profiledRows(inputs, 12)).counts[0]!;
    const [late, all] = [popularityOf(selectRows(first, 73, 75, 'x')).counts[0]!, popularityOf(selectRows(second, 0, 10, 'x')).counts[0]!];
    expect(counts).toEqual(counts.map((_, expert) => late[expert]! + all[expert]!));
    inputs.trace.close();
  });
});
