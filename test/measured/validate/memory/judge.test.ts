// Rows of memory beside allocations: what is compared with what, what is not scored and why, and the errors of all that ship.

import { describe, expect, it } from 'vitest';
import { findProfile } from '../../../../src/base/profiles.js';
import { judgeMemory, memorySummary } from '../../../../src/measured/validate/memory/judge.js';
import { planOfRow, weightsOfRow } from '../../../../src/measured/validate/memory/load.js';
import { parseRows, readRows } from '../../../../src/measured/validate/rows/measurement.js';
import { ikLlamaCppRuntime } from '../../../../src/runtime/ik_llama.cpp/index.js';
import { memoryRow } from './rows.js';

const reasons = (over: Readonly<Record<string, unknown>>): Record<string, string | null> =>
  Object.fromEntries(judgeMemory(memoryRow(over)).map(({ device, kind, reason }) => [`${device} ${kind}`, reason]));

describe('a row', () => {
  it('has a figure for each device and kind, host memory added up', () => {
    const figures = judgeMemory(memoryRow()).map(({ device, error, kind, measured, scored }) => [device, kind, measured, scored, error]);
    expect(figures.map(([device, kind, measured, scored]) => [device, kind, measured, scored])).toEqual([
      ['GPU 0', 'weights', 41723.89, true],
      ['GPU 0', 'kv', 3196, true],
      ['GPU 0', 'compute', 1024, true],
      ['host', 'weights', 196631.84, true],
      ['host', 'compute', 72.01, true],
    ]);
    for (const error of figures.map((one) => one[4] as number)) expect(Math.abs(error)).toBeLessThan(0.02);
  });

  it('says what is missing, in file and line', () => {
    const line = (row: unknown) => () => parseRows(JSON.stringify(row), 'rows.jsonl');
    expect(line({ id: 'a', engine: 'llama.cpp', class: 'gpu', model: 'm', devices: [] })).toThrow('rows.jsonl:1: devices:');
    expect(line({ id: 'a', engine: 'llama.cpp', class: 'gpu', model: 'm', devices: [{ name: 'CUDA0', model_mib: -1 }] })).toThrow(
      'rows.jsonl:1: devices.0.model_mib: must be at least 0, not -1',
    );
    expect(line({ id: 'a', engine: 'llama.cpp', class: 'gpu', model: 'm', devices: [{ name: 'CUDA0' }], offloadd: '1/2' })).toThrow(
      'unknown key "offloadd"; did you mean "offloaded"?',
    );
  });

  it('becomes the load of its command line', () => {
    const flags = 'llama-server -rtr -fmoe -amb 512 -ts 3,1 -nkvo -np 2';
    const row = memoryRow({
      engine: 'ik_llama.cpp',
      flags,
      ot: ['a=CUDA1,b=CPU', 'c=CUDA_Host'],
      n_cpu_moe: 7,
      kv_type: 'q8_0/q4_0',
      mla: 3,
    });
    expect(planOfRow(row, weightsOfRow(row).model)).toMatchObject({
      rules: ikLlamaCppRuntime.memory!.rulesOf({}),
      gpus: 1,
      gpuLayers: 95,
      tensorSplit: [3, 1],
      overrides: [
        { pattern: 'a', device: 'gpu1' },
        { pattern: 'b', device: 'cpu' },
        { pattern: 'c', device: 'cpu' },
      ],
      cpuMoeLayers: 7,
      parallel: 2,
      kv: { k: 'q8_0', v: 'q4_0' },
      attnMaxBatch: 512 * 2 ** 20,
      ...{ mla: 3, fusedMoe: true, repack: true, kvOnCpu: true },
    });
  });

  it('has the formats of its label, moved to its size', () => {
    const bits = (over: Readonly<Record<string, unknown>>): number => {
      const { anatomy, parameters } = weightsOfRow(memoryRow(over)).model;
      return (8 * anatomy!.tensors.reduce((sum, { bytes }) => sum + bytes, 0)) / parameters.total;
    };
    expect(bits({})).toBeCloseTo(8.5, 1);
    expect(bits({ quant: 'IQ3_K - 3.4325 bpw', file_gib: 106.83 })).toBeCloseTo((106.83 * 2 ** 33) / 235.09e9, 2);
    // A file of DeepSeek that has 1.02 B parameters more holds the latent's matrix twice.
    const deepseek = (total: string): number =>
      weightsOfRow(memoryRow({ model: 'deepseek-v3', total_params: total, file_gib: undefined })).model.anatomy!.tensors.filter(
        ({ name }) => /attn_[kv]_b\./.test(name),
      ).length;
    expect([deepseek('671.026 B'), deepseek('672.050 B')]).toEqual([0, 122]);
  });
});

describe('a row that says less', () => {
  it('has what its command line says where nothing else does', () => {
    const flags = `llama-server -m MODEL -ngl 99 --tensor-split "3,1" -ot "blk\\.[0-9]\\.ffn=CUDA0" --override-tensor='exps=CPU' -ncmoe 7`;
    const row = memoryRow({ flags, ngl: undefined, offloaded: undefined, ot: undefined });
    expect(planOfRow(row, weightsOfRow(row).model)).toMatchObject({
      gpuLayers: 99,
      tensorSplit: [3, 1],
      cpuMoeLayers: 7,
      overrides: [
        { pattern: 'blk\\.[0-9]\\.ffn', device: 'gpu0' },
        { pattern: 'exps', device: 'cpu' },
      ],
    });
    // Experts of which the command line says that they are in host memory are not counted on the cards: 0.94 GiB each beside them.
    const two = {
      ...row,
      devices: [
        { name: 'CUDA0', model_mib: 3000 },
        { name: 'CUDA1', model_mib: 3000 },
      ],
    };
    const cards = judgeMemory(two).filter(({ device, kind }) => device!.startsWith('GPU') && kind === 'weights');
    for (const { predicted } of cards) expect(predicted).toBeLessThan(30_000);
  });
});

