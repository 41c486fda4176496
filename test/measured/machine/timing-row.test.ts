import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseMachine } from '../../../src/hardware/machine.js';
import { machineToProfile } from '../../../src/hardware/machine-profile.js';
import { timedModel } from '../../../src/measured/machine/timing-model.js';
import { isUnplaced, layersOnCpu, measurementOf } from '../../../src/measured/machine/timing-row.js';
import { machineOf } from '../../../src/measured/validate/rows/row-machine.js';
import type { Timing } from '../../../src/runtime/logs/timing.js';
import { writeGguf } from '../../model/gguf-file.js';
import { TINY_OUTER, tinyLayer, tinyMetadata } from '../../model/tiny-gguf.js';
import { temporaryFolder } from '../../support/folder.js';

const NOBODY = { model: null, quantization: null };
const timing = (more: Partial<Timing> = {}): Timing => ({
  place: 'log:1',
  engine: 'llama.cpp',
  decode: 30,
  model: 'Qwen3-30B-A3B-Q4_K_M.gguf',
  ...more,
});

describe('the model of a log', () => {
  it.each([
    [{ model: '/models/Qwen3-30B-A3B-Q4_K_M.gguf' }, 'qwen3-30b-a3b', 'q4_k_m'],
    [{ model: 'C:\\models\\gpt-oss-120b-mxfp4-00001-of-00003.gguf' }, 'gpt-oss-120b', 'mxfp4'],
    [{ model: 'Qwen3-235B-A22B-UD-Q2_K_XL.gguf' }, 'qwen3-235b-a22b', 'ud-q2_k_xl'],
    [{ model: undefined, quantization: 'qwen3moe 30B.A3B Q4_K - Medium' }, 'qwen3-30b-a3b', 'q4_k_m'],
    [{ model: undefined, quantization: 'gpt-oss 20B MXFP4 MoE' }, 'gpt-oss-20b', 'mxfp4'],
    [{ model: 'Mixtral-8x7B-Instruct-v0.1.IQ4_XS.gguf' }, 'mixtral-8x7b', 'iq4_xs'],
  ])('%j', (said, name, quant) => {
    expect(timedModel(timing(said), NOBODY)).toEqual({ name, quant });
  });

  it('bits are bytes over parameters', () => {
    expect(timedModel(timing({ modelBytes: 18.55e9, parameters: 30.53e9 }), NOBODY).bits).toBe(4.861);
  });

  it('is named by the user, or refused with the place', () => {
    expect(timedModel(timing({ model: 'x.gguf' }), { model: 'olmoe-1b-7b', quantization: 'q8_0' })).toEqual({
      name: 'olmoe-1b-7b',
      quant: 'q8_0',
    });
    expect(() => timedModel(timing({ model: 'dir/x-9000.gguf' }), NOBODY)).toThrow(
      'log:1: "x-9000.gguf" is no bundled model; name one with -m',
    );
    expect(() => timedModel(timing(), { model: 'olmoe', quantization: null })).toThrow(/^-m olmoe: is no bundled model: did you mean/);
  });
});

describe('blocks without experts', () => {
  it.each([
    ['nemotron-3-nano-30b-a3b', 35, 15],
    ['llama-4-maverick', 24, 12],
  ])('of %s count in -ncmoe %i: %i layers of experts', (name, cpuMoe, layers) => {
    const row = measurementOf(timing({ cpuMoe }), machine, { model: name, quantization: 'q4_k_m' });
    expect(row.placement).toMatchObject({ kind: 'cpu-layers', cpu_moe_layers: layers });
  });
});

describe('a model in a file', () => {
  it('is read from it', () => {
    const path = join(temporaryFolder(), 'my.gguf');
    writeGguf(path, tinyMetadata(3), [...TINY_OUTER, ...[0, 1, 2].flatMap((layer) => tinyLayer(layer, 'q6_k'))]);
    const row = measurementOf(timing({ model: 'my.gguf', cpuMoe: 2 }), machine, { model: path, quantization: null });
    expect([row.model.name, row.placement]).toMatchObject([path, { kind: 'cpu-layers', cpu_moe_layers: 2, gpu_moe_layers: 1 }]);
    expect(() => measurementOf(timing(), machine, { model: `${path}.gguf`, quantization: null })).toThrow(/my\.gguf\.gguf: /);
  });
});

const machine = parseMachine('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16');
const BLOCKS = Array.from({ length: 30 }, (_, block) => block);
const placed = (more: Partial<Timing>) => measurementOf(timing(more), machine, NOBODY).placement;

// Qwen3-30B-A3B in q4_k_m by its tensors: 17.28 GiB, of which 167 MiB are the embedding table and 16.33 GiB experts, 348 MiB a layer.
const GIB = 2 ** 30;
const buffers = (cuda: number, host: number, device = 'CPU_Mapped') => [
  { device, kind: 'model', bytes: host * GIB },
  { device: 'CUDA0', kind: 'model', bytes: cuda * GIB },
  { device: 'CUDA0', kind: 'KV', bytes: 1.5 * GIB },
];
const logged = (more: Partial<Timing>) => placed({ gpuLayers: 49, layers: 48, modelBytes: 17.28 * GIB, ...more });

