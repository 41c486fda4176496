// A timing in words: what is read of it, and what is refused, with what was read up to there.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Timing } from '../../src/runtime/logs/timing.js';
import { timingsIn } from '../../src/runtime/timings.js';
import { readTimingText, timingText } from '../../src/runtime/written-timing.js';

const read = (text: string) => readTimingText(text, '--timing');

describe('a timing in words', () => {
  it.each<[string, object]>([
    ['eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26', { decode: 24.3, prefill: 410, cpuMoe: 26, engine: 'llama.cpp' }],
    ['tg128 24.3 t/s, pp512 410 t/s', { decode: 24.3, generatedTokens: 128, prefill: 410, promptTokens: 512 }],
    ['decode 9', { decode: 9 }],
    ['Prefill: 1200.5 tokens per second, depth 4096, q4_k_m', { prefill: 1200.5, depth: 4096, quantization: 'q4_k_m' }],
    [
      'eval 5 tps, ik_llama.cpp, -m x.gguf -ot exps=CPU,up=CPU -t 16',
      { engine: 'ik_llama.cpp', model: 'x.gguf', overrides: ['exps=CPU', 'up=CPU'], threads: 16 },
    ],
    ['eval 5 tps, ollama', { decode: 5, engine: 'ollama' }],
  ])('%s', (text, fields) => {
    expect(read(text)).toMatchObject({ place: '--timing', ...fields });
  });

  it.each([
    ['eval 0 tok/s', 'nothing of it was read; not understood is "eval 0 tok/s"'],
    ['eval 1e9 tok/s', 'nothing of it was read'],
    ['eval 10000001 tok/s', 'nothing of it was read'],
    ['eval 1.2.3 tok/s', 'nothing of it was read'],
    ['eval -3 tok/s', 'nothing of it was read'],
    ['eval 24.3 tok/s, foo 3', 'it was read up to "eval 24.3 tok/s"; not understood is "foo 3"'],
    ['eval 24.3 tok/s,, -ncmoe 3', 'not understood is nothing between two commas'],
    ['eval 24.3 tok/s, depth 999999999', 'not understood is "depth 999999999"'],
    ['eval 24.3 tok/s, -zzz 3', 'not understood is "-zzz 3"'],
    ['-ncmoe 26', 'gives no speed'],
    ['', 'nothing of it was read'],
    [`eval 3 tok/s, ${'x'.repeat(3000)}`, 'has 3014 characters; give at most 2000'],
    ['boo \x1b[31m tok/s', 'boo \\u{1b}[31m tok/s'],
  ])('%j is refused', (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(/^--timing: [^\n\x1b]*$/);
  });

  it('comes back as it was written', () => {
    const timing: Timing = {
      place: '--timing',
      engine: 'ik_llama.cpp',
      decode: 24.3,
      generatedTokens: 128,
      prefill: 410,
      promptTokens: 512,
      depth: 2048,
      model: 'a model.gguf',
      quantization: 'q4_k_m',
      gpuLayers: 99,
      cpuMoe: 26,
      overrides: ['exps=CPU'],
      threads: 8,
      ubatch: 2048,
      kv: 'q8_0',
      flashAttention: true,
      mmap: false,
      noOpOffload: true,
      numa: 'distribute',
      users: 2,
    };
    const { command, ...again } = readTimingText(timingText(timing), '--timing');
    expect(again).toEqual(timing);
    expect(command).toMatch(/^-m "a model.gguf" -ngl 99 /);
    expect(timingText({ place: 'x', engine: 'llama.cpp', decode: 3, allCpuMoe: true })).toBe('eval 3 tok/s, llama.cpp, -cmoe');
  });
});

describe('a timing or a log', () => {
  const log = join(tmpdir(), 'timing-or-log.md');
  writeFileSync(log, '| model | n_cpu_moe | test | t/s |\n| --- | --- | --- | --- |\n| gpt-oss 20B MXFP4 MoE | 8 | tg128 | 41.5 ± 0.2 |\n');

  it('is told apart by its words', () => {
    expect(timingsIn(log, '--timing')).toMatchObject([{ decode: 41.5, cpuMoe: 8, engine: 'llama.cpp' }]);
    expect(timingsIn('eval 3 tok/s', '--timing')).toMatchObject([{ decode: 3 }]);
    expect(timingsIn('3 tok/s of eval', '--timing')).toMatchObject([{ decode: 3 }]);
    expect(() => timingsIn('no-such.log', '--timing')).toThrow(/^--timing: no-such.log: /);
  });

  it('of a log with a speed of 0 names the line', () => {
    writeFileSync(log, '| model | ngl | test | t/s |\n| --- | --- | --- | --- |\n| gpt-oss 20B MXFP4 MoE | 99 | tg128 | 0.00 ± 0.00 |\n');
    expect(() => timingsIn(log, '--timing')).toThrow(/timing-or-log.md:3: t\/s: "0.00" is no speed/);
  });
});
