// Tuning by hand: what a measured speed teaches of others, how sure a choice is, what is measured next, and when it ends.
import { describe, expect, it } from 'vitest';
import { factorOf } from '../../../src/base/linear.js';
import { KNOBS, type SpeedKind } from '../../../src/hardware/door.js';
import { beliefOf, judged, mostInformative, type TunedFigures } from '../../../src/measured/tune/choice.js';
import { MOST_RUNS, type RunEnd, SURE, tune } from '../../../src/measured/tune/tune.js';

const GIB = 2 ** 30;
const cost = ({ decode }: { decode: number }): number => 1 / decode;
/** Variances of the logarithm of decoding: what settings have in common, of their own, of a repeated run. */
const [COMMON, OWN, REPEATED] = [0.1 ** 2 + 0.3 ** 2 + 0.12 ** 2, 0.09 ** 2, 0.02 ** 2];

function figure(kind: SpeedKind, speed: number, knob: string, along: readonly number[]) {
  const shares = KNOBS.map(({ name }) => Number(name === knob));
  return { kind, runtime: 'llama.cpp', model: 'a', strategy: null, shares, speed, along };
}
/** A setting that is predicted at a speed. @param at its place among others */
const setting = (speed: number, ...at: readonly number[]): TunedFigures => ({
  decode: figure('decode', speed, 'reading', at.length === 0 ? [0] : at),
  prefill: figure('prefill', 100, 'arithmetic', [0]),
});
const measured = (of: TunedFigures, speed: number) => ({ ...of.decode, residual: Math.log(of.decode.speed / speed) });

describe('what is expected', () => {
  it('is the prediction before anything is measured', () => {
    const { costs, speeds } = beliefOf([setting(20), setting(10)], [], cost);
    expect(speeds).toEqual([
      { decode: 20, prefill: 100 },
      { decode: 10, prefill: 100 },
    ]);
    expect(costs).toEqual([-Math.log(20), -Math.log(10)].map((value) => expect.closeTo(value, 12)));
  });

  it('goes with what all settings have in common, and is as measured for the setting itself', () => {
    const far = [setting(20, 0), setting(10, 100)] as const;
    const { speeds } = beliefOf(far, [measured(far[0], 24)], cost);
    const all = COMMON + OWN + REPEATED;
    expect(speeds[0]!.decode).toBeCloseTo(20 * 1.2 ** ((COMMON + OWN) / all), 9);
    expect(speeds[1]!.decode).toBeCloseTo(10 * 1.2 ** (COMMON / all), 9);
  });

  it('has the own error of a near setting in part', () => {
    const near = [setting(20, 0, 3), setting(10, 0.5, 2.75)] as const;
    const { speeds } = beliefOf(near, [measured(near[0], 24)], cost);
    expect(speeds[1]!.decode).toBeCloseTo(10 * 1.2 ** ((COMMON + OWN * Math.exp(-0.75)) / (COMMON + OWN + REPEATED)), 9);
  });

  it('has the error of the cost by its slopes: of a request, a share of each phase', () => {
    const request = ({ decode, prefill }: { decode: number; prefill: number }): number => 30 / decode + 100 / prefill;
    const both = setting(10, 0);
    // Three seconds of decoding and one of the prompt; a prompt's common errors are .1, .38 and .3, its own .17.
    const prompt = 0.1 ** 2 + 0.38 ** 2 + 0.3 ** 2 + 0.17 ** 2;
    expect(beliefOf([both], [], request).covariance[0]![0]).toBeCloseTo(0.75 ** 2 * (COMMON + OWN) + 0.25 ** 2 * prompt, 3);
  });
});