describe('experts in host memory', () => {
  it.each<[Partial<Timing>, object]>([
    [{ gpuLayers: 99 }, { kind: 'all-gpu' }],
    [
      { gpuLayers: 99, cpuMoe: 12 },
      { kind: 'cpu-layers', cpu_moe_layers: 12, gpu_moe_layers: 36, where: 'cpu' },
    ],
    [
      { gpuLayers: 99, cpuMoe: 99 },
      { kind: 'cpu-layers', cpu_moe_layers: 48 },
    ],
    [{ allCpuMoe: true }, { cpu_moe_layers: 48 }],
    // 48 layers, of which 30 are on the GPU whole.
    [{ gpuLayers: 30 }, { kind: 'cpu-layers', cpu_moe_layers: 18, whole_layers: true }],
    [{ overrides: ['blk\\.([0-9])\\.ffn.*=CUDA0', 'exps=CPU'] }, { cpu_moe_layers: 38 }],
    [
      { cpuMoe: 5, noOpOffload: true },
      { cpu_moe_layers: 5, prefill_where: 'cpu' },
    ],
  ])('%j', (settings, placement) => {
    expect(placed(settings)).toMatchObject(placement);
  });

  it('are counted as the runtime counts: with the layers that have none, or without', () => {
    const glm = { model: 'GLM-4.5-Air-Q4_K_M.gguf', gpuLayers: 99, cpuMoe: 12 };
    expect(placed(glm)).toMatchObject({ cpu_moe_layers: 11 });
    expect(placed({ ...glm, gpuLayers: undefined, engine: 'exllamav3' })).toMatchObject({ cpu_moe_layers: 12 });
  });

  it.each<[string, Partial<Timing>, object]>([
    // 17.28 - 8.27 - 0.16 = 8.85 GiB are 26 layers of 0.34 GiB.
    ['the devices lack 26 layers', { buffers: buffers(8.27, 9.01) }, { kind: 'cpu-layers', cpu_moe_layers: 26 }],
    ['a mapped buffer spans more than its tensors', { buffers: buffers(8.27, 17.1) }, { cpu_moe_layers: 26 }],
    ['a layer of the file that is not loaded', { modelBytes: 18 * GIB, buffers: buffers(17.12, 0.16) }, { kind: 'all-gpu' }],
    ['the table alone', { buffers: buffers(17.12, 0.16, 'CPU') }, { kind: 'all-gpu' }],
    ['flags come first', { cpuMoe: 20, buffers: buffers(8.27, 9.01) }, { cpu_moe_layers: 20 }],
    ['a command line without a split', { command: 'llama-server', buffers: buffers(8.27, 9.01) }, { kind: 'all-gpu' }],
    ['nothing at all', {}, { kind: 'all-gpu' }],
    ['KTransformers', { engine: 'ktransformers', gpuLayers: undefined }, { kind: 'cpu-layers', cpu_moe_layers: 48 }],
  ])('by printed buffers: %s', (_, settings, placement) => {
    expect(logged(settings)).toMatchObject(placement);
  });

  it('is told by nothing where a log has neither flags nor buffers', () => {
    const unknown = (more: Partial<Timing>) => isUnplaced(timing(more), machine);
    expect([{}, { gpuLayers: 49, layers: 48 }, { engine: 'ollama' }].map(unknown)).toEqual([true, true, true]);
    const told = [{ gpuLayers: 99 }, { gpuLayers: 20, layers: 48 }, { buffers: buffers(8, 9) }, { command: 'x' }, { engine: 'vllm' }];
    expect(told.map(unknown)).toEqual(told.map(() => false));
  });
});

describe('layers and tensors by where they lie', () => {
  it('leading layers without experts do not count', () => {
    // DeepSeek-V2-Lite has 27 layers, the first of which has no experts.
    const of = (cpuMoe: number) => measurementOf(timing({ model: 'deepseek-v2-lite-q4_k_m.gguf', cpuMoe }), machine, NOBODY).placement;
    expect([of(1), of(10), of(27)].map(({ cpu_moe_layers = 0 }) => cpu_moe_layers)).toEqual([0, 9, 26]);
  });

  it('without layers on the GPU the CPU computes everything', () => {
    const row = measurementOf(timing({ gpuLayers: 0 }), machine, NOBODY);
    expect([row.placement.kind, row.machine.gpus]).toEqual(['all-cpu', []]);
  });

  it('a tensor counts a third of its layer', () => {
    expect(layersOnCpu(['ffn_(up|down)_exps=CPU'], BLOCKS, 'x')).toBe(20);
    expect(layersOnCpu(['ffn_up_exps=CUDA0', 'exps=CPU'], BLOCKS, 'x')).toBe(20);
  });

  it.each(['exps', '=CPU', '(=CPU', 'a{9999}=CPU', '(a)\\1=CPU'])('%s is refused', (rule) => {
    expect(() => layersOnCpu([rule], BLOCKS, 'log:7')).toThrow(/^log:7: -ot "/);
  });

  it('repetitions that nest are patterns like others', () => {
    expect(layersOnCpu(['((.|.)+)+!=CPU'], BLOCKS, 'x')).toBe(0);
    expect(layersOnCpu(['((.|.)+)+exps=CPU'], BLOCKS, 'x')).toBe(BLOCKS.length);
  });

  it('the machine is the one that runs see', () => {
    const row = measurementOf(timing({ cpuMoe: 4 }), machine, NOBODY);
    const seen = machineOf(row, 'layers');
    if ('lacks' in seen) throw new Error(seen.lacks);
    const own = machineToProfile(machine);
    expect(seen.gpu).toMatchObject({ peak: own.gpu.peak, memoryBandwidth: own.gpu.memoryBandwidth });
    expect(seen.cpu).toMatchObject({ cores: 16, clock: 4.5, isa: 'avx512-vnni', memoryBandwidth: own.cpu!.memoryBandwidth });
    expect(seen.links[0]!.bandwidth).toBeCloseTo(own.links![0]!.bandwidth as number, -7);
  });
});
