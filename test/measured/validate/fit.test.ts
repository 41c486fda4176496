// A fit finds what made the residuals, and a machine that is left out says nothing.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { constantOf, fittedConstants, withConstantMoved } from '../../../src/measured/validate/constants.js';
import { fitConstants, leaveOut, residualAt, withVotes } from '../../../src/measured/validate/fit.js';

/** Rows of six machines whose speed goes with two constants, of which the first is 20 % too high and the second 10 % too low. */
const truth = [Math.log(1 / 1.2), Math.log(1 / 0.9)];
const rows = Array.from({ length: 60 }, (_, i) => {
  const slopes = [(i % 7) / 7, (i % 5) / 5];
  return { vote: `m${i % 6}`, slopes, residual: -(slopes[0]! * truth[0]! + slopes[1]! * truth[1]!) };
});

/** Constants of which nothing is known before. */
const open = (constants: number, spread = 2) => Array.from({ length: constants }, () => ({ step: 0, spread }));

describe('a fit', () => {
  it('finds the constants, and with them no row is off', () => {
    const steps = fitConstants(rows, open(2));
    expect(steps).toHaveLength(2);
    for (const [c, step] of steps.entries()) expect(step).toBeCloseTo(truth[c]!, 2);
    for (const row of rows) expect(residualAt(row, steps)).toBeCloseTo(0, 2);
  });

  it('is not led astray by a row that is off by a factor of ten', () => {
    const steps = fitConstants([...rows, { vote: 'odd', slopes: [1, 0], residual: Math.log(10) }], open(2));
    expect(steps).toHaveLength(2);
    for (const [c, step] of steps.entries()) expect(step).toBeCloseTo(truth[c]!, 1);
  });

  it('leaves a constant where it is that no row speaks of', () => {
    expect(
      fitConstants(
        rows.map((row) => ({ ...row, slopes: [...row.slopes, 0] })),
        open(3),
      )[2],
    ).toBe(0);
  });

  it('draws a constant towards its value before the rows, as far as those leave it open', () => {
    // One row wants a step of -0.1, the value before lies 0.2 above. Below the bend of the loss: (0.2 * r - 0.1 * 1) / (1 + r), r = (0.2 / spread) ** 2.
    const one = [{ vote: 'a', slopes: [1], residual: 0.1 }];
    const at = (spread: number): number => fitConstants(one, [{ step: 0.2, spread }])[0]!;
    expect(at(0.01)).toBeCloseTo(0.2, 2);
    expect(at(10)).toBeCloseTo(-0.1, 2);
    expect(at(0.2)).toBeGreaterThan(0);
    expect(at(0.2)).toBeLessThan(0.1);
  });

  it('of other machines predicts one that follows the same constants, and not one that does not', () => {
    const left = leaveOut([...rows, { vote: 'odd', slopes: [0, 0], residual: 0.5 }], open(2), ({ vote }) => vote);
    expect(left.at(-1)).toBe(0.5);
    for (const residual of left.slice(0, -1)) expect(residual).toBeCloseTo(0, 2);
  });

  it('of all classes but one knows nothing of it; a row of no class has no prediction', () => {
    // One constant: the rows of class a need half of it, those of b are right. Without a, nothing moves; without b, it is halved.
    const of = (name: string | null, residual: number) =>
      Array.from({ length: 20 }, (_, i) => ({ vote: `${name}${i}`, name, slopes: [1], residual }));
    const classes = [...of('a', Math.log(2)), ...of('b', 0), { vote: 'c', name: null, slopes: [1], residual: 0.7 }];
    const left = leaveOut(classes.slice(0, 40), open(1), ({ name }) => name);
    expect(left[0]).toBeCloseTo(Math.log(2), 1);
    expect(left[20]).toBeCloseTo(-Math.log(2), 1);
    expect(leaveOut(classes, open(1), ({ name }) => name)[40]).toBeNull();
  });

  it('gives a machine one vote', () => {
    const three = [{ vote: 'a' }, { vote: 'a' }, { vote: 'b' }].map((row) => ({ ...row, slopes: [1], residual: 0 }));
    expect(withVotes(three).map(({ weight }) => weight)).toEqual([0.5, 0.5, 1]);
    // 30 rows of one machine want a tenth less, one row of each of ten others wants nothing: as one row would.
    const many = (count: number) => [
      ...Array.from({ length: count }, () => ({ vote: 'one', slopes: [1], residual: 0.1 })),
      ...Array.from({ length: 10 }, (_, i) => ({ vote: `m${i}`, slopes: [1], residual: 0 })),
    ];
    expect(fitConstants(withVotes(many(30)), open(1))[0]).toBeCloseTo(fitConstants(withVotes(many(1)), open(1))[0]!, 9);
  });
});

describe('constants', () => {
  const runtimes = new Map(['llama.cpp', 'ik_llama.cpp', 'ktransformers'].map((name) => [name, loadRuntime(name)]));

  it('are those that runtimes say were fitted', () => {
    const all = fittedConstants(runtimes, ['ik_llama.cpp', 'llama.cpp']);
    expect(all.length).toBe(runtimes.get('ik_llama.cpp')!.fitted!.constants.length + runtimes.get('llama.cpp')!.fitted!.constants.length);
    for (const { before, name, runtime, spread } of all) {
      expect(constantOf(runtimes.get(runtime)!, name), name).toBeGreaterThan(0);
      expect(
        Math.abs(Math.log(before / constantOf(runtimes.get(runtime)!, name)!)) / spread,
        `${name}: far from where it began`,
      ).toBeLessThan(2.5);
    }
    for (const { name, runtime, tied } of all) {
      const at = (one: string) => constantOf(runtimes.get(runtime)!, one);
      expect(tied.map(at), name).toEqual(tied.map(() => at(name)));
    }
    // As the files write them: shares, times, rates and numbers.
    const first = (name: string) => all.find((one) => one.runtime === 'llama.cpp' && one.name === name)!.before;
    expect([first('layer'), first('cpu.memory.ddr4'), first('cpu.core.default'), first('gpu.halved')]).toEqual([30e3, 0.76, 22e9, 2]);
  });

  it('move in the runtime that states them and in those that have them from it', () => {
    const faster = withConstantMoved(runtimes, { tied: [], runtime: 'llama.cpp', name: 'pass', before: 1e5, spread: 0.5 }, 2);
    for (const [name, spec] of faster) expect(spec.pass).toBe(2 * runtimes.get(name)!.pass);
    const own = withConstantMoved(runtimes, { tied: [], runtime: 'llama.cpp', name: 'layer', before: 3e4, spread: 0.5 }, 2);
    const memory = { runtime: 'llama.cpp', name: 'cpu.memory.ddr4', tied: ['cpu.memory.ddr5'], before: 0.76, spread: 0.2 };
    const { ddr4, ddr5, 'amd-server': server } = withConstantMoved(runtimes, memory, 0.5).get('ik_llama.cpp')!.cpu.memory;
    const usual = runtimes.get('llama.cpp')!.cpu.memory;
    expect([ddr4, ddr5, server]).toEqual([0.5 * usual.ddr4!, 0.5 * usual.ddr5!, usual['amd-server']]);
    // KTransformers has a time per layer of its own.
    expect(own.get('ktransformers')!.layer).toBe(runtimes.get('ktransformers')!.layer);
    expect(own.get('ik_llama.cpp')!.layer).toBe(2 * runtimes.get('llama.cpp')!.layer);
  });
});
