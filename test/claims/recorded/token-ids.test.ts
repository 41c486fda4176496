// Where token ids are recorded, the shipped expertflow, learned on other documents, closes nearly all of the gap from LRU to Belady in hits.
import { expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import type { Result } from '../../../src/result/result.js';
import { checkRun } from '../../../src/system/load-run.js';
import { calibrated } from '../../support/calibrated.js';
import { recorded, recording } from './recording.js';

const NAME = 'mini-finegrained-64x12l';
const [TRAIN, TEST] = ['train', 'test'].map((part) => `own/${NAME}.${part}.safetensors`) as [string, string];

async function metricsOf(system: string): Promise<Result['metrics']> {
  const sizes = { memory: { expertCache: '25%' }, workload: { tokens: 1500 }, found: 'none' };
  const run = { ...sizes, model: NAME, trace: recording(TEST), hardware: calibrated('rtx-4090'), system };
  const learned = system === 'on-demand-lru' ? [] : [{ path: ['system', 'predictor', 'train'], value: [recording(TRAIN)], label: '--set' }];
  return (await simulateRun(checkRun(run, 'test', learned))).metrics;
}

recorded('prediction with token ids', [TRAIN, TEST], () => {
  it('closes at least 97 % of the gap', { timeout: 300_000 }, async () => {
    const lru = await metricsOf('on-demand-lru');
    const [floor, belady] = [lru['cache.hit_rate']!.value, lru['bound.belady.hit_rate']!.value];
    const hits = (await metricsOf('expertflow'))['cache.hit_rate']!.value;
    expect((hits - floor) / (belady - floor)).toBeGreaterThan(0.97);
  });
});
