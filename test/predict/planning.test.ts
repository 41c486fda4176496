// What predictions are used for: slots that follow the predicted demand, a horizon that follows the link, what policies are shown, and
// misses that are served from smaller copies.
import { describe, expect, it } from 'vitest';
import { formatCount } from '../../src/base/units.js';
import { AdaptiveHorizon } from '../../src/engine/lookahead/horizon.js';
import { PredictedUse } from '../../src/engine/lookahead/predicted-use.js';
import { TokenUnimportance } from '../../src/engine/mechanisms/gate.js';
import { profileLayers } from '../../src/engine/memory/quotas.js';
import { simulate } from '../../src/engine/simulate.js';
import type { Predictor } from '../../src/predict/predictor.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { simulateByEngine } from '../engine/harness.js';
import { says, sum, world } from '../engine/world.js';
import { modelOf, traceOf } from '../trace/builders.js';
import { passesOf } from './running.js';

describe('slots follow predicted demand', () => {
  // The example of ExpertFlow's section on PLEC: two layers of four experts, predicted demand 3 and 2, four slots. Layer 0 gets three,
  // layer 1 the fourth; when layer 0 has run, its slots serve what layer 1 still wants.
  const run = (whenFull: 'drop' | 'wait') =>
    simulateByEngine(
      world({
        layers: [{ denseNs: 100 }, { denseNs: 100 }],
        topK: 3,
        capacityBytes: 40,
        passes: [
          [
            [
              [0, 1, 2],
              [0, 1],
            ],
          ],
        ],
        script: says({ '1/-1': { 0: 0.875, 1: 0.875, 2: 0.875, 4: 0.75, 5: 0.75 } }, { horizon: 2, whenFull }),
      }),
    );

  it('a prefetch that finds no slot is dropped: four of five experts are there', async () => {
    const outcome = await run('drop');
    expect(outcome.passes[0]!.layers.map(({ hits, misses }) => [hits, misses])).toEqual([
      [3, 0],
      [1, 1],
    ]);
  });

  it('or waits for the slot of an expert that has run: all five are there', async () => {
    const outcome = await run('wait');
    expect(sum(outcome, 'hits')).toBe(5);
    expect(sum(outcome, 'misses')).toBe(0);
  });
});

describe('AdaptiveHorizon', () => {
  const pass = (over: object = {}) => ({ durationNs: 1000, layers: 10, bytes: 4000, useful: 10, late: 0, wasted: 0, ...over });

  it('starts at experts x bytes / (bandwidth x layer time)', () => {
    const horizon = new AdaptiveHorizon(48, 0.5);
    expect(horizon.layers).toBe(1);
    // 400 bytes a layer at half a nanosecond each: 200 ns, of a layer time of 100 ns.
    horizon.ended(pass());
    expect(horizon.layers).toBe(2);
  });

  it('grows where prefetches come late, as far as the link could follow; shrinks where they are wasted, to one', () => {
    const horizon = new AdaptiveHorizon(48, 0.5);
    const seen: number[] = [];
    for (let i = 0; i < 8; i++) {
      horizon.ended(pass({ late: 5 }));
      seen.push(horizon.layers);
    }
    expect(seen).toEqual([3, 4, 5, 6, 6, 6, 6, 6]);
    for (let i = 0; i < 8; i++) horizon.ended(pass({ late: 5, wasted: 20 }));
    expect(horizon.layers).toBe(1);
  });

  it('never looks beyond the last layer', () => {
    const horizon = new AdaptiveHorizon(3, 100);
    horizon.ended(pass({ late: 5 }));
    expect(horizon.layers).toBe(3);
  });
});

