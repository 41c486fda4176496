// A whole run against a real machine: llama.cpp-static on the A10 profile decodes as fast as llama.cpp did there, with the experts of
// the first n layers on the CPU. The tolerance is what is promised; the constants are calibrated far closer (profiles/hardware/a10.yaml).
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../src/engine/simulate.js';
import { checkRun } from '../../src/system/run.js';

const PROMISED = 0.15;

/** Decoded tokens per second at batch 1. At batch 1 routing does not matter: every token computes top-k experts at every layer. */
async function decodeRate(model: string, quantization: string, cpuLayers: number): Promise<number> {
  const run = {
    model,
    quantization,
    hardware: 'a10',
    system: 'llama.cpp-static',
    memory: { expertCache: '100%' },
    workload: { tokens: 64, prompt: 0, output: 64 },
    bounds: false,
  };
  const policy = { path: ['system', 'cache', 'policy'], value: `static:by=layer,cpuLayers=${cpuLayers}`, label: '--policy' };
  const { metrics } = await simulateRun(checkRun(run, 'a10.test', [policy]));
  return metrics['throughput.decode']!.value;
}

describe('llama.cpp-static on an A10', () => {
  it.each([
    ['qwen3-30b-a3b', 'q4_k_m', 0, 145.6],
    ['qwen3-30b-a3b', 'q4_k_m', 6, 127.1],
    ['qwen3-30b-a3b', 'q4_k_m', 12, 110.6],
    ['qwen3-30b-a3b', 'q4_k_m', 36, 74.2],
    ['qwen3-30b-a3b', 'q4_k_m', 42, 69.2],
    ['qwen3-30b-a3b', 'q4_k_m', 48, 63.1],
    ['gpt-oss-20b', 'mxfp4', 0, 134.2],
    ['gpt-oss-20b', 'mxfp4', 3, 115.0],
    ['gpt-oss-20b', 'mxfp4', 6, 100.1],
    ['gpt-oss-20b', 'mxfp4', 12, 83.2],
    ['gpt-oss-20b', 'mxfp4', 18, 69.0],
    ['gpt-oss-20b', 'mxfp4', 24, 58.3],
  ])('%s %s with %d layers on the CPU decodes %d tokens/s', async (model, quantization, cpuLayers, measured) => {
    expect(Math.abs((await decodeRate(model, quantization, cpuLayers)) / measured - 1)).toBeLessThan(PROMISED);
  });
});
