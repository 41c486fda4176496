// What a run names is loaded without holding up signals.
import { expect, it } from 'vitest';
import { openInputs } from '../../src/engine/inputs.js';
import { simulate } from '../../src/engine/simulate.js';
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

it('takes a machine of parts, names it in the result, and says what was not given', async () => {
  const run = (hardware: string) =>
    simulate({ trace: 'mini-mixtral-8x8l', hardware, workload: { tokens: 200 }, memory: { expertCache: '50%' } });
  const result = await run('NVIDIA GeForce RTX 3090+2xddr5-6000+ryzen-9-7950x+64GB');
  expect(result.inputs.hardware).toBe('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB');
  expect(result.config).toMatchObject({ machine: { sockets: 1, ram: { type: 'ddr5', mts: 6000 }, pcie: { generation: 4, lanes: 16 } } });
  expect(result.warnings).toContainEqual({ code: 'machine-defaults', message: 'PCIe not given: 4x16, of rtx-3090.' });
  const given = await run('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16');
  expect(given.warnings.map(({ code }) => code)).not.toContain('machine-defaults');
  // The same machine, whatever of it was written down.
  expect(given.fingerprint).toBe(result.fingerprint);
  expect(given.metrics).toEqual(result.metrics);
  expect((await run('rtx-3090')).config).not.toHaveProperty('machine');
});