describe('what is not scored', () => {
  it('has a reason in the row itself', () => {
    expect(reasons({ engine: 'vllm' })['GPU 0 kv']).toBe('allocation of vllm is not modelled');
    expect(reasons({ flags: undefined })['GPU 0 weights']).toBe('no command line: nothing says where tensors lie');
    expect(reasons({ flags: 'llama-server -sm row -ngl 99' })['GPU 0 kv']).toBe('tensors are split over GPUs');
    expect(reasons({ flags: 'x -amb 512', attn_max_batch: 0 })['GPU 0 kv']).toBe('command line and printed settings contradict each other');
    expect(reasons({ model: 'no-such-model' })['host weights']).toBe('model no-such-model: has no profile');
    expect(reasons({ ctx: undefined })).toMatchObject({ 'GPU 0 kv': 'its context is not printed', 'GPU 0 weights': null });
    expect(reasons({ quant: undefined })).toMatchObject({
      'GPU 0 weights': 'nothing says how its weights are stored',
      'GPU 0 kv': null,
      'GPU 0 compute': 'it depends on the format of experts, which nothing says',
    });
    expect(reasons({ file_gib: 120 })['GPU 0 weights']).toBe('the label does not describe the file: its size is another');
    expect(reasons({ flags: 'llama-server -ngl 99' })).toMatchObject({
      'host weights': 'host buffers of a mapped file are spans of it, with tensors of GPUs',
      'GPU 0 weights': null,
    });
    expect(reasons({ flags: 'llama-server -m MODEL', ngl: undefined, offloaded: undefined, ot: [] })).toMatchObject({
      'GPU 0 weights': 'the program chose the placement by itself',
      'GPU 0 kv': null,
    });
  });

  it('is known by the names of buffers and by the engine', () => {
    const devices = [
      { name: 'CUDA0', model_mib: 41723.89, kv_mib: 3196, compute_mib: 1024 },
      { name: 'CPU', model_mib: 196631.84, kv_mib: 0, compute_mib: 8.25 },
      { name: 'CUDA_Host', model_mib: 0, kv_mib: 0, compute_mib: 72.01 },
    ];
    expect(reasons({ devices })).toMatchObject({ 'host compute': 'built with BLAS, which has a buffer of its own', 'GPU 0 compute': null });
    const deepseek = {
      engine: 'ik_llama.cpp',
      model: 'deepseek-v3',
      mla: 2,
      flags: 'x -mla 2 --no-mmap',
      quant: 'Q8_0',
      file_gib: undefined,
    };
    const at = (thread: string) => reasons({ ...deepseek, source: `https://github.com/ikawrakow/ik_llama.cpp/${thread}` })['GPU 0 compute'];
    expect(at('pull/239')).toBe('an engine of before March 2025, which kept more');
    expect([at('pull/262'), at('discussions/258')]).toEqual([null, null]);
    expect(reasons({ ...deepseek, flags: 'x' })['GPU 0 kv']).toBe(
      'no -mla: what the engine takes then depends on its version and on the file',
    );
  });

  it('is what several GPUs share by their free memory: all of them are told together', () => {
    const devices = [
      { name: 'CUDA0', model_mib: 20000, kv_mib: 1598, compute_mib: 1024 },
      { name: 'CUDA1', model_mib: 21723.89, kv_mib: 1598, compute_mib: 304.75 },
      { name: 'CPU', model_mib: 196631.84, kv_mib: 0, compute_mib: 72.01 },
    ];
    const named = (flags: string): string[] => judgeMemory(memoryRow({ devices, flags })).map(({ device, kind }) => `${device} ${kind}`);
    expect(named('x --no-mmap')).toEqual(['GPU 0 compute', 'GPU 1 compute', 'GPUs weights', 'GPUs kv', 'host weights', 'host compute']);
    expect(named('x --no-mmap -ts 1,1')).toContain('GPU 1 kv');
  });
});

describe('errors', () => {
  it('are summed up by side and kind', () => {
    const summary = memorySummary(judgeMemory(memoryRow()))!;
    expect(summary.n).toBe(5);
    expect(summary.byKind.map(({ device, kind, n }) => [device, kind, n])).toEqual([
      ['GPU', 'weights', 1],
      ['host', 'weights', 1],
      ['GPU', 'kv', 1],
      ['GPU', 'compute', 1],
      ['host', 'compute', 1],
    ]);
    expect(memorySummary(judgeMemory(memoryRow({ engine: 'vllm' })))).toBeNull();
  });

  it('of the rows that ship: half exact, nine of ten within 2 %, the largest 12 %', () => {
    const { memory } = readRows(findProfile('measurements', 'memory'));
    expect(memory.length).toBe(68);
    const { byKind, largest, median, n, p90 } = memorySummary(memory.flatMap(judgeMemory))!;
    expect(n).toBeGreaterThan(200);
    expect(median).toBeLessThan(0.001);
    expect(p90).toBeLessThan(0.02);
    expect(Math.abs(largest.error)).toBeLessThan(0.12);
    for (const one of byKind) expect(one.median).toBeLessThan(0.001);
  });
});
