// A whole run against a real machine: llama.cpp-static on the bundled A10, which is composed of parts, decodes as fast as llama.cpp did
// there, with the experts of the first n layers on the CPU.
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import { A10_DECODE } from '../../support/a10.js';

/** The A10 has one vote among a hundred machines of the fit. */
const PROMISED = 0.12;

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
  return metrics['speed.decode']!.value;
}

describe('llama.cpp-static on an A10', () => {
  it.each(A10_DECODE)('%s %s with %d layers on the CPU decodes %d tokens/s', async (model, quantization, cpuLayers, measured) => {
    expect(Math.abs((await decodeRate(model, quantization, cpuLayers)) / measured - 1)).toBeLessThan(PROMISED);
  });
});
