// Tuning by hand: what a measured speed teaches of others, what is measured next, and when it ends.
import { describe, expect, it } from 'vitest';
import type { TunePoint } from '../../../src/advise/door.js';
import { KNOBS } from '../../../src/hardware/door.js';
import { type PointPrior, pointForecasts, pointPrior } from '../../../src/measured/tune/belief.js';
import { CERTAIN, MOST_RUNS, type RunEnd, tune } from '../../../src/measured/tune/tune.js';

const only = (name: string): number[] => KNOBS.map((knob) => (knob.name === name ? -1 : 0));
const READING = only('reading');
/** Variance of all speeds of a phase together. */
const WHOLE = 0.1 ** 2;
const [GIB, cost] = [2 ** 30, ({ decode }: { decode: number }): number => 1 / decode];
/** A point that is predicted at a speed. @param along place, passes, threads, loading, attention */
const prior = (speed: number, along: readonly number[] = [0, 0, 0, 0, 0], slopes: readonly number[] = READING): PointPrior =>
  pointPrior({ residual: Math.log(speed), slopes }, { residual: Math.log(100), slopes: only('arithmetic') }, along);
const point = (gib: number): TunePoint => ({
  setting: {} as never,
  devices: [{ name: 'GPU', has: 24 * GIB, weights: gib * GIB, kv: 0, compute: 0 }],
  flags: [],
  line: [],
  along: [],
});
const end = (decode: number): RunEnd => ({ decode, prefill: 100, spread: 0 });
const lacking: RunEnd = { failed: 'out of memory', lacksMemory: true };
const broken: RunEnd = { failed: 'ended with 1', lacksMemory: false };

describe('what is expected', () => {
  it('is the prediction before anything is measured', () => {
    const [one, other] = pointForecasts([prior(20), prior(10)], new Map(), [], cost);
    expect(one).toEqual({ decode: expect.closeTo(20, 9), prefill: expect.closeTo(100, 9), gain: null });
    expect(other!.decode).toBeCloseTo(10, 9);
  });

  it('goes with what all settings have in common, as far as it is surer than the prior', () => {
    // All together are off by 0.1, the measured speed by 0.015: 0.01 / (0.01 + 0.000225) of a logarithm of 1.2 is taken over.
    const [, other] = pointForecasts([prior(20), prior(10)], new Map([[0, { decode: 24, prefill: 100, spread: 0 }]]), [], cost);
    expect(other!.decode).toBeCloseTo(10 * 1.2 ** (WHOLE / (WHOLE + 0.015 ** 2)), 9);
    // They differ in nothing that is unsure, so that nothing is left but the difference itself.
    expect(other!.gain).toBeCloseTo(10 / 20 - 1, 9);
  });

  it('leaves what only the other one depends on', () => {
    // Half of the threads: off by 0.1 of a logarithm, of which 1.2816 are nine times in ten not exceeded.
    const measured = new Map([[0, { decode: 20, prefill: 100, spread: 0 }]]);
    const [, other] = pointForecasts([prior(20), prior(20, [0, 0, 1, 0, 0])], measured, [], cost);
    expect(other!.gain).toBeCloseTo(Math.exp(1.2816 * 0.1) - 1, 9);
  });

  it('is unsure of everything after a surprise', () => {
    const measured = new Map([[0, { decode: 2, prefill: 100, spread: 0 }]]);
    const [, other] = pointForecasts([prior(20), prior(20, [0, 0, 1, 0, 0])], measured, [], cost);
    // log(10)^2 / (0.01 + 0.000225) of two speeds, of which one is as predicted.
    const surprise = Math.log(10) ** 2 / (WHOLE + 0.015 ** 2) / 2;
    expect(other!.gain).toBeCloseTo(Math.exp(1.2816 * 0.1 * Math.sqrt(surprise)) - 1, 6);
  });

  it('learns knobs from other runs of the machine', () => {
    const elsewhere = { residual: Math.log(1 / 1.1), slopes: READING };
    const [one] = pointForecasts([prior(20)], new Map(), [elsewhere], cost);
    expect(one!.decode).toBeCloseTo(20 * 1.1 ** (WHOLE / (WHOLE + 0.05 ** 2)), 9);
  });
});

