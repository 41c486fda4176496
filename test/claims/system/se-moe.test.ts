// SE-MoE beside ExpertFlow on Switch transformers and an A40 (arXiv 2410.17954: WMT16, 16 experts cached a layer, batch 32): published 2.01, 3.19
// and 5.86 times as fast with 32, 64 and 128 experts.
import { expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';

/** The paper's pool of two batches. */
const POOL = { path: ['system', 'scheduler', 'batches'], value: 2, label: '--set' };

/** Least speed-up that is asked for, by experts of a layer. */
const LEAST = { 32: 1.5, 64: 2.5, 128: 3.9 };

it('ExpertFlow is faster than SE-MoE, and the more so the more experts a layer has', { timeout: 600_000 }, async () => {
  const speedUps: number[] = [];
  for (const [experts, least] of Object.entries(LEAST)) {
    const speed = async (system: string, expertCache?: string): Promise<number> => {
      const run = {
        model: `switch-base-${experts}`,
        trace: 'synthetic',
        hardware: 'a40',
        system,
        memory: { expertCache },
        workload: { batch: 32, prompt: 64, output: 64, tokens: 32 * 128 },
        bounds: false,
      };
      const { metrics } = await simulateRun(checkRun(run, 'test', system === 'expertflow' ? [POOL] : []));
      return metrics['throughput.generated']!.value;
    };
    const speedUp = (await speed('expertflow', '16/layer')) / (await speed('se-moe'));
    console.log(`Switch-${experts}: ${speedUp.toFixed(2)} times as fast`);
    expect(speedUp, `Switch-${experts}`).toBeGreaterThan(least);
    speedUps.push(speedUp);
  }
  expect(speedUps).toEqual(speedUps.toSorted((a, b) => a - b));
});
