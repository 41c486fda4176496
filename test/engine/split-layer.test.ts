// A layer at the boundary, some projections of whose experts the CPU has.
import { describe, expect, it } from 'vitest';
import { loadModel, type Result, simulate } from '../../src/index.js';
import { splitExperts } from '../../src/model/projections.js';

const MODEL = 'qwen3-30b-a3b';
const CARD = 'rtx-3060+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16';

type Input = NonNullable<Parameters<typeof simulate>[0]>;
const run = (cpuLayers: number, memory: Input['memory'], input: Input = {}): Promise<Result> =>
  simulate({
    model: MODEL,
    quantization: 'q4_k_m',
    hardware: CARD,
    system: { name: 'fixed', cache: { policy: `static:by=layer,cpuLayers=${cpuLayers}`, scope: 'global' }, onMiss: 'cpu' },
    workload: { prompt: 8, output: 8, tokens: 16, context: 1000 },
    bounds: false,
    memory: { expertCache: '100%', ...memory },
    ...input,
  });
const value = ({ metrics }: Result, name: string): number => metrics[name]!.value;

describe('memory.splitLayer', () => {
  const model = loadModel(MODEL, 'q4_k_m');
  const down = splitExperts(model, 20, 'down');

  it('lies between the layer on the GPU and the layer on the CPU, in time and in memory', async () => {
    const [gpu, third, twoThirds, cpu] = await Promise.all([
      run(20, {}),
      run(20, { splitLayer: { layer: 20, cpu: 'down' } }),
      run(20, { splitLayer: { layer: 20, cpu: 'gate+up' } }),
      run(21, {}),
    ]);
    const decode = [gpu, third, twoThirds, cpu].map((result) => value(result, 'latency.tpot.mean'));
    expect(decode).toEqual([...decode].sort((a, b) => a - b));
    const taken = value(third, 'memory.gpu.peak') - value(cpu, 'memory.gpu.peak');
    // One token's experts are streamed through a buffer.
    const staging = Math.max(...model.layers.map(({ expertBytes, topK }) => expertBytes * topK));
    expect(taken).toBe(128 * down.gpu.expertBytes + staging);
    expect(value(third, 'time.cpu')).toBeGreaterThan(value(gpu, 'time.cpu'));
  });

  it('copies for a prompt only what the GPU lacks', async () => {
    const workload = { prompt: 512, output: 1, tokens: 513, maxTokensPerPass: 512 };
    const [cpu, third] = await Promise.all([run(21, {}, { workload }), run(20, { splitLayer: { layer: 20, cpu: 'down' } }, { workload })]);
    const copied = third.perLayer.onDemandBytes[20]! / cpu.perLayer.onDemandBytes[20]!;
    expect(copied).toBeCloseTo(down.cpu.expertBytes / model.layers[20]!.expertBytes, 9);
    expect(third.perLayer.onDemandBytes.slice(0, 20)).toEqual(cpu.perLayer.onDemandBytes.slice(0, 20));
    expect(value(third, 'latency.ttft.mean')).toBeLessThan(value(cpu, 'latency.ttft.mean'));
  });

  it('is told event by event: what the CPU begins, the GPU ends', async () => {
    const result = await simulate(
      {
        model: MODEL,
        quantization: 'q4_k_m',
        hardware: CARD,
        system: { name: 'fixed', cache: { policy: 'static:by=layer,cpuLayers=2', scope: 'global' }, onMiss: 'cpu' },
        workload: { prompt: 8, output: 8, tokens: 16 },
        memory: { expertCache: '100%', splitLayer: { layer: 2, cpu: 'gate+up' } },
      },
      { details: true },
    );
    const told = result.details!.series.stallNs.reduce((sum, ns) => sum + ns, 0);
    expect(told / value(result, 'time.stall')).toBeCloseTo(1, 6);
    // The clocks of knowledge load whole experts; the others have prices of the split layer.
    const bounds = Object.keys(result.metrics).filter((name) => /^bound\..*tpot$/.test(name));
    expect(bounds).toEqual(['bound.all_resident.tpot', 'bound.no_cache.tpot']);
  });

  it.each<[string, Input, RegExp]>([
    ['a machine of one memory', { hardware: 'ryzen-9-7950x+2xddr5-6000+64GB' }, /has no CPU beside a GPU/],
    ['a system that moves experts', { system: 'on-demand-lru' }, /on-demand-lru moves them; take llama\.cpp-static/],
    ['a layer that is not there', { memory: { splitLayer: { layer: 48, cpu: 'down' } } }, /layer 48 is none of the 48/],
  ])('is refused on %s', async (_what, input, message) => {
    await expect(run(3, {}, { memory: { splitLayer: { layer: 3, cpu: 'down' } }, ...input })).rejects.toThrow(message);
  });
});
