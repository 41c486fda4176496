// Kernels that read what is missed over the link while they compute: an expert takes the longer of the two, and nothing is read ahead.
import { expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';

const run = (onMiss: unknown, expertCache: string, batch = 1) =>
  simulate({
    trace: 'mini-mixtral-8x8l#0:200',
    hardware: 't4',
    runtime: 'ideal',
    system: { name: 'x', cache: { policy: 'static:by=layer' }, onMiss },
    memory: { expertCache },
    workload: { batch },
  }).then(
    ({ metrics }) =>
      (name: string) =>
        metrics[name]!.value,
  );

const IN_PLACE = { do: 'static', inPlace: true };

it('saves the work of the last expert of each event, where copies take longer than work', async () => {
  const [copied, inPlace] = await Promise.all([run('static', '0%'), run(IN_PLACE, '0%')]);
  // Copied: k transfers one after another, and the work on the last behind them. Read in place: k transfers. A decoded token has two experts a
  // layer, of equal work, so that half of it is saved; of an event of a prompt no more than all.
  const saved = copied('time.total') - inPlace('time.total');
  expect(saved).toBeGreaterThan(copied('time.compute.decode') / 2);
  expect(saved).toBeLessThan(copied('time.compute.decode') / 2 + copied('time.compute.prefill'));
  expect(inPlace('time.compute')).toBe(copied('time.compute'));
  expect(inPlace('transfer.h2d.bytes')).toBe(copied('transfer.h2d.bytes'));
  // What is not wait is work, and what waits for the link is all of its time beyond the work.
  const parts = (of: (name: string) => number) => of('time.compute') + of('time.stall') + of('time.dense');
  expect(parts(inPlace)).toBeCloseTo(inPlace('time.total'), 3);
});

it('is never faster than the floor, which is checked at the end of each run', async () => {
  for (const cache of ['25%', '50%', '90%']) {
    const [copied, inPlace] = await Promise.all([run('static', cache, 8), run(IN_PLACE, cache, 8)]);
    expect(inPlace('cache.hits')).toBe(copied('cache.hits'));
    // A kernel takes its place on the GPU while it reads: hits do not run beside it.
    expect(inPlace('time.total')).toBeGreaterThanOrEqual(copied('time.total') - copied('time.compute'));
  }
});

it('is a rule of what is streamed', () => {
  const system = { name: 'x', onMiss: { do: 'load', inPlace: 'on' } };
  expect(() => checkRun({ system }, 'test')).toThrow(/inPlace: is of what is streamed; take do: static, or leave it out/);
});
