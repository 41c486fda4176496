// L13: results that come one layer late, by hand. Experts of 10 bytes take the CPU 20 ns; nothing lies on the GPU.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { ruleOf } from '../../../src/system/miss-rules.js';
import type { RunInput } from '../../../src/system/run.js';
import { simulateByEngine } from '../harness.js';
import type { Scenario } from '../scenario.js';
import { world } from '../world.js';

const run = (denseNs: number, passes: Scenario['passes'], defer: number) =>
  simulateByEngine(world({ layers: [{ denseNs }, { denseNs }], passes, capacityBytes: 0, onMiss: [{ ...ruleOf('cpu'), defer }] }));
/** One token that chooses experts 0 and 1 of the first layer, and 2 and 3 of the second. */
const ONE: Scenario['passes'] = [
  [
    [
      [0, 1],
      [2, 3],
    ],
  ],
];

describe('L13 defer', () => {
  it('computes the last choice beside the next layer’s dense work', async () => {
    const { deferred, cpuExperts, passes } = await run(30, ONE, 1);
    expect([deferred, cpuExperts]).toEqual([1, 4]);
    // Known at 30: expert 0 to 50, expert 1 to 70, beside dense work to 80. The last layer defers nothing: 80 to 120.
    expect(passes[0]!.layers.map(({ endNs, startNs, stallNs }) => [startNs, endNs, stallNs])).toEqual([
      [30, 50, 20],
      [80, 120, 40],
    ]);
    const late = await run(30, ONE, 0);
    expect(late.passes[0]!.layers.map(({ endNs, startNs }) => [startNs, endNs])).toEqual([
      [30, 70],
      [100, 140],
    ]);
  });

  it('is awaited by the next layer, whose own experts come behind', async () => {
    // Known at 5: expert 0 to 25, expert 1 to 45. The next layer is known at 30, and its experts take from 45 to 85.
    const { passes } = await run(5, ONE, 1);
    expect(passes[0]!.layers.map(({ endNs, startNs, stallNs }) => [startNs, endNs, stallNs])).toEqual([
      [5, 25, 20],
      [30, 85, 55],
    ]);
  });

  it('is awaited by the pass where no further layer has an event', async () => {
    const { passes } = await run(5, [[[[0, 1], []]]], 2);
    // Both experts are deferred: 5 to 45. The first event ends at once, the last layer would at 10.
    expect(passes[0]!.layers.map(({ endNs, startNs, stallNs }) => [startNs, endNs, stallNs])).toEqual([
      [5, 5, 0],
      [10, 45, 35],
    ]);
  });

  it('is not of an expert that another token of the pass ranks better', async () => {
    const two: Scenario['passes'] = [
      [
        [[0, 1], [0]],
        [[1, 2], [0]],
      ],
    ];
    // Expert 1 is the last choice of the first token and the first of the second; expert 2 alone is deferred.
    const { deferred } = await run(30, two, 1);
    expect(deferred).toBe(1);
  });
});

describe('L13 defer in a run', () => {
  it('is counted, and refused where it means nothing', async () => {
    const base: RunInput = {
      trace: 'mini-mixtral-8x8l',
      hardware: 't4',
      memory: { expertCache: '25%' },
      workload: { tokens: 24 },
      audit: 'off',
    };
    const deferring = { name: 'x', cache: { policy: 'static:by=layer' }, onMiss: { do: 'cpu', defer: 1 } };
    const { metrics } = await simulate({ ...base, system: deferring });
    expect(metrics['quality.deferred_rate']!.value).toBeGreaterThan(0);
    expect(metrics['quality.degraded_rate']!.value).toBe(0);
    const refused = (more: RunInput) => expect(simulate({ ...base, system: deferring, ...more })).rejects;
    await refused({ replay: 'sequential' }).toThrow(
      'system.onMiss: defer needs the choices of a layer at once, which replay: sequential does not have; leave it out',
    );
    await refused({ memory: { expertCache: '25%', kvIn: 'dram' } }).toThrow(
      'system.onMiss: defer needs a CPU that does nothing beside experts',
    );
    await refused({ hardware: '2x-rtx-4090' }).toThrow('system.onMiss: defer is of a machine with one GPU; leave it out');
    await refused({ system: { ...deferring, onMiss: { do: 'load', defer: 1 } } }).toThrow(
      'system.onMiss.defer: is of what the CPU computes; take do: cpu, or leave it out',
    );
  });
});
