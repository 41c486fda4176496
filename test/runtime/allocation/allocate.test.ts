// Weights and KV caches by device, against logs of llama.cpp and ik_llama.cpp (shared with profiles/measurements/memory.jsonl) and by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { allocate } from '../../../src/runtime/allocation/allocate.js';
import type { EngineLoad } from '../../../src/runtime/load.js';
import { MIB, plan } from '../../hardware/allocation/plans.js';

const on = (name: string, model: string, quantization: string, changes: Partial<EngineLoad>) =>
  allocate(loadModel(model, quantization), plan(changes)).devices.find((device) => device.name === name)!;

describe('weights', () => {
  // ik-357-2: layers 14 to 93 on the CPU with their norms and routers, as the pattern says; the embedding table too.
  it('of Qwen3-235B at 8.5 bits lie as the log has them', () => {
    const overrides = ['1[4-9]', '[2-8][0-9]', '9[0-3]'].map((layers) => ({ pattern: `blk\\.${layers}\\.ffn.*`, device: 'cpu' as const }));
    const changes = { engine: 'ik_llama.cpp', overrides } as const;
    expect(on('gpu0', 'qwen3-235b-a22b', 'q8_0', changes).weights / MIB).toBeCloseTo(41723.89, 1);
    // 196,001.25 on the CPU and 630.59 pinned.
    expect(on('cpu', 'qwen3-235b-a22b', 'q8_0', changes).weights / MIB).toBeCloseTo(196001.25 + 630.59, 1);
  });

  // ik-380-1: no GPU.
  it('are all in host memory without a GPU', () => {
    const devices = allocate(loadModel('qwen3-30b-a3b', 'q8_0'), plan({ gpus: 0 })).devices;
    expect(devices.map(({ name }) => name)).toEqual(['cpu']);
  });

  it('of all devices add up to the file, however they are placed', () => {
    const model = loadModel('deepseek-v2-lite', 'q4_k_m');
    const whole = model.anatomy!.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(whole).toBeCloseTo(
      model.dense.weightBytes + model.layers.reduce((sum, { expertBytes, experts }) => sum + experts * expertBytes, 0),
      -4,
    );
    fc.assert(
      fc.property(fc.nat(4), fc.nat(30), fc.nat(30), (gpus, gpuLayers, cpuMoeLayers) => {
        const { devices } = allocate(model, plan({ gpus, gpuLayers, cpuMoeLayers }));
        expect(devices.reduce((sum, { weights }) => sum + weights, 0)).toBeCloseTo(whole, 0);
      }),
    );
  });

  it('and caches of the GPU never shrink with one layer more on it', () => {
    const model = loadModel('gpt-oss-20b');
    const bytes = (gpuLayers: number): number => {
      const { weights, kv } = allocate(model, plan({ gpuLayers })).devices[0]!;
      return weights + kv;
    };
    for (let layers = 0; layers < 25; layers++) expect(bytes(layers + 1)).toBeGreaterThan(bytes(layers));
  });
});

describe('KV caches', () => {
  const kv = (model: string, changes: Partial<EngineLoad>): number => on('gpu0', model, 'q8_0', changes).kv / MIB;

  it('of grouped heads: layers x cells x heads x width x two', () => {
    expect(kv('qwen3-235b-a22b', {})).toBe(6016); // ik-357-3: 94 x 32768 x 4 x 128 x 2 x 2
    expect(kv('qwen3-235b-a22b', { kv: { k: 'q8_0', v: 'q8_0' } })).toBe(3196); // ik-370-4: x 34 / 64
    expect(kv('qwen3-30b-a3b', { context: 31_900 })).toBe(3000); // ik-641-1, -c 32000: 125 steps of 256 cells
  });

  it('of sliding windows: llama.cpp keeps the window and one ubatch, ik_llama.cpp everything', () => {
    expect(kv('gpt-oss-20b', { context: 131_072 })).toBe(3072 + 18); // ik-822-1: 12 layers of 768 cells
    expect(kv('gpt-oss-20b', { context: 131_072, engine: 'ik_llama.cpp' })).toBe(6144); // ik-822-2
  });

  it('of latent attention by variant', () => {
    const ik = { engine: 'ik_llama.cpp' } as const;
    expect(kv('deepseek-v3', { ...ik, mla: 2 })).toBe(2196); // ik-258-8: 61 x 32768 x 576 x 2
    expect(kv('deepseek-v3', { ...ik, mla: 3, kv: { k: 'q8_0', v: 'f16' } })).toBeCloseTo(1166.62, 1); // ik-258-2
    // ik-394-2: 576 + 512 values; builds of 2026 keep no values beside the latent: 61 x 16,384 x 576 x 2.
    expect(kv('deepseek-v3', { context: 16_384, version: '5331 (33eff402)' })).toBe(510 + 408 + 408 + 748);
    expect(kv('deepseek-v3', { context: 16_384 })).toBe(1098);
    expect(on('cpu', 'kimi-k2', 'q8_0', { ...ik, gpus: 0, context: 512, mla: 0 }).kv / MIB).toBe(1220); // ik-616-3: 64 x 320 x 2
    expect(on('cpu', 'kimi-k2', 'q8_0', { ...ik, gpus: 0, context: 512, mla: 1 }).kv / MIB).toBeCloseTo(64.81, 1); // ik-616-2
  });

  it('of recurrent layers do not grow with the context', () => {
    // gh-file-53224000715-1 to -3: 397, 2647 and 6445 MiB of four sequences, as printed without decimals.
    const four = (context: number): number => kv('qwen3-next-80b-a3b', { context, parallel: 4, unified: true });
    expect([four(4096), four(100_096), four(262_144)].map(Math.floor)).toEqual([397, 2647, 6445]);
  });

  it('lie with their layers, or on the CPU', () => {
    const devices = allocate(
      loadModel('qwen3-235b-a22b', 'q6_k'),
      plan({ gpus: 2, context: 16_384, kv: { k: 'q8_0', v: 'q8_0' } }),
    ).devices;
    expect(devices.map((device) => device.kv / MIB)).toEqual([816, 782, 0]); // ik-370-3
    expect(on('cpu', 'qwen3-235b-a22b', 'q6_k', { kvOnCpu: true }).kv / MIB).toBe(6016);
  });
});

describe('a plan', () => {
  it('names devices and patterns that there are', () => {
    const model = loadModel('gpt-oss-20b');
    const of = (pattern: string, device: 'gpu3') => () => allocate(model, plan({ overrides: [{ pattern, device }] }));
    expect(of('exps', 'gpu3')).toThrow('-ot ...=gpu3: there is no such device; this machine has gpu0 and cpu');
    expect(of('(', 'gpu3')).toThrow('-ot (: is no regular expression');
    expect(() => allocate(model, plan({ kv: { k: 'q9', v: 'f16' } }))).toThrow('KV cache type "q9": is not known');
    expect(() => allocate(model, plan({ tensorSplit: [0] }))).toThrow('gives no GPU anything');
  });
});
