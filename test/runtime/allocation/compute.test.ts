// Compute buffers beside what llama.cpp and ik_llama.cpp printed, each with the sum by hand of what is alive at the worst moment.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { allocate } from '../../../src/runtime/allocation/allocate.js';
import type { EngineLoad } from '../../../src/runtime/load.js';
import { MIB, plan } from '../../hardware/allocation/plans.js';

/** Compute buffers in MiB: GPUs, then host. */
function compute(model: string, quantization: string, changes: Partial<EngineLoad>): number[] {
  return allocate(loadModel(model, quantization), plan(changes)).devices.map((device) => Number((device.compute / MIB).toFixed(2)));
}

const IK = { engine: 'ik_llama.cpp', fusedMoe: true } as const;
/** The build of the logs of spring 2025. */
const MID_2025 = { version: '5271 (36667c8e)' } as const;
const EXPERTS = [{ pattern: 'exps', device: 'cpu' }] as const;
const Q8 = { k: 'q8_0', v: 'q8_0' };
const DEEPSEEK = { ...IK, overrides: EXPERTS, mla: 3, attnMaxBatch: 512 * MIB } as const;

describe('logits', () => {
  // ik-370-1: 512 tokens x (151,936 + 2 x 2,048) x 4 bytes = 304.75 MiB; host: 512 x (32,768 + 2,048) x 4 = 68.
  it('of Qwen3-30B, all of it on a GPU', () => {
    expect(compute('qwen3-30b-a3b', 'iq4_k', IK)).toEqual([304.75, 68.01]);
  });

  // ik-380-1 and -2: without and with flash attention, 304.75 and 300.75 = 512 x (151,936 + 1 or 2 x 2,048) x 4.
  it('on the CPU', () => {
    const cpu = { ...IK, gpus: 0, context: 4096, fusedMoe: false } as const;
    expect(compute('qwen3-30b-a3b', 'q5_k_m', { ...cpu, flashAttention: false })[0]).toBeCloseTo(304.75, 0);
    expect(compute('qwen3-30b-a3b', 'q5_k_m', { ...cpu, fusedMoe: true })[0]).toBeCloseTo(300.75, 0);
  });
});

describe('scores', () => {
  // ik-641-1: 32,000 cells x 512 tokens x 32 heads x 4 bytes = 2,000 MiB, the mask 62.5, queries and state 24: 2,086.5.
  it('of all heads without flash attention', () => {
    const changes = { engine: 'ik_llama.cpp', gpus: 2, overrides: EXPERTS, context: 32_000, flashAttention: false } as const;
    expect(compute('qwen3-30b-a3b', 'q5_k_m', changes)).toEqual([2086.5, 2086.5, 66.51]);
  });
});

describe('experts', () => {
  // ik-370-3 and ik-357-9: a GPU that fetches experts of the host holds one projection of one layer, 128 x 1,536 x 4,096 x 6.5625 / 8 =
  // 630 MiB, and 144: mask 32 + 16, what the experts of 512 tokens give 64, what they have inside 24, state 8. The other has logits:
  // 512 x (151,936 + 4,096) x 4 = 304.75. Host: 512 x (16,384 + 4,096) x 4 = 40.
  it('of Qwen3-235B at 6.5625 bits that llama.cpp fetches', () => {
    const overrides = [
      { pattern: 'blk\\.([0-6])\\.ffn', device: 'gpu0' },
      { pattern: 'blk\\.([7-9]|1[0-3])\\.ffn', device: 'gpu1' },
      { pattern: 'blk\\..*\\.ffn', device: 'cpu' },
    ] as const;
    expect(compute('qwen3-235b-a22b', 'q6_k', { ...MID_2025, gpus: 2, overrides, context: 16_384, kv: Q8 })).toEqual([774, 304.75, 40.01]);
  });

  it('of DeepSeek that ik_llama.cpp computes on the CPU for few tokens', () => {
    // ik-258-7: 512 x 8 < 32 x 256: host 512 x (32,768 + 8 x 7,168) x 4 = 176 MiB.
    expect(compute('deepseek-v3', 'iq4_k', { ...DEEPSEEK, kv: Q8 })[1]).toBeCloseTo(176, 0);
    // ik-258-12: 4,096 x (32,768 + 7,168) x 4 = 624.
    expect(compute('deepseek-v3', 'iq4_k', { ...DEEPSEEK, ubatch: 4096, batch: 4096 })[1]).toBeCloseTo(624, 0);
    // ik-258-11: the same repacked (-rtr), so that no GPU can: 4,096 x (32,768 + 8 x 7,168) x 4 = 1,408.
    expect(compute('deepseek-v3', 'q4_k_m', { ...DEEPSEEK, ubatch: 4096, batch: 4096, repack: true })[1]).toBeCloseTo(1408, 0);
  });
});