describe('the certainty of a choice', () => {
  it('is that of the ratio: what is common cancels', () => {
    // Independent own errors: the ratio has .127; log(1.2 x 1.03) is 1.66 of them, in Student's units of 4 degrees 2.35.
    const two = [setting(24, 0), setting(20, 100)];
    const { chance, wins } = judged(beliefOf(two, [], cost), 0, [0, 1]);
    expect(chance).toBeGreaterThan(0.93);
    expect(chance).toBeLessThan(0.98);
    expect(wins[0]! + wins[1]!).toBeCloseTo(1, 9);
  });

  it('is complete among settings that differ in nothing', () => {
    expect(judged(beliefOf([setting(20), setting(20), setting(19.9)], [], cost), 0, [0, 1, 2]).chance).toBe(1);
  });

  it('is none for the slower of two that differ in nothing but 4 %', () => {
    expect(judged(beliefOf([setting(20), setting(20.8)], [], cost), 0, [0, 1]).chance).toBe(0);
  });

  it('leaves out what cannot run', () => {
    expect(judged(beliefOf([setting(20, 0), setting(40, 9)], [], cost), 0, [0]).chance).toBe(1);
  });

  it('draws from the covariance', () => {
    const covariance = [
      [4, 2, 2],
      [2, 5, 3],
      [2, 3, 6],
    ];
    const factor = factorOf(covariance);
    expect(factor[0]).toEqual([2, 0, 0]);
    expect(covariance.map((row, i) => row.map((_, j) => factor[i]!.reduce((sum, value, k) => sum + value * factor[j]![k]!, 0)))).toEqual(
      covariance.map((row) => row.map((value) => expect.closeTo(value, 12))),
    );
    // Rounding below zero is no variance.
    expect(
      factorOf([
        [1, 1],
        [1, 1 - 1e-16],
      ]),
    ).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
});

describe('the next run', () => {
  const next = (settings: readonly TunedFigures[], ran: readonly number[], chosen: number): number | null => {
    const taught = ran.map((at) => measured(settings[at]!, settings[at]!.decode.speed));
    const open = settings.map((_, i) => i).filter((i) => !ran.includes(i));
    return mostInformative(settings, taught, cost, chosen, judged(beliefOf(settings, taught, cost), chosen, [...ran, ...open]), open);
  };

  it('is the far one of two that may be the fastest', () => {
    expect(next([setting(20, 0), setting(20, 0.1), setting(20, 9)], [0], 0)).toBe(2);
  });

  it('is none that cannot win', () => {
    expect(next([setting(20, 0), setting(19, 9), setting(2, 5)], [0], 0)).toBe(1);
  });

  it('is the choice itself where all ratios are to it', () => {
    expect(next([setting(20, 0), setting(20, 5), setting(20, 10), setting(20, 15)], [], 0)).toBe(0);
  });
});

const end = (decode: number): RunEnd => ({ decode, prefill: 100 });
const lacking: RunEnd = { failed: 'out of memory', lacksMemory: true };
const broken: RunEnd = { failed: 'ended with 1', lacksMemory: false };

/** Tunes points of which everything is known. */
async function tuned(
  figures: readonly TunedFigures[],
  ends: readonly RunEnd[],
  gib: readonly number[] = [],
  before = new Map<number, RunEnd>(),
) {
  const ran: number[] = [];
  const told: (number | null)[] = [];
  const points = figures.map((_, i) => ({ devices: [{ name: 'GPU', has: 24 * GIB, weights: (gib[i] ?? 1) * GIB, kv: 0, compute: 0 }] }));
  const run = (at: number): Promise<RunEnd> => {
    ran.push(at);
    return Promise.resolve(ends[at]!);
  };
  const tell = (_: unknown, chance: number | null): void => void told.push(chance);
  return { ...(await tune({ points, figures, others: [], before, cost, run, tell })), ran, told };
}

describe('the search', () => {
  it('ends after one run where nothing may gain', async () => {
    const { best, chance, ran } = await tuned([setting(20, 0), setting(10, 1)], [end(20), end(10)]);
    expect({ best, chance, ran }).toEqual({ best: 0, chance: expect.closeTo(1, 1), ran: [0] });
  });

  it('measures what may still be faster, and takes the fastest', async () => {
    const settings = [setting(20, 0), setting(19.5, 9), setting(15, 20)];
    const { best, chance, ran, told } = await tuned(settings, [end(20), end(22), end(15)]);
    expect({ best, ran: ran.slice(0, 2).sort() }).toEqual({ best: 1, ran: [0, 1] });
    expect(told[0]).toBeLessThan(SURE);
    expect(chance).toBeGreaterThanOrEqual(SURE);
  });

  it('runs at most six points, and says how unsure it is', async () => {
    const settings = Array.from({ length: 9 }, (_, i) => setting(20, 9 * i));
    const { chance, runs } = await tuned(
      settings,
      settings.map(() => end(20)),
    );
    expect(runs).toHaveLength(MOST_RUNS);
    expect(chance).toBeLessThan(SURE);
  });

  it('runs nothing again that was run before', async () => {
    const before = new Map([[0, end(20)]]);
    const { best, ran, runs } = await tuned([setting(20, 0), setting(19.5, 9)], [end(20), end(22)], [], before);
    expect({ best, ran, runs: runs.map(({ at }) => at) }).toEqual({ best: 1, ran: [1], runs: [0, 1] });
  });

  it('goes down from what lacked memory in ever longer steps', async () => {
    // 20 GiB lack some: 19.8 are not tried, 19 are; they lack some, too, and 18.5 are not 1 GiB less.
    const settings = [setting(20), setting(19), setting(18), setting(17), setting(16)];
    const { best, ran } = await tuned(settings, [lacking, lacking, lacking, lacking, end(16)], [20, 19.8, 19, 18.5, 17]);
    expect({ best, ran }).toEqual({ best: 4, ran: [0, 2, 4] });
  });

  it('gives up after three failures of another kind, where nothing ran', async () => {
    const settings = [setting(20), setting(19), setting(18), setting(17)];
    const { best, chance, ran } = await tuned(settings, [broken, broken, broken, end(17)]);
    expect({ best, chance, ran }).toEqual({ best: null, chance: null, ran: [0, 1, 2] });
  });

  it('goes on past a failure', async () => {
    const { best, runs } = await tuned([setting(20), setting(19.9), setting(15)], [broken, end(19.9), end(15)]);
    expect({ best, at: runs.map(({ at }) => at) }).toEqual({ best: 1, at: [0, 1] });
  });
});
