// Sentences and tables of people: speeds, model, machine, flags, and the words that were not read.
import { describe, expect, it } from 'vitest';
import type { Timing } from '../../src/runtime/logs/timing.js';
import { timingsIn, timingsOf } from '../../src/runtime/timings.js';

describe('a sentence', () => {
  it.each<[string, Partial<Timing>]>([
    ['gpt-oss-120b, 3090, 11 tok/s', { model: 'gpt-oss-120b', machine: ['rtx-3090'], decode: 11 }],
    ['11 tok/s with gpt-oss 120b on a 3090 and 64 GB', { model: 'gpt-oss-120b', machine: ['rtx-3090', '64GB'], decode: 11 }],
    [
      'two 3090s, a 5950X, 64 GB of DDR4-3200: 15 to 20 t/s, mixtral 8x7b q4_k_m',
      { decode: 17.5, quantization: 'q4_k_m', machine: ['2xrtx-3090', 'ryzen-9-5950x', '64GB', 'ddr4-3200'] },
    ],
    ['prefill 400 tok/s and 22 tok/s on an M2 Max 96GB', { prefill: 400, decode: 22, machine: ['apple-m2-max', '96GB'] }],
    ['RX 7900 XTX 24 GB VRAM, 32 GB: 30 tokens per second -ncmoe 12 -t 8', { cpuMoe: 12, threads: 8, machine: ['rx-7900-xtx', '32GB'] }],
    ['my rtx 4090 with flux capacitor does 30 tps', { uncounted: ['"flux capacitor"'] }],
  ])('%s', (text, timing) => {
    expect(timingsIn(text, 'text')).toMatchObject([timing]);
  });

  it('has one speed a phase', () => {
    expect(() => timingsIn('3090: 11 tok/s, then 12 tok/s', 'text')).toThrow('text: gives two speeds of decode');
  });
});

describe('a table by hand', () => {
  it('has a row a setting, whatever its marks', () => {
    const text =
      'gpt-oss-20b mxfp4 on a 3060\n\n| -ncmoe | PP512 (t/s) | tg128 | flux |\n|--:|---|---|---|\n| 8 | 1,113.4 ± 3 | **26.23** ← best | 3 |\n| 12 | - | 20 |  |\n';
    expect(timingsOf(text, 'log')).toMatchObject([
      {
        place: 'log:5',
        cpuMoe: 8,
        prefill: 1113.4,
        promptTokens: 512,
        decode: 26.23,
        generatedTokens: 128,
        machine: ['rtx-3060'],
        uncounted: ['flux 3'],
      },
      { place: 'log:6', cpuMoe: 12, decode: 20, model: 'gpt-oss-20b', quantization: 'mxfp4' },
    ]);
    expect(() => timingsOf(text.replace('| 20 |  |', '| 20 |'), 'log')).toThrow('log:6: has 3 cells in a table of 4 columns');
  });
});

describe('settings of a command', () => {
  const log = (command: string): Timing =>
    timingsOf(
      `$ ${command}\nprompt eval time = 10.00 ms / 300 tokens (1 ms, 99.00 tokens per second)\neval time = 1.00 ms / 9 tokens (1 ms, 9.00 tokens per second)\n`,
      'log',
    )[0]!;

  it.each<[string, Partial<Timing>]>([
    [
      'llama-server -m a.gguf -ncmoe 3 --port 1 -sm row --moe-cache-mib 4096 -md d.gguf',
      { uncounted: ['-sm row', '--moe-cache-mib 4096', '-md d.gguf'] },
    ],
    ['llama-server -m a.gguf -sm none -mg 1 -ngl 99', { mainGpu: 1, split: 'none' }],
    ['GGML_OP_OFFLOAD_MIN_BATCH=256 llama-server -m a.gguf -ncmoe 3', { offloadFrom: 256 }],
    ['GGML_OP_OFFLOAD_MIN_BATCH=400 llama-server -m a.gguf -ncmoe 3', { offloadFrom: 400, noOpOffload: true }],
    ['GGML_CUDA_ENABLE_UNIFIED_MEMORY=1 llama-server -m a.gguf -ncmoe 3', { uncounted: ['GGML_CUDA_ENABLE_UNIFIED_MEMORY=1'] }],
  ])('%s', (command, timing) => {
    expect(log(command)).toMatchObject(timing);
    expect(log(command).noOpOffload).toBe(timing.noOpOffload);
  });

  it('by which the program places experts are no placement', () => {
    expect(log('llama-server -m a.gguf --fit-target 1024').command).toBeUndefined();
    expect(log('llama-server -m a.gguf --fit off').command).toBeDefined();
  });
});

describe('devices', () => {
  const speed = '\neval time = 1.00 ms / 9 tokens (1 ms, 9.00 tokens per second)\n';
  it.each<[string, Partial<Timing>]>([
    [
      '  Device 0: NVIDIA GeForce RTX 4060 Ti, compute capability 8.9, VMM: yes, VRAM: 16047 MiB',
      { devices: ['NVIDIA GeForce RTX 4060 Ti'], deviceBytes: [16047 * 2 ** 20] },
    ],
    ['  Device 0: NVIDIA A10, x\n  Device 1: NVIDIA A10, x', { devices: ['NVIDIA A10', 'NVIDIA A10'] }],
    [
      'ggml_vulkan: 0 = Intel(R) Iris | uma: 1 | x\nggml_vulkan: 1 = NVIDIA A10 (NVIDIA) | uma: 0 | x',
      { devices: ['NVIDIA A10 (NVIDIA)'] },
    ],
    ['ggml_metal_device_init: GPU name:   Apple M2 Ultra', { devices: ['Apple M2 Ultra'] }],
    [
      'register_device: registered device CUDA0 (NVIDIA A10)\nregister_device: registered device CPU (AMD EPYC 7343 16-Core Processor)',
      { devices: ['NVIDIA A10'], cpu: 'AMD EPYC 7343 16-Core Processor' },
    ],
    ['x using device ROCm0 (AMD Radeon RX 7900 XTX (x)) (0000:01:00.0) - 24000 MiB free', { devices: ['AMD Radeon RX 7900 XTX (x)'] }],
    ['### Hardware\n\nRTX 3080ti, 64 GB', { machine: ['rtx-3080-ti', '64GB'] }],
  ])('%s', (text, timing) => {
    expect(timingsOf(text + speed, 'log')).toMatchObject([timing]);
  });

  it('of one number have one name', () => {
    expect(() => timingsOf(`  Device 0: NVIDIA A10, x\n  Device 0: NVIDIA L4, x${speed}`, 'log')).toThrow(
      'log: device 0 is "NVIDIA A10" and "NVIDIA L4"',
    );
  });
});
