// Rows are predicted by the engine: what a run of the same machine, placement and tokens gives, and what goes up must come down.
import { describe, expect, it } from 'vitest';
import { loadRuntime, type RuntimeSpec } from '../../../src/hardware/runtime.js';
import { predictRow } from '../../../src/measured/validate/predict.js';
import type { Measurement } from '../../../src/measured/validate/rows/measurement.js';
import { RowTraces } from '../../../src/measured/validate/rows/row-traces.js';
import { measurement } from './rows.js';

const bundled = new Map(['llama.cpp', 'hf-eager', 'hf-eager-hqq', 'freetoken'].map((name) => [name, loadRuntime(name)]));
const shape = { layers: 4, moe_layers: 4, experts: 8, top_k: 2, hidden: 1024, expert_intermediate: 2048, total_b: 0.5, active_b: 0.4 };
const small = { name: 'small', quant: 'q8_0', shape };

async function predicted(row: Measurement, runtimes: ReadonlyMap<string, RuntimeSpec> = bundled) {
  const { figures, lacks } = await predictRow(row, new RowTraces(), runtimes);
  expect(lacks).toBeNull();
  return figures;
}
const decoded = async (over: Record<string, unknown>): Promise<number> => (await predicted(measurement({ model: small, ...over }))).decode!;

describe('decoding', () => {
  it('is slower with more layers on the CPU, at a greater depth, and with slower memory', async () => {
    const on = (layers: number, run = {}) => decoded({ placement: { kind: 'cpu-layers', cpu_moe_layers: layers, where: 'cpu' }, run });
    const [none, half, all] = [await on(0), await on(2), await on(4)];
    expect(none).toBeGreaterThan(half);
    expect(half).toBeGreaterThan(all);
    expect(await on(2, { depth: 30_000 })).toBeLessThan(half);
    const ram = { type: 'ddr4', mts: 2400, channels: 2 };
    expect(await decoded({ placement: { kind: 'all-cpu' }, machine: { ...measurement().machine, ram } })).toBeLessThan(
      await decoded({ placement: { kind: 'all-cpu' } }),
    );
  });

  it('on the CPU alone leaves a card idle', async () => {
    const alone = { placement: { kind: 'all-cpu' }, machine: { ...measurement().machine, gpus: [] } };
    expect(await decoded({ placement: { kind: 'all-cpu' } })).toBe(await decoded(alone));
  });

  it('on two cards that share tensors exchanges twice a layer, 15 us each and the values over half of the slot', async () => {
    const { gpus, ...rest } = measurement().machine;
    const on = (count: number) =>
      decoded({
        engine: 'freetoken',
        placement: { kind: 'all-gpu' },
        machine: { ...rest, gpus: Array.from({ length: count }, () => gpus[0]!) },
      });
    const [one, two] = [1 / (await on(1)), 1 / (await on(2))];
    const { pass } = bundled.get('freetoken')!;
    // What is not reading stays: at least half of the time without the pass, and the exchanges of four layers.
    expect(two).toBeGreaterThan(pass / 1e9 + (one - pass / 1e9) / 2 + 8 * 15e-6);
    expect(two).toBeLessThan(one + 8 * 16e-6);
  });

  it('of a batch is that of all its sequences', async () => {
    const [one, four] = [await decoded({}), await decoded({ run: { batch_users: 4 } })];
    expect(four).toBeGreaterThan(one);
    expect(four).toBeLessThan(4 * one);
  });

  it('of users whose prompts pass between steps has the prompts of all, or of the others in the time of a token', async () => {
    const run = { batch_users: 4, pp_tokens: 512, tg_tokens: 64 };
    const placement = { kind: 'all-gpu' };
    const step = 4 / (await decoded({ run, placement }));
    const { prefill } = await predicted(measurement({ model: small, run: { ...run, batch_users: 1 }, placement, measured: { pp_tps: 1 } }));
    const prompt = 512 / prefill!;
    const all = await decoded({ run, placement, measured: { tg_tps: 1, basis: 'end-to-end' } });
    expect(4 / all).toBeCloseTo(step + (4 * prompt) / 64, 9);
    const measured = { tg_tps: 1, tpot_ms: 9, basis: 'end-to-end' };
    const others = await decoded({ run, placement, measured, scorable: { tpot: true } });
    expect(4 / others).toBeCloseTo(step + (3 * prompt) / 64, 9);
    expect(await decoded({ run, placement, measured: { tg_tps: 1, basis: 'decode' } })).toBeCloseTo(4 / step, 9);
    const unknown = { batch_users: 4, tg_tokens: 64 };
    expect(await decoded({ run: unknown, placement, measured })).toBe(await decoded({ run: unknown, placement }));
  });

  it('of a hybrid keeps two users where one is, whatever its prompts do', async () => {
    const on = (where: string) => ({ kind: 'cpu-layers', cpu_moe_layers: 4, where: 'cpu', prefill_where: where });
    const run = { batch_users: 2 };
    expect(await decoded({ run, placement: on('gpu') })).toBe(await decoded({ run, placement: on('cpu') }));
  });

  it('takes the time that the runtime says: a layer of a millisecond makes at least 4 ms a token', async () => {
    const slow = new Map([['llama.cpp', { ...bundled.get('llama.cpp')!, layer: 1e6, pass: 0 }]]);
    const row = measurement({ model: small, placement: { kind: 'all-gpu' } });
    const [usual, slowed] = [(await predicted(row)).decode!, (await predicted(row, slow)).decode!];
    const { layer, pass } = bundled.get('llama.cpp')!;
    // Four layers, each so much longer; the pass itself takes nothing.
    expect(1e9 / slowed - 1e9 / usual).toBeCloseTo(4 * (1e6 - layer) - pass, -1);
  });
});

