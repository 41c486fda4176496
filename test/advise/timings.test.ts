// The two timings that leave the least band, as lines of the program that times a runtime.
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { expectedWidth, type Figure, KNOBS } from '../../src/hardware/door.js';

const timingsOf = async (model: string, machine: string, wishes: Parameters<typeof adviceFor>[2] = {}) =>
  (await adviceFor(model, machine, wishes)).timings;

describe('timings of a machine', { timeout: 60_000 }, () => {
  it('are one placement at two depths where a second one narrows little', async () => {
    const timings = (await timingsOf('qwen3-30b-a3b', 'rtx-3060+ryzen-5-5600+32GB', { quantizations: ['q4_k_m'], slots: 0 }))!;
    expect(timings.lines.join(' ')).toMatch(/^llama-bench -hf \S+ -ngl 99 .*-ncmoe \d+ .*-d 0,8192 .*-o jsonl .*> bench.jsonl$/s);
    expect([timings.count, timings.file]).toEqual([2, 'bench.jsonl']);
    expect(timings.width).toBeLessThan(0.2);
  });

  it('take fewer tokens on a slow machine', async () => {
    const timings = (await timingsOf('qwen3-235b-a22b', 'rtx-3060+ryzen-5-5600+192GB', { quantizations: ['q4_k_m'] }))!;
    const depth = Number(/-d (?:0,)?(\d+)/.exec(timings.lines.join(' '))![1]);
    expect(depth).toBeLessThan(8192);
    expect(Math.log2(depth) % 1).toBe(0);
  });

  it.each([
    ['ik_llama.cpp', 'rtx-3060+ryzen-5-5600+32GB', /^llama-sweep-bench .*-ncmoe \d+ .*-c \d+ .*> bench\.log 2>&1$/s, 'q4_k_m'],
    ['vllm', '2xrtx-4090+128GB', /^vllm bench serve --model \S+ .*--random-input-len 128 .*> bench\.log.*8192 .*>> bench\.log$/s, 'fp8'],
    ['sglang', '2xrtx-4090+128GB', /^python -m sglang\.bench_serving .*--random-input-len 8192 .*>> bench\.log$/s, 'fp8'],
  ])('of %s are lines of its own program', async (runtime, machine, lines, format) => {
    const timings = await timingsOf('qwen3-30b-a3b', machine, { runtime, quantizations: [format] });
    expect(timings!.lines.join(' ')).toMatch(lines);
  });

  it('are none for a runtime without such a program', async () => {
    const advice = await adviceFor('qwen3-30b-a3b', 'rtx-4090+64GB', { runtime: 'exllamav3' });
    expect(advice.timings).toBeNull();
    expect(advice.notes.join()).toContain('--timing "eval 24.3 tok/s"');
  });

  it('narrow a figure that shares their parts, and not one of other parts', () => {
    const figure = (shares: Readonly<Record<string, number>>, setting: string): Figure => ({
      kind: 'decode',
      runtime: 'llama.cpp',
      model: 'm',
      strategy: null,
      shares: KNOBS.map(({ name }) => shares[name] ?? 0),
      setting,
    });
    const target = figure({ 'cpu.memory': 0.8, reading: 1 }, 'a');
    const alone = expectedWidth([], target);
    const near = expectedWidth([figure({ 'cpu.memory': 0.7, reading: 1 }, 'b')], target);
    const far = expectedWidth([figure({ kv: 0.9, reading: 1 }, 'c')], target);
    expect(near).toBeLessThan(far);
    expect(far).toBeLessThan(alone);
    // One knob and one timing by hand: prior .4 on all of the time, the settings' own .09 each, .02 for repeating.
    const [point, other] = [figure({ 'cpu.memory': 1 }, 'd'), figure({ 'cpu.memory': 1 }, 'e')];
    const variance = 0.4 ** 2 + 0.09 ** 2 + 0.02 ** 2 - 0.4 ** 4 / (0.4 ** 2 + 0.09 ** 2 + 0.02 ** 2);
    expect(expectedWidth([point], other)).toBeCloseTo(Math.exp(1.533 * Math.sqrt(0.5) * Math.sqrt(variance)) - 1, 10);
  });
});
