// What a run names is loaded without holding up signals.
import { expect, it } from 'vitest';
import { openInputs } from '../../src/engine/inputs.js';
import { checkRun } from '../../src/system/run.js';
import { synthesize } from '../../src/trace/synthetic.js';

it('breathes while it draws routing, and draws the same', async () => {
  const run = checkRun({ model: 'mini-mixtral-8x8l', trace: 'synthetic', workload: { tokens: 1000 } }, 'test');
  let breaths = 0;
  const { model, traces } = await openInputs(run, { breathe: async () => void breaths++ });
  expect(breaths).toBe(3);
  const whole = { prefill: 128, decode: 128 };
  const requests = [whole, whole, whole, { prefill: 128, decode: 104 }];
  expect(traces[0]!.sha256()).toBe(synthesize(model, { seed: run.seed, requests }).sha256());
  await expect(
    openInputs(run, {
      breathe: async () => {
        throw new Error('a signal');
      },
    }),
  ).rejects.toThrow('a signal');
});
