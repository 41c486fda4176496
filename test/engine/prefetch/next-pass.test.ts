// What is brought for the next pass while the link is idle, by hand; and that it costs nothing where it is useless (L25).
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { simulate } from '../../../src/engine/simulate.js';
import type { RunInput } from '../../../src/system/run.js';
import { cases } from '../../cases.js';
import { simulateByEngine } from '../harness.js';
import { says, world } from '../world.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 600_000 });

/** Layer 0 has experts 0 to 3, layer 1 has 4 to 7; a transfer takes 10 ns, an expert 10 ns, layer 1 has 40 ns of dense work before it. */
const two = (across: boolean, next: (pass: number, id: number) => number, capacityBytes = 80) =>
  simulateByEngine(
    world({
      layers: [{}, { denseNs: 40 }],
      passes: [[[[0], [0]]], [[[0], [1]]], [[[0], [2]]]],
      capacityBytes,
      script: { ...says({}, { when: 'pays', across }), next },
    }),
  );

describe('what the next pass will demand', () => {
  it('comes while the link is idle: no layer of the next pass waits', async () => {
    const named = (pass: number, id: number): number => (id === 4 + pass ? 1 : 0);
    // Load 0-10, run 10-20, dense to 60, load 60-70, run to 80; then layer 0 hits: 10 + 40 + 20 for each further pass.
    const without = await two(false, named);
    expect(without.passes.map(({ endNs }) => endNs)).toEqual([80, 80 + 70, 150 + 70]);
    // Experts 5 and 6 are brought at the end of the pass before.
    const across = await two(true, named);
    expect(across.passes.map(({ endNs }) => endNs)).toEqual([80, 80 + 60, 140 + 60]);
    expect(across).toMatchObject({ useful: 2, wasted: 0, h2d: { demands: 2, prefetches: 2 } });
  });

  it('does not come twice: what the GPU holds already needs no transfer', async () => {
    // Expert 4 of layer 1 is named for the next pass: it is here already, and nothing comes.
    const again = await two(true, (_pass, id) => (id === 4 ? 1 : 0));
    expect(again).toMatchObject({ useful: 0, h2d: { demands: 4, prefetches: 0 } });
    expect(again.passes.map(({ endNs }) => endNs)).toEqual([80, 150, 220]);
  });

  it('is not brought where nothing is likely', async () => {
    const none = await two(true, () => 0);
    expect(none).toMatchObject({ h2d: { demands: 4, prefetches: 0 } });
  });
});