describe('a cache', () => {
  const cached = (experts: number, more: Record<string, unknown> = {}) =>
    predicted(
      measurement({
        model: small,
        engine: 'mixtral-offloading',
        placement: { kind: 'expert-cache', where: 'gpu', policy: 'lru', cache_experts_per_layer: experts },
        measured: { tg_tps: 1, hit_rate: 0.5 },
        ...more,
      }),
    );

  it('hits more, and is faster, the larger it is; one that holds all hits always', async () => {
    const [two, four, eight] = [await cached(2), await cached(4), await cached(8)];
    expect(two.hit_rate!).toBeLessThan(four.hit_rate!);
    expect(two.decode!).toBeLessThan(four.decode!);
    expect(eight.hit_rate).toBe(1);
  });

  it('in host memory before a disk hits where nothing is read, whatever the card holds', async () => {
    // 32 experts of 6,291,456 weights in q8_0, 8.5 bits each: 213.9 MB. What holds them all reads none of them.
    const machine = { ...measurement().machine, ssd: { gbps: 5 } };
    const streamed = (cache_gb: number) =>
      cached(0, { engine: 'llama.cpp', machine, placement: { kind: 'ssd-stream', where: 'cpu', cache_gb } });
    expect((await streamed(0.3)).hit_rate).toBe(1);
    const half = (await streamed(0.107)).hit_rate!;
    expect(half).toBeGreaterThan(0.2);
    expect(half).toBeLessThan(0.8);
  });
});

describe('a prompt', () => {
  const prompt = { placement: { kind: 'cpu-layers', cpu_moe_layers: 4, where: 'cpu' }, measured: { pp_tps: 1 } };

  it('is faster with a larger ubatch, where experts are copied once for each', async () => {
    const at = async (ubatch: number) =>
      (await predicted(measurement({ model: small, ...prompt, run: { pp_tokens: 512, ubatch } }))).prefill!;
    expect(await at(512)).toBeGreaterThan(2 * (await at(128)));
  });

  it('is computed by the CPU where the row says so', async () => {
    const [copied, computed] = await Promise.all(
      ['gpu', 'cpu'].map((where) =>
        predicted(measurement({ model: small, ...prompt, placement: { ...prompt.placement, prefill_where: where } })),
      ),
    );
    expect(copied!.prefill).not.toBe(computed!.prefill);
  });

  it('of a deep context over a latent is faster where heads are unpacked, the more the longer a pass', async () => {
    const runtimes = new Map([['ik_llama.cpp', loadRuntime('ik_llama.cpp')]]);
    const at = async (mla: number, ubatch: number): Promise<number> => {
      const run = { mla, ubatch, pp_tokens: ubatch, depth: 60_000 };
      const row = measurement({ engine: 'ik_llama.cpp', model: { name: 'deepseek-v2-lite', quant: 'q4_k_m' }, ...prompt, run });
      return (await predicted(row, runtimes)).prefill!;
    };
    const gain = async (ubatch: number): Promise<number> => (await at(3, ubatch)) / (await at(1, ubatch));
    expect(await gain(2048)).toBeGreaterThan(1);
    expect(await gain(2048)).toBeGreaterThan(await gain(512));
  });
});