describe('PredictedUse', () => {
  const model = modelOf([
    { experts: 2, topK: 1 },
    { experts: 2, topK: 1 },
  ]);
  const [pass] = passesOf(traceOf([{ experts: [[0], [1]] }], 2));

  it('shows the running pass, or a later one; half of each newest prediction of the next pass', () => {
    const predictedUse = new PredictedUse(model);
    const predictor: Predictor = {
      observe() {},
      predict() {},
      next(_pass, _layer, scores) {
        scores.set([0.5, 0.25], 0);
      },
    };
    predictedUse.done(pass!, 0, predictor);
    expect([...predictedUse.predicted]).toEqual([0.25, 0.125, 0, 0]);
    predictedUse.done(pass!, 0, predictor);
    expect([...predictedUse.predicted.subarray(0, 2)]).toEqual([0.375, 0.1875]);
    predictedUse.ahead(0, Float32Array.of(0.5, 0, 0, 0));
    // 1 - (1 - 0.5)(1 - 0.375)
    expect([...predictedUse.predicted.subarray(0, 2)]).toEqual([0.6875, 0.1875]);
    expect([...predictedUse.version]).toEqual([3, 0]);
  });

  it('counts on what recent passes demanded where the predictor says nothing of the next one', () => {
    const predictedUse = new PredictedUse(model);
    const silent: Predictor = { observe() {}, predict() {} };
    predictedUse.ahead(1, Float32Array.of(0, 0, 0.5, 0.75));
    predictedUse.done(pass!, 1, silent);
    // The pass demands expert 1 of layer 1, dense id 3: a sixteenth of the way from 0 to 1, then another sixteenth of the rest.
    expect([...predictedUse.predicted]).toEqual([0, 0, 0, 0.0625]);
    predictedUse.done(pass!, 1, silent);
    expect(predictedUse.predicted[3]).toBe(0.12109375);
  });
});

describe('misses that matter little', () => {
  const model = modelOf([{ experts: 5, topK: 3 }]);
  const rows = (weights: number[][], experts: number[][]) =>
    traceOf(
      experts.map((list, i) => ({ experts: [list], weights: [weights[i]!] })),
      5,
      { topK: 3 },
    );

  it('are told by the share of weight that better-ranked experts have', () => {
    const unimportance = new TokenUnimportance(model, ['weights', 'rank']);
    for (const pass of passesOf(rows([[0.5, 0.3, 0.2]], [[4, 0, 2]]))) {
      unimportance.judge(pass, 0);
      const shares = [4, 0, 2].map((id) => unimportance.of('weights', id));
      for (const [at, share] of [0, 0.5, 0.8].entries()) expect(shares[at]).toBeCloseTo(share, 6);
      expect([4, 0, 2].map((id) => unimportance.of('rank', id))).toEqual([0, 1 / 3, 2 / 3].map(Math.fround));
    }
  });

  it('by rank, a null choice takes no share', () => {
    const unimportance = new TokenUnimportance(model, ['rank']);
    for (const pass of passesOf(rows([[0.9, 0.1, 0]], [[1, 3, NULL_EXPERT]]))) {
      unimportance.judge(pass, 0);
      expect([1, 3].map((id) => unimportance.of('rank', id))).toEqual([0, 0.5]);
    }
  });

  const low = { do: 'low-precision', copyBytes: 0.25, when: { gate: '>0.6' } };
  const skip = { do: 'skip', when: { gate: '>0.7' } };

  it('move fewer bytes, and it is said what that costs', async () => {
    const run = (onMiss: unknown) =>
      simulate({
        model: 'mini-finegrained-64x12l',
        system: { name: 'lossy', cache: { policy: 'lru' }, onMiss },
        memory: { expertCache: '20%' },
        workload: { tokens: 200, prompt: 0, output: 200 },
      });
    const full = (await run('load')).metrics;
    const copied = (await run([low, 'load'])).metrics;
    const skipped = (await run([skip, low, 'load'])).metrics;
    const others = (await run(['substitute', 'load'])).metrics;
    expect(full['quality.degraded_rate']).toBeUndefined();
    expect(copied['quality.degraded_rate']!.value).toBeGreaterThan(0.02);
    expect(copied['quality.degraded_rate']!.value).toBeLessThan(1 / 3);
    expect(copied['quality.skipped_rate']!.value).toBe(0);
    expect(skipped['quality.skipped_rate']!.value).toBeGreaterThan(0.01);
    // Each activation of a miss that found somebody, and nothing else, is served by another.
    expect(others['quality.substituted_rate']!.value).toBe(others['quality.degraded_rate']!.value);
    expect(others['quality.substituted_rate']!.value).toBeGreaterThan(0.1);
    const bytes = (metrics: typeof full) => metrics['transfer.h2d.bytes']!.value;
    expect(bytes(copied)).toBeLessThan(bytes(full));
    expect(bytes(skipped)).toBeLessThan(bytes(copied));
    expect(bytes(others)).toBeLessThan(bytes(full));
    expect(copied['latency.tpot.mean']!.value).toBeLessThan(full['latency.tpot.mean']!.value);
  });

  it('are refused where nothing is loaded, or where the trace has no weights', async () => {
    const run = (system: object) => simulate({ model: 'mini-mixtral-8x8l', system: { name: 'x', ...system }, workload: { tokens: 8 } });
    const byWeight = { do: 'skip', when: { gate: { by: 'weights', share: '>0.5' } } };
    // Drawn routing has weights where a rule asks for them.
    const system = { name: 'x', onMiss: [byWeight, 'load'] };
    await expect(run(system)).resolves.toMatchObject({ metrics: { 'quality.skipped_rate': {} } });
    await expect(simulate({ trace: 'mini-mixtral-8x8l', system })).rejects.toThrow(
      /system\.onMiss: gate by weights needs gate weights, .* take by: rank/,
    );
    await expect(run({ onMiss: 'skip' })).rejects.toThrow(/no expert ever enters the cache/);
    await expect(run({ cache: { policy: 'mrs' } })).rejects.toThrow(/needs gate weights/);
  });
});

