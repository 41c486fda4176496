// Readers of timings: the figures that stand in each log, by hand; damaged logs are told with their line.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { settingsOfFlags } from '../../src/runtime/llama.cpp/llama-log.js';
import type { Timing } from '../../src/runtime/logs/timing.js';
import { TIMING_FORMATS, timingsOf } from '../../src/runtime/timings.js';

const LOGS = new URL('../fixtures/timings/', import.meta.url);
const textOf = (name: string): string => readFileSync(new URL(name, LOGS), 'utf8');

const bench = {
  engine: 'llama.cpp',
  ubatch: 512,
  threads: 16,
  kv: 'f16',
  flashAttention: true,
  split: 'layer',
  quantization: 'qwen3moe 30B.A3B Q4_K - Medium',
};
const oss = {
  engine: 'llama.cpp',
  ubatch: 2048,
  cpuMoe: 28,
  gpuLayers: 99,
  flashAttention: true,
  parameters: 116.83e9,
  devices: ['NVIDIA GeForce RTX 3090'],
};
const server = {
  engine: 'llama.cpp',
  model: '/models/Qwen3-30B-A3B-Q4_K_M.gguf',
  quantization: 'Q4_K - Medium',
  gpuLayers: 99,
  cpuMoe: 24,
  threads: 8,
  ubatch: 1024,
  context: 32768,
  layers: 48,
  devices: ['NVIDIA GeForce RTX 3060'],
};
const sweep = {
  engine: 'ik_llama.cpp',
  promptTokens: 512,
  generatedTokens: 128,
  kv: 'q8_0',
  threads: 16,
  overrides: ['blk\\.(0|1|2|3)\\.ffn.*=CUDA0', 'exps=CPU'],
};

const perf = { engine: 'exllamav3', model: 'Qwen3-30B-A3B-exl3-4.00bpw', cpuMoe: 20, ubatch: 2048, users: 1 };

const EXPECTED: Readonly<Record<string, readonly (Partial<Timing> & { readonly place: string })[]>> = {
  'ftllm-bench.log': [{ place: 'log:2', engine: 'fastllm', users: 1, promptTokens: 512, decode: 25.4, prefill: 256 }],
  'llama-bench.json': [
    { place: 'log:2', ...bench, prefill: 2560.5, promptTokens: 512, depth: 0, cpuMoe: 0, spread: 12.8 / 2560.5 },
    { place: 'log:43', ...bench, decode: 32, generatedTokens: 128, depth: 4096, cpuMoe: 48, spread: 0.01 },
  ],
  'llama-bench.jsonl': [
    { place: 'log:1', ...bench, prefill: 2560.5 },
    { place: 'log:2', ...bench, decode: 32 },
  ],
  'llama-bench.md': [
    { place: 'log:6', ...oss, prefill: 1113.42, promptTokens: 2048, depth: 0, modelBytes: 59.02 * 2 ** 30 },
    { place: 'log:7', ...oss, decode: 24.1, generatedTokens: 128, depth: 0 },
    { place: 'log:8', ...oss, decode: 21.7, depth: 8192 },
  ],
  'llama-server.log': [
    { place: 'log:24', ...server, prefill: 859.06, promptTokens: 512, decode: 44.14, generatedTokens: 128, depth: 512 },
    { place: 'log:29', ...server, prefill: 859.06, promptTokens: 2048, decode: 42.67, generatedTokens: 256, depth: 2048 },
  ],
  'llama-cli.log': [{ place: 'log:4', engine: 'llama.cpp', prefill: 266.67, promptTokens: 32, decode: 25, generatedTokens: 127 }],
  'sweep-bench.log': [
    { place: 'log:6', ...sweep, depth: 0, prefill: 122.93, decode: 14.59 },
    { place: 'log:7', ...sweep, depth: 512, prefill: 125.18, decode: 14.4 },
    { place: 'log:8', ...sweep, depth: 1024, prefill: 124.57, decode: 14.22 },
  ],
  // 1000 / 20 ms; 1,024 tokens in 100 ms.
  'vllm.log': [
    {
      place: 'log:2',
      engine: 'vllm',
      model: 'Qwen/Qwen3-30B-A3B',
      users: 1,
      decode: 50,
      prefill: 10240,
      promptTokens: 1024,
      generatedTokens: 128,
    },
  ],
  // 4 at a time, 32 ms a token each.
  'sglang.log': [{ place: 'log:2', engine: 'sglang', users: 4, decode: 125, promptTokens: 1024, generatedTokens: 256 }],
  'sglang-one-batch.log': [
    { place: 'log:8', engine: 'sglang', model: 'Qwen/Qwen3-30B-A3B', users: 1, prefill: 4096, decode: 100, promptTokens: 1024 },
  ],
  'ktransformers-chat.log': [
    { place: 'log:8', engine: 'ktransformers', prefill: 40, promptTokens: 20, decode: 13.6, generatedTokens: 300 },
  ],
  'ktransformers-server.log': [{ place: 'log:1', engine: 'ktransformers', prefill: 86.1, decode: 13.7 }],
  // Of several sequences no speed is read, and a line of an older version says nothing of them.
  'exllamav3-perf.log': [
    { place: 'log:8', ...perf, prefill: 410.25, promptTokens: 512 },
    { place: 'log:9', ...perf, prefill: 655.1, promptTokens: 1024 },
    { place: 'log:12', ...perf, decode: 31.5, depth: 0 },
    { place: 'log:13', ...perf, decode: 31.25, depth: 256 },
    { place: 'log:14', ...perf, decode: 30.75, depth: 1024 },
  ],
  'ollama.log': [{ place: 'log:8', engine: 'ollama', prefill: 200, decode: 32, promptTokens: 26, generatedTokens: 160 }],
};