/** Tunes points of which everything is known. */
async function tuned(
  priors: readonly PointPrior[],
  ends: readonly RunEnd[],
  gib: readonly number[] = [],
  before = new Map<number, RunEnd>(),
) {
  const ran: number[] = [];
  const left: (number | null)[] = [];
  const points = priors.map((_, i) => point(gib[i] ?? 1));
  const run = (at: number): Promise<RunEnd> => {
    ran.push(at);
    return Promise.resolve(ends[at]!);
  };
  const tell = (_: unknown, one: number | null): void => void left.push(one);
  const result = await tune({ points, priors, others: [], before, cost, run, tell });
  return { ...result, ran, told: left };
}

const THREADS = [0, 0, 1, 0, 0];

describe('the search', () => {
  it('ends after one run where nothing is likely to gain', async () => {
    const { best, left, ran } = await tuned([prior(20), prior(10, THREADS)], [end(20), end(10)]);
    expect({ best, left, ran }).toEqual({ best: 0, left: 0, ran: [0] });
  });

  it('measures what may still be faster, and takes the fastest', async () => {
    const { best, left, ran, told } = await tuned([prior(20), prior(19.5, THREADS), prior(15)], [end(20), end(22), end(15)]);
    expect({ best, ran }).toEqual({ best: 1, ran: [0, 1] });
    expect(told[0]).toBeCloseTo((19.5 / 20) * Math.exp(1.2816 * 0.1) - 1, 6);
    expect(left).toBeLessThanOrEqual(CERTAIN);
  });

  it('runs at most six points of an engine that is too noisy for more, and says what is left', async () => {
    const ways = Array.from({ length: 9 }, (_, i) => prior(20, [0, 0, i / 8, 0, 0]));
    const noisy = ways.map((): RunEnd => ({ decode: 20, prefill: 100, spread: 0.3 }));
    const { left, runs } = await tuned(ways, noisy);
    expect(runs).toHaveLength(MOST_RUNS);
    expect(left).toBeGreaterThan(CERTAIN);
  });

  it('runs nothing again that was run before', async () => {
    const before = new Map([[0, end(20)]]);
    const { best, ran, runs } = await tuned([prior(20), prior(19.5, THREADS)], [end(20), end(22)], [], before);
    expect({ best, ran, runs: runs.map(({ at }) => at) }).toEqual({ best: 1, ran: [1], runs: [0, 1] });
  });

  it('goes down from what lacked memory in ever longer steps', async () => {
    // 20 GiB lack some: 19.8 are not tried, 19 are; they lack some, too, and 18.5 are not 1 GiB less.
    const priors = [prior(20), prior(19), prior(18), prior(17), prior(16)];
    const { best, ran } = await tuned(priors, [lacking, lacking, lacking, lacking, end(16)], [20, 19.8, 19, 18.5, 17]);
    expect({ best, ran }).toEqual({ best: 4, ran: [0, 2, 4] });
  });

  it('gives up after three failures of another kind, where nothing ran', async () => {
    const priors = [prior(20), prior(19), prior(18), prior(17)];
    const { best, left, ran } = await tuned(priors, [broken, broken, broken, end(17)]);
    expect({ best, left, ran }).toEqual({ best: null, left: null, ran: [0, 1, 2] });
  });

  it('goes on past a failure', async () => {
    const { best, runs } = await tuned([prior(20), prior(19.9), prior(15)], [broken, end(19.9), end(15)]);
    expect({ best, at: runs.map(({ at }) => at) }).toEqual({ best: 1, at: [0, 1] });
  });
});
