// What was learned of a machine: its bands by hand, and its words.
import { describe, expect, it } from 'vitest';
import { KNOBS, turnedBy } from '../../src/hardware/knobs.js';
import { learnedText, learnedWidth, nudged } from '../../src/hardware/learned.js';
import { parseMachine } from '../../src/hardware/machine.js';
import { loadRuntime } from '../../src/hardware/runtime.js';

const llama = loadRuntime('llama.cpp');
const machine = parseMachine('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB');
const at = (steps: Readonly<Record<string, number>>) => KNOBS.map(({ name }) => steps[name] ?? 0);

describe('the band', () => {
  const covariance = KNOBS.map((_, c) => KNOBS.map((_, d) => (c === d ? 0.04 : 0)));

  it('is what is unsure of the knobs, and what no knob explains', () => {
    // A speed that goes with the first knob alone: variance 0.2^2 of it, beside 0.12^2 and 0.2^2 of the rest.
    const moved = KNOBS.map((_, k) => (k === 0 ? 50 * Math.exp(0.1) : 50));
    expect(learnedWidth({ covariance }, 'decode', 50, moved)).toBeCloseTo(Math.exp(1.2816 * Math.sqrt(0.04 + 0.0144)) - 1, 10);
    expect(learnedWidth({ covariance }, 'prefill', 50, moved)).toBeCloseTo(Math.exp(1.2816 * Math.sqrt(0.04 + 0.04)) - 1, 10);
  });

  it('is never narrower than what no knob explains', () => {
    const still = KNOBS.map(() => 50);
    expect(learnedWidth({ covariance }, 'decode', 50, still)).toBeCloseTo(Math.exp(1.2816 * 0.12) - 1, 10);
  });

  it('sees each knob moved alone', () => {
    const learned = { steps: at({ layer: 0.3 }), covariance, timings: 1, said: '' };
    const moved = nudged(learned);
    expect(moved).toHaveLength(KNOBS.length);
    for (const [k, { steps }] of moved.entries()) {
      for (const [i, step] of steps.entries()) expect(step).toBeCloseTo(learned.steps[i]! + (i === k ? 0.1 : 0), 12);
    }
  });
});

describe('knobs', () => {
  it('turn their constants, shares to 1 at most, and leave what is given', () => {
    const turned = turnedBy(llama, at({ layer: Math.log(2), 'gpu.bandwidth': 1 }), ['cpu.layer']);
    expect(turned).toMatchObject({
      layer: 2 * llama.layer,
      pass: 2 * llama.pass,
      cpu: { layer: llama.cpu.layer },
      gpu: { bandwidth: { default: 1 } },
    });
    expect(turnedBy(llama, at({}))).toEqual(llama);
  });
});

describe('words', () => {
  it('are of constants that moved by 5 % and more, those that moved most first', () => {
    const steps = at({ 'cpu.memory': Math.log(0.8), layer: Math.log(1.5), 'copy.efficiency': 0.04 });
    // 96 GB/s by the sheet.
    const share = 0.8 * llama.cpu.bandwidth * llama.cpu.memory['amd-ddr5']!;
    const rate = ((96 * share) / 1).toPrecision(2);
    expect(learnedText(machine, llama, steps, 1)).toBe(
      `Learned from 1 timing of this machine: a layer takes ${Math.round((1.5 * llama.layer) / 1e3)} us, usual ${Math.round(llama.layer / 1e3)}; your memory gives ${rate} GB/s, ${Math.round(100 * share)} % of its sheet.`,
    );
    expect(learnedText(machine, llama, at({}), 2)).toBe(
      'Learned from 2 timings of this machine: it is as others of its parts, to within 5 %.',
    );
    expect(learnedText(machine, llama, at({ 'copy.efficiency': -0.5 }), 1, Math.log(0.5))).toBe(
      'Learned from 1 timing of this machine: copies to the GPU: times 0.61. One is still 2.0 times as fast as that explains: does its placement fit (moeprof check)?',
    );
  });
});