describe('quotas by profile', () => {
  it('count what LRU caches of every size hit: a member at depth d is a hit of all larger ones', () => {
    const model = modelOf([{ experts: 4, topK: 2 }]);
    const rows = [
      [0, 1],
      [2, 0],
      [0, 3],
      [1, 2],
    ].map((list) => ({ experts: [list] }));
    // Stacks before each event, most recent first: -, 1 0, 0 2 1, 3 0 2 1. Depths: 0 at 1; 0 at 0; 1 at 3 and 2 at 2.
    const { demand, hits } = profileLayers(model, traceOf(rows, 4));
    expect([...hits[0]!]).toEqual([0, 1, 2, 3, 4]);
    expect([...demand[0]!]).toEqual([3, 2, 2, 1]);
  });

  it('give the layers that profit most more slots, within the capacity', async () => {
    const run = async (quotas: string | undefined, popularity: number | string = 1000) => {
      const result = await simulate({
        trace: 'mini-finegrained-64x12l',
        system: { name: 'q', cache: { policy: 'lru', scope: 'layer', popularity, ...(quotas === undefined ? {} : { quotas }) } },
        memory: { expertCache: '25%' },
        workload: { tokens: 1000, holdOut: '20%' },
      });
      expect(result.metrics['memory.gpu.expert_cache']!.value).toBeGreaterThan(0);
      return result;
    };
    const even = await run(undefined);
    const optimal = await run('optimal');
    expect((await run('even')).metrics['cache.hits']).toEqual(even.metrics['cache.hits']);
    // Earlier text has other layers that profit: 22,559 hits where an even split has 22,710.
    expect(Math.abs(optimal.metrics['cache.hits']!.value / even.metrics['cache.hits']!.value - 1)).toBeLessThan(0.01);
    expect(optimal.metrics['memory.gpu.peak']!.value).toBeLessThanOrEqual(even.metrics['memory.gpu.peak']!.value);
    expect(optimal.config.profiledOn).toBe('1,000 tokens before those that are replayed');
    expect(optimal.warnings.map(({ code }) => code)).not.toContain('profiled-on-itself');
    const held = optimal.inputs.traces[0]!.heldOut!;
    const more = await run('optimal', 7000);
    expect(more.config.profiledOn).toBe(`${formatCount(held)} tokens before those that are replayed`);
    const hindsight = await run('optimal', `mini-finegrained-64x12l#${held}:${held + 1000}`);
    expect(hindsight.warnings.map(({ code }) => code)).toContain('profiled-on-itself');
    for (const other of [even, optimal, more])
      expect(hindsight.metrics['cache.hits']!.value).toBeGreaterThan(other.metrics['cache.hits']!.value);
    expect(even.config).not.toHaveProperty('profiledOn');
    expect(even.fingerprint).toBe(optimal.fingerprint);
  });
});
