// Layers, KV caches and everything on the CPU of a machine that has a GPU, too.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadModel, type Result, simulate } from '../../src/index.js';

const MODEL = 'qwen3-30b-a3b';
const HOST = 'ryzen-9-7950x+2xddr5-6000+64GB';
const CARD = `rtx-3060+${HOST}+pcie4x16`;
/** 48 layers of 4 x 128 keys and values in 16 bits. */
const KV_LAYER = 2048;

type Input = Parameters<typeof simulate>[0];
const run = (memory: Input['memory'], input: Input = {}): Promise<Result> =>
  simulate({
    model: MODEL,
    quantization: 'q4_k_m',
    hardware: CARD,
    system: 'llama.cpp-static',
    workload: { prompt: 8, output: 8, tokens: 16, context: 1000 },
    bounds: false,
    memory,
    ...input,
  });
const value = ({ metrics }: Result, name: string) => metrics[name]!.value;

const { dense, layers } = loadModel(MODEL, 'q4_k_m');
const weights = (from: number, to: number) => dense.segments.slice(from, to).reduce((sum, { weightBytes }) => sum + weightBytes, 0);
const table = dense.weightBytes - weights(0, 49);

describe('memory.gpuLayers', () => {
  it('of more layers than there are is as if nothing was said, to the nanosecond', async () => {
    const [all, silent] = [await run({ gpuLayers: 49 }), await run({})];
    expect(all.metrics).toEqual(silent.metrics);
    expect(all.metrics['time.dense_cpu']).toBeUndefined();
  });

  it('leaves weights, KV caches and experts of the first layers in DRAM', async () => {
    const result = await run({ gpuLayers: 20 });
    // 1,016 tokens; 28 layers and the head on the CPU, with the table of tokens. One token's experts are streamed through a buffer.
    const kv = 1016 * KV_LAYER;
    const experts = layers.slice(28).reduce((sum, { expertBytes, experts: count }) => sum + expertBytes * count, 0);
    const staging = Math.max(...layers.map(({ expertBytes, topK }) => expertBytes * topK));
    expect(value(result, 'memory.dram.dense')).toBeCloseTo(weights(0, 28) + weights(48, 49) + table, -1);
    expect(value(result, 'memory.dram.kv_peak')).toBe(28 * kv);
    expect(value(result, 'memory.gpu.kv_peak')).toBe(20 * kv);
    expect(value(result, 'memory.gpu.peak')).toBe(weights(28, 48) + 20 * kv + staging + experts);
    expect(value(result, 'memory.gpu.expert_cache')).toBe(experts);
    // Experts of the CPU's layers are its own work, not what the GPU waits for.
    expect(value(result, 'time.stall')).toBe(0);
    expect(value(result, 'time.cpu')).toBeGreaterThan(0);
    expect(result.perLayer.hits.slice(0, 28).every((hits) => hits === 0)).toBe(true);
    expect(result.perLayer.misses.slice(28).every((misses) => misses === 0)).toBe(true);
  });

  it('is told the same in details: nothing stalls where the CPU holds a layer', async () => {
    const result = await simulate(
      {
        model: 'mini-finegrained-64x12l',
        hardware: CARD,
        system: 'llama.cpp-static',
        workload: { prompt: 8, output: 8, tokens: 16 },
        memory: { gpuLayers: 6 },
      },
      { details: true },
    );
    expect(value(result, 'time.stall')).toBe(0);
    expect(result.details!.series.stallNs.every((ns) => ns === 0)).toBe(true);
    expect(result.details!.causes!.otherStallNs.every((ns) => ns === 0)).toBe(true);
  });
});

describe('speed: memory.gpuLayers', () => {
  it('of none decodes as the CPU alone does', async () => {
    const workload = { prompt: 4, output: 12, tokens: 16, context: 1000 };
    const without = await run({}, { hardware: HOST, workload });
    const held = await run({ gpuLayers: 0 }, { workload });
    expect(value(held, 'latency.tpot.mean') / value(without, 'latency.tpot.mean')).toBeCloseTo(1, 9);
    expect(value(held, 'time.dense_cpu')).toBeCloseTo(value(held, 'time.dense') - 13 * loadRuntime('llama.cpp').pass, 0);
    expect(value(held, 'memory.gpu.kv_peak')).toBe(0);
  });

  it('of more layers is faster, each', async () => {
    const speeds: number[] = [];
    for (const gpuLayers of [0, 12, 24, 36, 49]) speeds.push(value(await run({ gpuLayers }), 'speed.decode'));
    expect(speeds).toEqual([...speeds].sort((a, b) => a - b));
  });
});

describe('mistakes: memory.gpuLayers', () => {
  it.each<[string, Input, RegExp]>([
    ['a machine of one memory', { hardware: HOST, memory: { gpuLayers: 4 } }, /memory\.gpuLayers: .* has no CPU beside a GPU/],
    [
      'a system that moves experts',
      { system: 'on-demand-lru', memory: { gpuLayers: 4 } },
      /memory\.gpuLayers: layers of the CPU keep their experts there, and on-demand-lru has them elsewhere; take llama\.cpp-static/,
    ],
    [
      'several GPUs that share experts',
      { hardware: `2x${CARD}`, runtime: 'hf-eager', memory: { gpuLayers: 4 } },
      /memory\.gpuLayers: is for GPUs that share layers or tensors, and here they share experts/,
    ],
  ])('is refused on %s', async (_what, input, message) => {
    await expect(run(input.memory, input)).rejects.toThrow(message);
  });
});

describe('memory.kvIn: dram', () => {
  it('frees the GPU of KV caches, and the CPU attends to them', async () => {
    const [dram, gpu] = [await run({ kvIn: 'dram', expertCache: '10%' }), await run({ expertCache: '10%' })];
    expect(value(gpu, 'memory.gpu.peak') - value(dram, 'memory.gpu.peak')).toBe(48 * 1016 * KV_LAYER);
    expect(value(dram, 'memory.dram.peak') - value(gpu, 'memory.dram.peak')).toBe(48 * 1016 * KV_LAYER);
    expect(value(dram, 'memory.dram.dense')).toBe(0);
    // A token's 98,304 bytes are read at shares of 360 GB/s on the card and of 96 GB/s in DRAM, which 16 cores could read faster, and attend to
    // as fast as they read; and 48 hand-overs, in which 16 threads wait for one another.
    const { cpu, gpu: card, handover } = loadRuntime('llama.cpp');
    const [given, asked] = [cpu.bandwidth * cpu.memory['amd-ddr5']! * 96, 16 * cpu.bandwidth * (cpu.core.default! / 1e9)];
    const perToken = 98_304 / (given / (1 + (given / asked) ** 6) ** (1 / 6)) - 98_304 / (card.attention.bandwidth * 360);
    // Eight tokens, which attend to 1,009 .. 1,016.
    const near = value(dram, 'latency.tpot.mean') - value(gpu, 'latency.tpot.mean');
    expect(near).toBeCloseTo(1012.5 * perToken + 48 * (handover + (7 / 23) * cpu.barrier * 16), 0);
  });

  it.each<[Input['memory'], RegExp]>([
    [{ kvIn: 'dram', kv: '1GiB' }, /memory\.kv: is room on the GPU, and KV caches lie in DRAM/],
    [{ kvIn: 'dram', kvGrowth: 'grow' }, /memory\.kvGrowth: KV caches in DRAM take nothing from the expert cache/],
  ])('is refused with %j', async (memory, message) => {
    await expect(run(memory)).rejects.toThrow(message);
  });
});
