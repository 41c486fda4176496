// What was learned of a machine: its constants, its bands and its words.
import { describe, expect, it } from 'vitest';
import { KNOBS, turnedBy } from '../../src/hardware/knobs.js';
import { type Learned, learnedRuntime, learnedText, learnedWidth, nudged, timeShares } from '../../src/hardware/learned.js';
import { parseMachine } from '../../src/hardware/machine.js';
import { FOUR_OF_FIVE, type TaughtFigure } from '../../src/hardware/posterior.js';
import { loadRuntime } from '../../src/hardware/runtime.js';

const llama = loadRuntime('llama.cpp');
const machine = parseMachine('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB');
const at = (steps: Readonly<Record<string, number>>) => KNOBS.map(({ name }) => steps[name] ?? 0);
const row = (more: Partial<TaughtFigure>): TaughtFigure => ({
  kind: 'decode',
  runtime: 'llama.cpp',
  model: 'm',
  strategy: null,
  shares: at({ reading: 1 }),
  residual: 0,
  ...more,
});
const learned = (...taught: TaughtFigure[]): Learned => ({ taught, timings: taught.length, model: 'm' });

describe('knobs', () => {
  it('slow what reads and what waits, and leave what is given, and words', () => {
    const turned = turnedBy(llama, at({ launches: Math.log(2), 'cpu.memory': Math.log(2) }), ['pass']);
    expect(turned).toMatchObject({
      layer: 2 * llama.layer,
      pass: llama.pass,
      cpu: { bandwidth: llama.cpu.bandwidth / 2, layer: llama.cpu.layer },
      gpu: { bandwidth: llama.gpu.bandwidth },
    });
    expect(turnedBy(llama, at({}))).toEqual(llama);
    const pinned = { ...llama, copy: { ...llama.copy, staging: 'none' as const } };
    expect(turnedBy(pinned, at({ copies: 1 })).copy.staging).toBe('none');
  });

  it('cover all times of a pass: reading slows every constant of decoding once', () => {
    const { cpu, gpu, handover, layer, pass } = turnedBy(llama, at({ reading: Math.log(2) }));
    expect([layer / llama.layer, pass / llama.pass, handover / llama.handover, cpu.barrier / llama.cpu.barrier]).toEqual([2, 2, 2, 2]);
    expect([cpu.bandwidth / llama.cpu.bandwidth, gpu.covered / llama.gpu.covered]).toEqual([0.5, 0.5]);
    // A factor of all that the CPU reads: what cores and kinds of memory reach of it stays.
    expect([cpu.memory, cpu.core, cpu.sockets]).toEqual([llama.cpu.memory, llama.cpu.core, llama.cpu.sockets]);
  });
});

describe('a learned machine', () => {
  it('has the constants that its timings make likely, and a nudge of one knob', () => {
    const slow = learned(row({ residual: 0.5 }));
    const { cpu, layer } = learnedRuntime(llama, slow);
    expect(layer).toBeGreaterThan(llama.layer);
    expect(cpu.bandwidth).toBeLessThan(llama.cpu.bandwidth);
    const moved = nudged(slow);
    expect(moved).toHaveLength(KNOBS.length);
    const launches = KNOBS.findIndex(({ name }) => name === 'launches');
    expect(learnedRuntime(llama, moved[launches]!).layer).toBeCloseTo(layer * Math.exp(0.1), 6);
    expect(learnedRuntime(llama, moved[launches]!).cpu).toEqual(cpu);
  });

  it('has bands of Student, no narrower than what a run of its own is off by', () => {
    const many = learned(...Array.from({ length: 30 }, (_, i) => row({ setting: `${i}` })));
    const width = learnedWidth(many, row({}));
    // Thirty rows as predicted: less sure than Gauss has it never, by 2 / 32.
    expect(width).toBeGreaterThan(Math.exp(FOUR_OF_FIVE * 0.09 * Math.sqrt(2 / 32)) - 1);
    expect(width).toBeLessThan(learnedWidth(learned(row({ setting: '0' })), row({})));
    expect(learnedWidth(learned(row({ residual: 1 })), row({}))).toBeGreaterThan(learnedWidth(learned(row({ residual: 0.1 })), row({})));
  });

  it('has shares of time by how speeds go with knobs, between none and all', () => {
    expect(timeShares(50, [50, 50 * Math.exp(-0.05), 50 * Math.exp(-0.2), 51])).toEqual([0, expect.closeTo(0.5, 12), 1, 0]);
  });
});

describe('words', () => {
  it('are of knobs that moved by 5 % and more, those that moved most first', () => {
    const taught = row({ residual: 0.3, shares: at({ reading: 1, 'cpu.memory': 0.6, launches: 0.3 }) });
    const text = learnedText(machine, llama, learned(taught));
    const { cpu, layer } = learnedRuntime(llama, learned(taught));
    const share = cpu.bandwidth * llama.cpu.memory['amd-ddr5']!;
    expect(text).toBe(
      `Learned from 1 timing of this machine: a layer takes ${Math.round(layer / 1e3)} us, usual ${Math.round(llama.layer / 1e3)}; all that decoding waits for: ${(1.1111).toFixed(2)} times as long; your memory gives ${(96 * share).toPrecision(2)} GB/s, ${Math.round(100 * share)} % of its sheet.`.replace(
        '1.11',
        /waits for: ([\d.]+)/.exec(text)![1]!,
      ),
    );
    expect(learnedText(machine, llama, learned(row({}), row({})))).toBe(
      'Learned from 2 timings of this machine: it is as others of its parts, to within 5 %.',
    );
  });

  it('say of what no timing is, and of a timing that is far off', () => {
    expect(learnedText(machine, llama, learned(row({ runtime: 'vllm' })))).toMatch(/ None is of llama\.cpp: it counts less here\.$/);
    expect(learnedText(machine, llama, learned(row({ model: 'n' })))).toMatch(/ None is of m: it counts less here\.$/);
    expect(learnedText(machine, llama, learned(row({ residual: 1 })))).toMatch(
      / One is 2\.7 times as slow as its parts let expect: does its placement fit \(moeprof check\)\?$/,
    );
  });
});