describe('logs', () => {
  it('are all expected', () => {
    expect(readdirSync(fileURLToPath(LOGS)).filter((name) => name !== 'README.md')).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('%s', (name, rows) => {
    const text = textOf(name);
    expect(TIMING_FORMATS.filter((format) => format.recognizes(text))).toHaveLength(1);
    const timings = timingsOf(text, 'log');
    expect(timings).toHaveLength(rows.length);
    expect(timings).toMatchObject(rows as object[]);
    // Lines of Windows, and colours of a terminal, change nothing.
    expect(timingsOf(text.replaceAll('\n', '\r\n'), 'log')).toEqual(timings);
  });

  it('tell buffers by device and kind', () => {
    const [first] = timingsOf(textOf('llama-server.log'), 'log');
    expect(first!.buffers).toContainEqual({ device: 'CUDA0', kind: 'model', bytes: 9123.45 * 2 ** 20 });
    expect(first!.buffers).toContainEqual({ device: 'CUDA_Host', kind: 'compute', bytes: 136.01 * 2 ** 20 });
    expect(first!.buffers).toHaveLength(5);
  });
});

describe('what is damaged', () => {
  it.each([
    ['hello\n', /^log: holds no timings that are known; give what one of these prints: llama-bench/],
    [textOf('llama-bench.jsonl').replace('2560.5', '"fast"'), /^log:1: avg_ts: "fast" is no speed; expected tokens a second/],
    [`${textOf('llama-bench.jsonl')}{"avg_ts": `, /^log:3: is not JSON/],
    [textOf('llama-bench.json').slice(0, 900), /^log: holds no timings|^log:1: is not JSON/],
    [textOf('llama-bench.md').replace('|          pp2048', '|          pp2048x'), /^log:6: test: "pp2048x" is no test/],
    [textOf('llama-bench.md').replace(/tg128 +\| +24.10 ± 0.12 \|/, 'tg128'), /^log:7: has 9 cells in a table of 10 columns/],
    [textOf('sweep-bench.log').replace('14.40', 'nan'), /^log:7: S_TG t\/s: "nan" is no speed/],
    [textOf('ktransformers-chat.log').replace('13.6', '-3'), /^log:8: eval rate: "-3" is no speed/],
    [textOf('llama-bench.md').replace(/^.*(pp2048|tg128 ).*\n/gm, ''), /^log: has no speed of one phase/],
  ])('%# is told with its line', (text, message) => {
    expect(() => timingsOf(text, 'log')).toThrow(message);
  });

  it('long lines are read in no time', () => {
    const long = `eval time = 1.00 ms / 1 tokens (1 ms, 9 tokens per second) ${'blk.1.ffn_up_exps '.repeat(200_000)}`;
    expect(timingsOf(long, 'log')[0]!.decode).toBe(9);
  });
});

describe('how llama-bench loaded the file', () => {
  const row = { avg_ts: 9, n_prompt: 0, n_gen: 128, model_filename: 'qwen3-30b-a3b-q4_k_m.gguf' };
  it.each([
    [{ load_mode: 'auto' }, true],
    [{ load_mode: 'none' }, false],
    [{ load_mode: 'mlock' }, false],
    [{ use_mmap: false }, false],
    [{}, undefined],
  ])('%j', (mode, mmap) => {
    expect(timingsOf(JSON.stringify({ ...row, ...mode }), 'log')[0]!.mmap).toBe(mmap);
  });

  it('is a column of its table', () => {
    const table = '| model | size | params | ngl | lm | test | t/s |\n| --- | --: | --: | --: | --: | --: | --: |\n';
    const rows = ['none', 'mmap+mlock'].map(
      (mode) => `| qwen3moe 30B.A3B Q4_K - Medium | 17.28 GiB | 30.53 B | 99 | ${mode} | tg128 | 30 ± 0.1 |`,
    );
    expect(timingsOf(`${table}${rows.join('\n')}\n`, 'log').map(({ mmap }) => mmap)).toEqual([false, true]);
  });
});

describe('flags', () => {
  it.each([
    ['-m a.gguf -ncmoe 12 -ngl 99', { model: 'a.gguf', cpuMoe: 12, gpuLayers: 99 }],
    ['--model=a.gguf --n-cpu-moe 3 --n-cpu-moe 5', { model: 'a.gguf', cpuMoe: 5 }],
    ['--cpu-moe --no-mmap -fa off --no-op-offload', { allCpuMoe: true, mmap: false, flashAttention: false, noOpOffload: true }],
    ['--load-mode none', { mmap: false }],
    ['-lm mmap+mlock', { mmap: true }],
    ['-lm dio', { mmap: false }],
    ['-ot "a=CPU,b=CUDA0" -ot c=CPU -t 8 --numa distribute', { overrides: ['a=CPU', 'b=CUDA0', 'c=CPU'], threads: 8, numa: 'distribute' }],
    ['', {}],
  ])('%s', (flags, settings) => {
    expect(settingsOfFlags(flags)).toEqual(settings);
  });
});
