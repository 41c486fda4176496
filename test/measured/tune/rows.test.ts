// Points as timings: what a file keeps of them is read back as the same setting; and each way that a run can end.
import { describe, expect, it } from 'vitest';
import type { TuneBasis } from '../../../src/advise/door.js';
import { benchSpeeds, endOf, keptEnds, lastSpeeds, pointTiming, settingText, withEntry } from '../../../src/measured/tune/rows.js';
import { timingsOfFile, timingText } from '../../../src/runtime/timings.js';

const basis = { runtime: 'llama.cpp', model: 'olmoe-1b-7b', quantization: 'q4_k_m' } as TuneBasis;
const TESTS = { promptTokens: 2048, generatedTokens: 64, depth: 0 };
const LINES = [
  ['-ngl', '99', '-ncmoe', '8', '-ub', '4096', '-b', '4096', '-fa', 'on', '-t', '6'],
  ['-ngl', '99', '-ncmoe', '8', '-ub', '4096', '-b', '4096', '-fa', 'on', '-t', '6', '-lm', 'none'],
  ['-ngl', '99', '-ot', 'blk\\.7\\.ffn_(gate|up)_exps=CPU', '-ncmoe', '7', '-ub', '512', '-fa', 'on', '-t', '3'],
  ['-ub', '512', '-fa', 'off', '-t', '2', '-m', 'a file.gguf'],
];
const timings = LINES.map((line) => pointTiming(basis, line, TESTS));
const FILE = { name: 'box', parts: ['rtx-3060'] };

describe('a point as a timing', () => {
  it('is read back from a file as it was kept, and as no other', () => {
    expect(new Set(timings.map(settingText)).size).toBe(LINES.length);
    const kept = timings.map((timing, i) => timingText({ ...timing, decode: 10 + i, prefill: 100 + i }));
    const { ends, others } = keptEnds(timings, FILE, timingsOfFile([...kept, 'eval 3 tok/s, -ncmoe 3'], 'box'));
    expect([...ends]).toEqual(LINES.map((_, i) => [i, { decode: 10 + i, prefill: 100 + i }]));
    expect(others.map(({ decode }) => decode)).toEqual([3]);
  });

  it('is kept with the reason where it did not run', () => {
    const failed = [
      `${settingText(timings[1]!)}: out of memory (main: error)`,
      `${settingText(timings[2]!)}: ended with 1`,
      'llama.cpp: x',
    ];
    const { ends } = keptEnds(timings, { ...FILE, failed }, []);
    expect([...ends]).toEqual([
      [1, { failed: 'out of memory (main: error)', lacksMemory: true }],
      [2, { failed: 'ended with 1', lacksMemory: false }],
    ]);
  });
});

describe('the file of a machine', () => {
  it('keeps its comments, and the latest entries', () => {
    const text = '# mine\nname: box # here\nparts: [rtx-3060]\n';
    const once = withEntry(text, 'timings', 'eval 3 tok/s, -ncmoe 3');
    expect(once).toBe('# mine\nname: box # here\nparts: [ rtx-3060 ]\ntimings:\n  - eval 3 tok/s, -ncmoe 3\n');
    expect(withEntry(once, 'timings', 'eval 3 tok/s, -ncmoe 3')).toBe(once);
    let many = once;
    for (let i = 0; i < 64; i++) many = withEntry(many, 'timings', `eval ${i + 4} tok/s, -ncmoe 3`);
    expect(many.match(/eval/g)).toHaveLength(64);
    expect(many).not.toContain('eval 3 tok/s');
  });
});

describe('the end of a run', () => {
  const row = (n_prompt: number, n_gen: number, avg_ts: number) =>
    JSON.stringify({ n_prompt, n_gen, n_depth: 0, avg_ts, stddev_ts: avg_ts / 50 });
  const both = `${row(512, 0, 400)}\n${row(0, 64, 20)}\n`;
  const whole = { stdout: both, stderr: '', code: 0, signal: null, late: false };

  it('has both speeds', () => {
    expect(endOf(whole, '10min', benchSpeeds)).toEqual({ decode: 20, prefill: 400 });
  });

  it.each([
    ['a kill by the system', { stdout: '', code: null, signal: 'SIGKILL' }, 'out of memory', true],
    [
      'CUDA',
      { stdout: '', code: 1, stderr: 'cudaMalloc failed: out of memory\n' },
      'out of memory (cudaMalloc failed: out of memory)',
      true,
    ],
    ['Vulkan', { stdout: '', code: 1, stderr: 'vk: ErrorOutOfDeviceMemory\n' }, 'out of memory (vk: ErrorOutOfDeviceMemory)', true],
    ['a crash', { stdout: '', code: null, signal: 'SIGSEGV' }, 'ended with SIGSEGV', false],
    [
      'an exit',
      { stdout: '', code: 3, stderr: 'error: invalid argument: \u001b[31m-lm\n' },
      'ended with 3 (error: invalid argument: \\u{1b}[31m-lm)',
      false,
    ],
    ['a hang', { stdout: both, code: null, signal: 'SIGKILL', late: true }, 'ended after 10min', false],
    ['silence', { stdout: '' }, 'printed no speed', false],
    ['damage', { stdout: both.slice(0, 60) }, 'printed no speed', false],
    ['one phase', { stdout: `${row(0, 64, 20)}\n` }, 'printed other tests than one of each phase', false],
    ['several tests', { stdout: both + both }, 'printed other tests than one of each phase', false],
  ])('%s is a failure in one line', (_, end, failed, lacksMemory) => {
    expect(endOf({ ...whole, ...end }, '10min', benchSpeeds)).toEqual({ failed, lacksMemory });
  });

  it('of a server is its last request, and of two without a prompt none', () => {
    const request = (ms: number) => `prompt eval time = 500.00 ms / 100 tokens (5.00 ms per token, 200.00 tokens per second)
       eval time = ${ms}.00 ms / 100 tokens (${ms / 100} ms per token, ${100_000 / ms} tokens per second)
`;
    const end = { ...whole, stdout: '', stderr: request(4000) + request(2000) };
    expect(endOf(end, '10min', lastSpeeds)).toEqual({ decode: 50, prefill: 200 });
    const alone = request(4000).split('\n').slice(1).join('\n');
    expect(endOf({ ...end, stderr: alone }, '10min', lastSpeeds)).toMatchObject({
      failed: 'printed no request with a prompt and an answer',
    });
  });
});
