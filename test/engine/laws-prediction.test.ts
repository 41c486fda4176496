// Law L18: a better predictor never takes longer, and none takes longer than no prefetching, where each holds; and how far off it is elsewhere.
// The predictor is the truth, spoiled to a recall and a precision.
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/base/random.js';
import { simulate } from '../../src/engine/simulate.js';
import type { RunInput } from '../../src/system/run.js';
import { cases } from '../cases.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 600_000 });

/** Recall and precision of the predictors, from bad to perfect. */
const SPOILED = [0.5, 0.7, 0.9, 1];
/** L18: what time per token may grow by with a better predictor, and beside no prefetching. */
const BETTER = 1.01;
const BESIDE_NONE = 1.007;

/** Ways of prefetching. */
const WAYS = {
  /** A plan that follows its predictor, whatever that costs. */
  follows: { cache: { policy: 'lru' } },
  /** Only what is expected to pay. */
  pays: { cache: { policy: 'plec' }, prefetch: { when: 'pays', budget: 'pays' } },
  /** Into buffers, which evicts nothing, within a budget. */
  staged: { cache: { policy: 'lru' }, prefetch: { staging: '2 layers', budget: 'pays' } },
} as const;

/** A run without its system: a recording on a machine with a part of the experts. */
function drawn(number: number): { readonly run: RunInput; readonly horizon: number | string; readonly system: object } {
  const random = new Random(number, 'test/laws-prediction');
  const pick = <const T extends readonly unknown[]>(...values: T): T[number] => values[random.below(values.length)];
  const model = pick('mini-mixtral-8x8l', 'mini-finegrained-64x12l');
  const memory = { expertCache: pick('10%', '25%', '50%', '75%') };
  const workload = { batch: pick(1, 1, 4, 16), tokens: 400 };
  const hardware = pick('t4', 'rtx-4090', 'rtx-3060+ryzen-9-7950x');
  const run = { model, trace: model, hardware, memory, workload, bounds: false, audit: 'off' as const };
  return {
    run,
    horizon: pick(1, 2, 3, 'auto'),
    system: { onMiss: pick('load', 'load', 'load', 'cheaper'), correction: pick(true, false) },
  };
}

/** Times per token of runs by what is asked for: several laws compare the same ones. */
const KNOWN = new Map<string, number>();

/** Times per token of a drawn run: without prefetching, and with predictors from bad to perfect. */
async function times(
  number: number,
  way: keyof typeof WAYS,
  spoiled: readonly number[] = SPOILED,
): Promise<readonly [none: number, ...number[]]> {
  const { horizon, run, system } = drawn(number);
  const { correction, ...rest } = system as { correction: boolean; onMiss: string };
  const { cache, ...prefetch } = WAYS[way];
  const scope = number % 2 === 0 ? 'global' : 'layer';
  const timeWith = async (predictor: object): Promise<number> => {
    const key = JSON.stringify([number, way, predictor]);
    const known = KNOWN.get(key);
    if (known !== undefined) return known;
    const made = { name: way, cache: { ...cache, scope }, ...prefetch, ...rest, predictor };
    const { metrics } = await simulate({ ...run, system: made } as RunInput);
    const { value } = metrics['latency.tpot.mean']!;
    KNOWN.set(key, value);
    return value;
  };
  const all: [number, ...number[]] = [await timeWith({ kind: 'none' })];
  for (const share of spoiled) all.push(await timeWith({ kind: 'oracle', recall: share, precision: share, horizon, correction }));
  return all;
}

const numbers = (whole: number): number[] => Array.from({ length: cases(whole, 6) }, (_, number) => number);

describe('L18 Monotone in prediction', () => {
  it('L18 a plan that follows its predictor takes no longer with a better one (1 %)', async () => {
    for (const number of numbers(60)) {
      const [, ...spoiled] = await times(number, 'follows');
      for (const [k, ns] of spoiled.entries())
        expect(ns, `run ${number}, ${SPOILED[k]}`).toBeLessThanOrEqual(BETTER * (spoiled[k - 1] ?? ns));
    }
  });

  it.each(['pays', 'staged'] as const)('L18 the truth is never above the same system without prefetching (0.7 %): %s', async (way) => {
    for (const number of numbers(60)) {
      const [none, perfect] = await times(number, way, [1]);
      expect(perfect, `run ${number}`).toBeLessThanOrEqual(BESIDE_NONE * none);
    }
  });

  it.each(['pays', 'staged'] as const)(
    'L18 where it does not hold: wrong predictions that must pay cost at most a twentieth: %s',
    async (way) => {
      for (const number of numbers(60)) {
        const [none, ...spoiled] = await times(number, way);
        for (const ns of spoiled) expect(ns, `run ${number}`).toBeLessThanOrEqual(1.05 * none);
      }
    },
  );

  it('L18 where it does not hold: wrong predictions that nobody judges cost more than that', async () => {
    const shares: number[] = [];
    for (const number of numbers(20)) {
      const [none, bad] = await times(number, 'follows', [0.5]);
      shares.push(bad! / none);
    }
    expect(Math.max(...shares)).toBeGreaterThan(1.05);
  });
});

/** Shipped predictors that know of the next pass, beside the oracle: without a CPU, with one where it is sooner, and with one that shares. */
const SHIPPED = ['path-retrieval', 'ensemble', 'adaptive', 'transition', 'last-token', 'markov', 'expert-map'];
const BESIDE_SHIPPED = 1.005;
describe('L18 the truth beside shipped predictors', () => {
  // bench/oracle.mjs has the whole matrix, the large recordings among them.
  it.each(['load', 'cheaper', 'balance'] as const)('L18 the truth takes no more than 0.5 % longer than any of them: %s', async (onMiss) => {
    const prefetch = { minProbability: 0.05, when: 'pays', chunk: '512KiB', across: 'auto' };
    for (let number = 0; number < cases(20); number++) {
      const random = new Random(number, `test/laws-prediction/shipped/${onMiss}`);
      const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]!;
      const batch = pick([1, 4, 16]);
      const model = pick(['mini-mixtral-8x8l', 'mini-finegrained-64x12l']);
      const [kind, hardware] = [pick(SHIPPED), pick(['t4', 'rtx-4090', 'rtx-3060+ryzen-9-7950x'])];
      const workload = { batch, tokens: batch === 1 ? 400 : 800, holdOut: '20%' };
      const given = { model, trace: model, hardware, memory: { expertCache: pick(['25%', '50%']) }, workload, bounds: false, audit: 'off' };
      const timeWith = async (predictor: string): Promise<number> => {
        const system = {
          name: 'x',
          cache: { policy: 'plec' },
          predictor: { kind: predictor, horizon: 8, correction: true },
          prefetch,
          onMiss,
        };
        const { metrics, warnings } = await simulate({ ...given, system } as RunInput);
        expect(warnings.map(({ code }) => code)).not.toContain('across-left-out');
        return metrics['time.total']!.value;
      };
      const [shipped, truth] = [await timeWith(kind), await timeWith('oracle')];
      expect(truth / shipped, `run ${number}: ${kind} ${onMiss} ${JSON.stringify(given)}`).toBeLessThanOrEqual(BESIDE_SHIPPED);
    }
  });
});
