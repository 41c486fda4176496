// Tuning against engines of which everything is known: machines whose constants are others than the prior's, with noise, and every setting swept.
import { describe, expect, it } from 'vitest';
import { machineNamed } from '../../../src/advise/door.js';
import { type TuneBasis, tuneBasisOn } from '../../../src/advise/tune/points.js';
import { Random } from '../../../src/base/random.js';
import { KNOBS, loadRuntime, machineOfFile, machineWords, turnedBy } from '../../../src/hardware/door.js';
import { measurementOf } from '../../../src/measured/machine/timing-row.js';
import { pointTiming, priorsOf } from '../../../src/measured/tune/rows.js';
import { MOST_RUNS, tune } from '../../../src/measured/tune/tune.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { runtimeOf } from '../../../src/measured/validate/rows/specify.js';
import { costOf } from '../../../src/runtime/setting/goal.js';

interface SetUp {
  readonly model: string;
  readonly box: string;
  /** Parts of the machine that really runs; absent: the box. */
  readonly truth?: string;
  /** Factors of its knobs. */
  readonly knobs?: Readonly<Record<string, number>>;
  /** What its speeds are off by along each way, decode and prefill: logarithms. */
  readonly along?: readonly [readonly number[], readonly number[]];
  readonly noise?: number;
  readonly goal?: string;
}

const HOME = 'rtx-3060+ryzen-5-5600+2xddr4-3200+64GB+pcie4x16';
const SETUPS: Readonly<Record<string, SetUp>> = {
  'slow memory': { model: 'qwen3-30b-a3b', box: HOME, knobs: { 'cpu.memory': 0.7 }, noise: 0.01 },
  'slow products and copies': { model: 'gpt-oss-20b', box: 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB', knobs: { 'gpu.compute': 0.6, 'copy.efficiency': 0.8 } },
  'a slow host': { model: 'gpt-oss-120b', box: 'rtx-3090+ryzen-9-7950x+2xddr5-6000+128GB', knobs: { handover: 2, layer: 1.6 }, noise: 0.01 },
  'another machine': { model: 'mixtral-8x7b', box: 'rtx-4090+ryzen-9-7950x+2xddr5-6000+64GB', truth: 'rtx-4090+i9-10900k+2xddr4-2933+64GB+pcie3x16' },
  'fewer threads': { model: 'olmoe-1b-7b', box: 'ryzen-9-7950x+2xddr5-6000+64GB', along: [[0, 0, 0.1, 0.02, -0.1], [0, 0.05, -0.3, 0, 0.05]], noise: 0.02 },
  'other than predicted along all ways': { model: 'qwen3-30b-a3b', box: HOME, along: [[-0.15, 0, 0.05, 0, 0], [0.2, -0.1, -0.1, 0.05, 0]], noise: 0.01 },
  'noise of 3 %': { model: 'gpt-oss-20b', box: HOME, knobs: { 'cpu.core': 0.7, 'gpu.bandwidth': 0.85 }, noise: 0.03, goal: 'decode' },
};
const TESTS = { prompt: 4096, generated: 64, depth: 0 };

async function tunedOn({ along = [[], []], box, goal, knobs = {}, model, noise = 0, truth = box }: SetUp, seed: number) {
  const basis: TuneBasis = await tuneBasisOn(model, machineNamed(box), { quantizations: ['q4_k_m'], ...(goal === undefined ? {} : { goal }) });
  const file = { name: box, parts: machineWords(box) };
  const timings = basis.points.map(({ flags }) => pointTiming(basis, ['llama-bench', ...flags], TESTS));
  const t0 = performance.now();
  const { elsewhere, priors } = await priorsOf(basis.points, timings, [], file, 1, {});
  const t1 = performance.now();
  const other = machineOfFile({ name: truth, parts: machineWords(truth) }, 'truth');
  const rows = timings.map((timing) => measurementOf(timing, other, { model: null, quantization: null }));
  const steps = KNOBS.map(({ name }) => Math.log(knobs[name] ?? 1));
  const runtimes = new Map([...new Set(rows.map(runtimeOf))].map((name) => [name, turnedBy(loadRuntime(name), steps)]));
  const predicted = await predictRowVariants(rows, [runtimes], 1, {});
  const random = new Random(seed, 'tune');
  const off = (i: number, phase: 0 | 1): number => Math.exp(basis.points[i]!.along.reduce((sum, one, k) => sum + one * (along[phase][k] ?? 0), 0));
  const speeds = predicted.map(([only], i) => ({ decode: only!.figures.decode! * off(i, 0), prefill: only!.figures.prefill! * off(i, 1) }));
  const cost = (one: { decode: number; prefill: number }): number => costOf(basis.goal, one, 1, basis.request);
  const noisy = (rate: number): number => rate * Math.exp(noise * random.normal());
  const result = await tune({
    points: basis.points,
    priors,
    elsewhere,
    before: new Map(),
    cost,
    run: async (at) => ({ decode: noisy(speeds[at]!.decode), prefill: noisy(speeds[at]!.prefill), spread: noise }),
    tell: ({ at, predicted: p, end }, left) => process.env.SHOW && console.log(basis.points[at]!.flags.join(' '), p.decode.toFixed(1), p.prefill.toFixed(0), JSON.stringify(end), left?.toFixed(3)),
  });
  const least = Math.min(...speeds.map(cost));
  const first = cost(speeds[0]!) / least - 1;
  return { loss: cost(speeds[result.best!]!) / least - 1, runs: result.runs.length, first, points: basis.points.length, ms: Math.round(t1 - t0) };
}

describe('tuning on known engines', () => {
  it('finds the best of a sweep', async () => {
    for (const [name, setUp] of Object.entries(SETUPS)) console.log(name, JSON.stringify(await tunedOn(setUp, 1)));
    expect(MOST_RUNS).toBe(6);
  });
});
