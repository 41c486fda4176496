// Which parts of the host a search uses, one of its sockets or all, and whether the experts of the GPU follow prompts.
import { describe, expect, it } from 'vitest';
import { USUAL_DRAFTING } from '../../src/advise/drafting.js';
import { type Priced, Pricer, tokensNeeded } from '../../src/advise/price.js';
import { bestSetting } from '../../src/advise/search.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import type { HardwareSpec } from '../../src/hardware/spec.js';
import { loadModel } from '../../src/model/load/load.js';
import { advisedRuntime } from '../../src/runtime/index.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { ALL_ON_GPU, machineFor } from '../../src/runtime/setting/setting.js';
import { synthesize } from '../../src/trace/generate/synthetic.js';

const DUAL = 'rtx-3090+2xxeon-gold-6138+12xddr4-2666+384GB';
const REQUEST = { prompt: 64, output: 64 };
const model = loadModel('gpt-oss-120b');
const trace = synthesize(model, { seed: 1, requests: [{ prefill: tokensNeeded(1, REQUEST), decode: 0 }] });

/** What a search does not look at. */
const REST = { quantizations: [null], trace, file: null, hub: null, drafting: USUAL_DRAFTING, notes: [] };

async function best(hardware: HardwareSpec, name = 'llama.cpp'): Promise<Priced> {
  // A cache would be faster here.
  const runtime = { ...advisedRuntime(name), caches: [] };
  const common = { runtime, hardware, goal: { kind: 'decode' as const }, request: REQUEST, context: 8192, users: 1 };
  return (await bestSetting({ ...REST, ...common, pricer: new Pricer(trace, REQUEST), model: () => model }, null, 'f16'))!;
}

/** Sockets that together reach a share of the sum of their memories. */
function withEfficiency(hardware: HardwareSpec, efficiency: number): HardwareSpec {
  const { cpu } = hardware;
  return { ...hardware, cpu: { ...cpu!, sockets: { ...cpu!.sockets!, efficiency } } };
}

describe('experts of the GPU', () => {
  const hardware = loadHardware('rtx-4090+2xxeon-gold-6454s+16xddr5-4800+512GB', undefined, [], loadRuntime('sglang-kt'));
  const qwen = loadModel('qwen3-30b-a3b', 'fp8');

  async function chosen(prompt: number): Promise<Priced> {
    const request = { prompt, output: 64 };
    const drawn = synthesize(qwen, { seed: 1, requests: [{ prefill: tokensNeeded(1, request), decode: 0 }] });
    const runtime = { ...advisedRuntime('ktransformers'), caches: [] };
    const common = { runtime, hardware, goal: { kind: 'decode' as const }, request, context: 8192 };
    return (await bestSetting({ ...REST, ...common, users: 1, pricer: new Pricer(drawn, request), model: () => qwen }, null, 'f16'))!;
  }

  it('follow prompts that are long enough, which decodes faster with fewer of them', async () => {
    const [short, long] = [await chosen(512), await chosen(2048)];
    expect([short, long].map(({ setting }) => setting.followsPrompts)).toEqual([false, true]);
    expect(long.setting.gpuExperts!).toBeLessThan(short.setting.gpuExperts!);
    expect(long.price.decode).toBeGreaterThan(1.05 * short.price.decode);
    // A layer is brought whole: 128 experts.
    const layer = 128 * qwen.layers[0]!.expertBytes;
    expect(long.devices[0]!.compute - short.devices[0]!.compute).toBeCloseTo(layer, -3);
  });
});

describe('a machine of two sockets', () => {
  const hardware = loadHardware(DUAL);

  it('is one with half of the memory where one computes', () => {
    const one = machineFor(hardware, { oneSocket: true });
    expect(one.cpu!.sockets).toBeUndefined();
    expect(one.cpu!.memoryBandwidth).toBe(hardware.cpu!.memoryBandwidth);
    expect(one.tiers.map(({ bytes }) => bytes)).toEqual([hardware.tiers[0]!.bytes, hardware.tiers[1]!.bytes / 2]);
    expect(machineFor(hardware, { oneSocket: false })).toBe(hardware);
  });

  it('uses one where two reach less of the sum than one has, and both where they reach more', async () => {
    expect((await best(withEfficiency(hardware, 0.3))).setting.oneSocket).toBe(true);
    expect((await best(withEfficiency(hardware, 0.9))).setting.oneSocket).toBe(false);
  });

  it('uses both where one has too little memory', async () => {
    // 41 GB of gpt-oss-120b stay in host memory.
    const small = { ...hardware, tiers: hardware.tiers.map((tier, i) => (i === 1 ? { ...tier, bytes: 64e9 } : tier)) };
    const { setting } = await best(small);
    expect(setting).toMatchObject({ oneSocket: false, gpuLayers: ALL_ON_GPU.gpuLayers });
  });

  it('is used whole by KTransformers', async () => {
    const kt = loadHardware(DUAL, undefined, [], loadRuntime('sglang-kt'));
    expect((await best(kt, 'ktransformers')).setting.oneSocket).toBe(false);
  });
});
