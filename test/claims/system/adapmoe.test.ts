// The setting of AdapMoE's paper (arXiv 2408.10284): Mixtral in 4 bits, 4 experts of a layer on the GPU, PyTorch with HQQ. Published order of time
// per token: LRU, Mixtral-offloading, AdapMoE.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';

/** Time per token of a system, ns. */
async function tpotOf(system: string, hardware: string): Promise<number> {
  const { metrics } = await simulate({
    model: 'mixtral-8x7b',
    quantization: 'q4_k_m',
    trace: 'synthetic',
    hardware,
    runtime: 'hf-eager-hqq',
    system,
    memory: { expertCache: '4/layer' },
    workload: { prompt: 128, output: 256, tokens: 384 },
    bounds: false,
  });
  return metrics['latency.tpot.mean']!.value;
}

describe('with 4 of 8 experts a layer on the GPU', () => {
  it('an RTX 4090 takes longest under LRU, and AdapMoE no longer than Mixtral-offloading', async () => {
    const [lru, offloading, adapmoe] = [
      await tpotOf('on-demand-lru', 'rtx-4090'),
      await tpotOf('mixtral-offloading', 'rtx-4090'),
      await tpotOf('adapmoe', 'rtx-4090'),
    ];
    expect(offloading).toBeLessThan(0.9 * lru);
    expect(adapmoe).toBeLessThanOrEqual(offloading);
  });

  it.each(['t4', 'a100-80g'])('Mixtral-offloading beats LRU on a %s, too', async (hardware) => {
    expect(await tpotOf('mixtral-offloading', hardware)).toBeLessThan(0.9 * (await tpotOf('on-demand-lru', hardware)));
  });
});