describe('prefetch.across', () => {
  it('auto: is left out where the next pass is that of another batch', async () => {
    const loads = async (across: boolean | 'auto', batches: number): Promise<number> => {
      const prefetch = { when: 'pays', minProbability: 0.05, chunk: '1MiB', across };
      const scheduler = { kind: 'expertflow', batches };
      const system = { name: 'x', cache: { policy: 'plec' }, predictor: 'path-retrieval', prefetch, scheduler };
      const run = {
        model: 'mini-mixtral-8x8l',
        memory: { expertCache: '25%' },
        workload: { tokens: 200, batch: 2 },
        bounds: false,
        system,
      };
      return (await simulate(run as RunInput)).metrics['time.total']!.value;
    };
    const [off, on] = [await loads(false, 1), await loads(true, 1)];
    expect(on).not.toBe(off);
    expect(await loads('auto', 1)).toBe(on);
    const pool = await loads(false, 2);
    expect(await loads(true, 2)).not.toBe(pool);
    expect(await loads('auto', 2)).toBe(pool);
  });

  it('auto: the result says what it lacks where it is left out', async () => {
    const said = async (system: object, run: object = {}): Promise<string[]> => {
      const prefetch = { when: 'pays', across: 'auto' };
      const whole = { name: 'x', cache: { policy: 'plec' }, predictor: 'oracle', prefetch, ...system };
      const given = {
        model: 'mini-mixtral-8x8l',
        memory: { expertCache: '25%' },
        workload: { tokens: 20, batch: 2 },
        ...run,
        system: whole,
      };
      const { warnings } = await simulate(given as RunInput);
      return warnings.filter(({ code }) => code === 'across-left-out').map(({ message }) => message.split(' needs ')[1]!);
    };
    expect(await said({})).toEqual([]);
    expect(await said({ predictor: 'path-retrieval' })).toEqual([]);
    expect(await said({ predictor: 'none' })).toEqual([]);
    expect(await said({ prefetch: { when: 'pays' }, predictor: 'pre-gated' })).toEqual([]);
    expect(await said({ predictor: 'pre-gated' })).toEqual(['a predictor of the next pass, such as path-retrieval or oracle.']);
    expect(await said({ scheduler: { kind: 'expertflow', batches: 2 } })).toEqual([
      'one batch, and several take turns; say true to have it anyway.',
    ]);
    expect(await said({}, { hardware: '2x-rtx-4090' })).toEqual(['one GPU.']);
  });

  it.each<[object, { predictor?: string; [key: string]: unknown }, string]>([
    [{ when: 'idle' }, {}, 'needs when: pays, and no staging'],
    [{ staging: '2 layers' }, {}, 'needs when: pays, and no staging'],
    [{}, { predictor: 'pre-gated' }, 'needs a predictor of the next pass, such as path-retrieval or oracle'],
    [{}, { hardware: '2x-rtx-4090' }, 'needs one GPU'],
    [{}, { hardware: 'rtx-4090+16GB+nvme-7GB/s', memory: { expertCache: '25%', dramCache: '50%' } }, 'needs all experts in host memory'],
  ])('refuses %o beside %o', async (prefetch, { predictor = 'path-retrieval', ...run }, message) => {
    const system = { name: 'x', cache: { policy: 'plec' }, predictor, prefetch: { when: 'pays', across: true, ...prefetch } };
    const input = { model: 'mini-mixtral-8x8l', memory: { expertCache: '25%' }, workload: { tokens: 20 }, ...run, system } as RunInput;
    await expect(simulate(input)).rejects.toThrow(`system.prefetch.across: ${message}`);
  });
});

// With 16 users of an 8-expert router it costs up to 2.3 %, and other predictors know too little of the next pass: last-token loses 4 %.
describe('L25 what comes for the next pass', () => {
  it('L25 takes no more than 2 % longer than the same system without it, for one to four users and path-retrieval', async () => {
    for (let number = 0; number < cases(24, 3); number++) {
      const random = new Random(number, 'test/next-pass');
      const pick = <const T extends readonly unknown[]>(...values: T): T[number] => values[random.below(values.length)];
      const model = pick('mini-mixtral-8x8l', 'mini-finegrained-64x12l');
      const memory = { expertCache: pick('12.5%', '25%', '50%') };
      const workload = { batch: pick(1, 1, 4), tokens: 600 };
      const hardware = pick('t4', 'rtx-4090', 'rtx-3060+ryzen-9-7950x');
      const runtime = pick('ideal', 'llama.cpp', 'hf-eager');
      const [onMiss, kind] = [pick('load', 'cheaper'), 'path-retrieval'];
      const timeOf = async (across: boolean): Promise<number> => {
        const prefetch = { when: 'pays', minProbability: 0.05, chunk: '1MiB', across };
        const system = { name: 'x', cache: { policy: 'plec' }, predictor: { kind, horizon: 8, correction: true }, prefetch, onMiss };
        const { metrics } = await simulate({
          model,
          trace: model,
          memory,
          workload,
          hardware,
          runtime,
          bounds: false,
          audit: 'off',
          system,
        } as RunInput);
        return metrics['latency.tpot.mean']!.value;
      };
      const [without, across] = [await timeOf(false), await timeOf(true)];
      expect(
        across / without,
        `run ${number}: ${model} ${hardware} ${runtime} ${onMiss} ${kind} ${JSON.stringify([memory, workload])}`,
      ).toBeLessThan(1.02);
    }
  });
});