describe('latent attention', () => {
  // ik-258-8, -7 and -1: keys and values of all heads, unpacked to f16: 32,768 x 128 x (192 + 128) x 2 = 2,560 MiB; 16 heads at a time in
  // f32, 512 (-amb 512), and the keys' rotary parts for 16 heads, 64; queries 96 + 32, mask 64, state 14 and more. A cache in q8_0 has its
  // rotary part in f16 beside it, and twice the context twice of what grows with it.
  it('of DeepSeek with flash attention, -mla 3', () => {
    expect(compute('deepseek-v3', 'q8_0', DEEPSEEK)[0]).toBe(3393);
    expect(compute('deepseek-v3', 'q8_0', { ...DEEPSEEK, kv: Q8 })[0]).toBe(3425);
    expect(compute('deepseek-v3', 'q8_0', { ...DEEPSEEK, kv: Q8, context: 65_536 })[0]).toBe(6081);
  });

  // ik-616-1: 64 heads, 2,048 cells, two GPUs.
  it('of Kimi-K2', () => {
    const two = { ...DEEPSEEK, gpus: 2, context: 2048, kv: Q8, tensorSplit: [31, 31] };
    expect(compute('kimi-k2', 'iq3_xxs', two)).toEqual([263, 334, 162.01]);
  });

  // ik-296-2: on the CPU, 1,024 MiB at a time, in the type of the cache.
  it('of DeepSeek on the CPU', () => {
    const changes = { ...IK, gpus: 0, kv: Q8, mla: 3, attnMaxBatch: 1024 * MIB } as const;
    expect(compute('deepseek-v3', 'iq4_k', changes)[0]).toBeCloseTo(2662, 0);
  });

  // ik-394-2: llama.cpp keeps queries of 576 for all heads, 1,024 x 128 x 576 x 4 = 288 MiB, and what they bring back, 256.
  it('of DeepSeek in llama.cpp', () => {
    const changes = { ...MID_2025, gpus: 4, overrides: EXPERTS, context: 16_384, ubatch: 1024, mla: 0 } as const;
    expect(compute('deepseek-v3', 'q2_k', changes).slice(1, 4)).toEqual([788, 788, 788.01]);
  });
});

describe('windows', () => {
  // ik-822-1: host 512 x (131,072 + 768 + 2,880) x 4 = 263.1 MiB.
  it('of gpt-oss have a mask of their own', () => {
    const [gpu, host] = compute('gpt-oss-20b', 'mxfp4', { version: '6699 (c08002a1)', cpuMoeLayers: 99, context: 131_072 });
    expect(host).toBeCloseTo(263.15, 1);
    expect(Math.abs(gpu! / 456.98 - 1)).toBeLessThan(1e-4);
  });
});

describe('current llama.cpp on the CPU', () => {
  // What its own planner prints (no_alloc, commit de3ff81 of September 2026) for files of these shapes.
  it('has masks in f16, an input for embeddings, and gates of their own', () => {
    const at = (model: string, changes: Partial<EngineLoad>): number => compute(model, 'q4_k_m', { gpus: 0, gpuLayers: 0, ...changes })[0]!;
    expect(at('qwen3-30b-a3b', { context: 4096 })).toBeCloseTo(304.75, 1);
    expect(at('qwen3-235b-a22b', { context: 16_384 })).toBeCloseTo(312.75, 1);
    // Latent attention with and without flash attention: 512 tokens x 128 heads x 16,384 scores x 4 bytes = 4,096 MiB.
    expect(at('deepseek-v3', { context: 16_384 })).toBeCloseTo(424.01, 1);
    expect(at('deepseek-v3', { context: 16_384, flashAttention: false })).toBeCloseTo(4536.01, 1);
    expect(Math.abs(at('qwen3-30b-a3b', { context: 32_768, ubatch: 2048, flashAttention: false }) / 8568.04 - 1)).toBeLessThan(0.002);
  });
});

describe('experts that are repacked on loading', () => {
  // Qwen3-235B, 2,048 tokens: host 2,048 x (32,768 + 4,096) x 4 = 288 MiB where a GPU has kernels for iq3_k_r4, with 8 x 4,096 for q8_0_r8.
  it('are fetched in the formats that GPUs have kernels for', () => {
    const host = (quantization: string): number =>
      compute('qwen3-235b-a22b', quantization, { ...IK, overrides: EXPERTS, ubatch: 2048, repack: true })[1]!;
    expect(host('iq3_k')).toBeCloseTo(288, 0);
    expect(host('q8_0')).toBeCloseTo(512, 0);
  });
});

describe('layers that are alike', () => {
  it('need as much as two of them', () => {
    const at = (cpuMoeLayers: number): number[] => compute('qwen3-235b-a22b', 'q6_k', { cpuMoeLayers, context: 16_384, kv: Q8 });
    expect(at(40)).toEqual(at(80));
  });
});
