// Runs on several GPUs whose runtime shares layers or tensors.
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../src/engine/simulate.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadModel, type Result, type simulate } from '../../src/index.js';
import { reports } from '../../src/report/formats/index.js';
import { checkRun } from '../../src/system/load-run.js';

type Input = Parameters<typeof simulate>[0];
const HOST = 'ryzen-9-7950x+2xddr5-6000+pcie4x16';
const run = (hardware: string, input: Input = {}, values: Record<string, unknown> = {}): Promise<Result> => {
  const overrides = Object.entries(values).map(([path, value]) => ({ path: path.split('.'), value, label: path }));
  const given = { model: 'qwen3-30b-a3b', quantization: 'q4_k_m', workload: { prompt: 4, output: 8, tokens: 12 }, bounds: false, ...input };
  return simulateRun(checkRun({ ...given, hardware: `${hardware}+${HOST}` }, 'test', overrides));
};
const value = ({ metrics }: Result, name: string) => metrics[name]!.value;

describe('GPUs that share layers', () => {
  it('take the time of one that holds all, and the way from one to the next', async () => {
    const one = await run('rtx-3090', { system: 'all-resident', runtime: 'llama.cpp' });
    const two = await run('2xrtx-3090', { system: 'all-resident', runtime: 'llama.cpp' });
    // PCIe 4.0 x16 carries 31.5 GB/s, of which pinned copies reach 0.8, and through host memory half; 2,048 values of 4 bytes.
    const hop = 15e3 + (2048 * 4) / (31.504 * 0.8 * 0.5);
    expect(value(two, 'latency.tpot.mean') - value(one, 'latency.tpot.mean')).toBeCloseTo(hop, -1);
    expect(two.inputs.joined).toEqual({ gpus: 2, sharing: 'layers' });
    expect(one.inputs.joined).toBeUndefined();
    expect(two.metrics['parallel.gpus']).toBeUndefined();
    const table = reports.find(({ name }) => name === 'table')!.render(two, { color: false, width: 80, unicode: true, verbose: false });
    expect(table).toContain('2, each some of the layers');
    expect(table).toContain('on all GPUs');
  });

  it('that differ take the time of what each holds', async () => {
    const [a, b, both] = await Promise.all(
      ['rtx-3090', 'rtx-4090', 'rtx-3090+rtx-4090'].map((hardware) => run(hardware, { system: 'all-resident', runtime: 'llama.cpp' })),
    );
    const share = loadRuntime('llama.cpp').gpu.bandwidth.default!;
    // 49 layers with the head: 25 on the first card, 23 and the head on the second.
    const { dense, layers } = loadModel('qwen3-30b-a3b', 'q4_k_m');
    const active = layers[0]!.topK * layers[0]!.expertBytes;
    const bytes = (from: number, to: number) =>
      dense.segments.slice(from, to).reduce((sum, { weightBytes }) => sum + weightBytes, 0) + (Math.min(to, 48) - from) * active;
    const read = (from: number, to: number, rate: number) => bytes(from, to) / (rate * share);
    const hop = 15e3 + (2048 * 4) / (31.504 * 0.8 * 0.5);
    const saved = read(25, 49, 936) - read(25, 49, 1008);
    const tpot = (result: Result | undefined) => value(result!, 'latency.tpot.mean');
    // All is read at the runtime's share of the bandwidth; attention to 12 tokens is next to nothing.
    expect((tpot(a) - (tpot(both) - hop)) / saved).toBeCloseTo(1, 2);
    expect(tpot(b)).toBeLessThan(tpot(a));
  });

  it('hold what one cannot', async () => {
    const input = { quantization: 'q8_0', system: 'llama.cpp-static' };
    const [one, two] = [await run('rtx-3090', input), await run('2xrtx-3090', input)];
    expect(value(one, 'time.cpu')).toBeGreaterThan(0);
    expect(value(two, 'time.cpu')).toBe(0);
  });

  it('may leave layers to the CPU', async () => {
    const result = await run('2xrtx-3090', { system: 'llama.cpp-static', memory: { gpuLayers: 24 } });
    expect(value(result, 'time.dense_cpu')).toBeGreaterThan(0);
    expect(result.inputs.joined).toEqual({ gpus: 2, sharing: 'layers' });
  });
});

describe('GPUs', () => {
  it.each<[string, Input, Record<string, unknown>, Result['inputs']['joined']]>([
    ['share experts where nobody names a runtime', { system: 'on-demand-lru' }, {}, undefined],
    ['share experts where the system places them', { system: 'tutel', runtime: 'llama.cpp' }, {}, undefined],
    ['share experts under research systems', { system: 'fiddler' }, {}, undefined],
    ['share tensors under vllm', { system: 'all-resident', runtime: 'vllm' }, {}, { gpus: 2, sharing: 'tensor' }],
    ['share layers where the system runs under llama.cpp', { system: 'llama.cpp-static' }, {}, { gpus: 2, sharing: 'layers' }],
    ['share what a value says', { system: 'llama.cpp-static' }, { 'runtime.gpu.several': 'experts' }, undefined],
    ['share layers if asked', { system: 'on-demand-lru' }, { 'runtime.gpu.several': 'layers' }, { gpus: 2, sharing: 'layers' }],
  ])('%s', async (_what, input, values, joined) => {
    expect((await run('2xrtx-3090', input, values)).inputs.joined).toEqual(joined);
  });

  it('that differ share layers where nobody names a runtime', async () => {
    expect((await run('rtx-3090+rtx-4090', { system: 'on-demand-lru' })).inputs.joined).toEqual({ gpus: 2, sharing: 'layers' });
  });

  it.each<[string, Input, Record<string, unknown>, RegExp]>([
    ['rtx-3090+rtx-4090', { system: 'tutel' }, {}, /its GPUs differ, and experts are shared by GPUs that are alike; name a runtime/],
    ['rtx-3090+rtx-4090', { system: 'all-resident', runtime: 'vllm' }, {}, /its GPUs differ, and a tensor is cut over GPUs that are alike/],
    ['2xrtx-3090', { system: 'tutel' }, { 'runtime.gpu.several': 'layers' }, /system\.placement: tutel shares experts/],
  ])('%s are refused with %j, %j', async (hardware, input, values, message) => {
    await expect(run(hardware, input, values)).rejects.toThrow(message);
  });
});
