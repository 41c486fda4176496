import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { decoderLayers, expertBytesTotal } from '../../../src/model/spec.js';
import { ikLlamaCppRuntime } from '../../../src/runtime/ik_llama.cpp/index.js';
import { cpuExpertLayers, loadedMemory, splitPattern } from '../../../src/runtime/kind/loaded.js';
import { servedMemory } from '../../../src/runtime/kind/served.js';
import { llamaCppRuntime } from '../../../src/runtime/llama.cpp/index.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { freeOf, usedOf } from '../../../src/runtime/setting/fits.js';
import { ALL_ON_GPU } from '../../../src/runtime/setting/setting.js';
import { plainSetting } from '../setting/plain.js';

const GIB = 2 ** 30;
const SETTING = plainSetting();
const model = loadModel('gpt-oss-20b');
const one = loadHardware('rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB');
const two = loadHardware('2xrtx-3090+ryzen-9-5950x+2xddr4-3600+64GB');
/** One of 24 layers, all alike. */
const layer = expertBytesTotal(model) / 24;

describe('what llama.cpp loads', () => {
  it('has 1 GiB of the card left free, and 4 GiB of the host', () => {
    const { devices, split } = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, SETTING, one);
    expect(devices.map(({ has, name }) => [name, has / GIB])).toEqual([
      ['GPU', 23],
      ['host', 60],
    ]);
    expect(split).toBeNull();
  });

  it('lies with its layers: the experts of three layers are in host memory', () => {
    const [allGpu, allHost] = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, SETTING, one).devices;
    const [gpu, host] = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, { ...SETTING, cpuMoe: 3 }, one).devices;
    expect(Math.abs(allGpu!.weights - gpu!.weights - 3 * layer)).toBeLessThan(1e3);
    expect(Math.abs(host!.weights - allHost!.weights - 3 * layer)).toBeLessThan(1e3);
    expect(gpu!.kv).toBe(allGpu!.kv);
  });

  it('keeps a projection of the next layer there, a third of a layer', () => {
    const [gpu, host] = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, { ...SETTING, cpuMoe: 3 }, one).devices;
    for (const [cpuProjections, thirds] of [
      ['down', 1],
      ['gate+up', 2],
    ] as const) {
      const split = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, { ...SETTING, cpuMoe: 3, cpuProjections }, one).devices;
      expect(Math.abs(gpu!.weights - split[0]!.weights - (thirds * layer) / 3)).toBeLessThan(1e3);
      expect(Math.abs(split[1]!.weights - host!.weights - (thirds * layer) / 3)).toBeLessThan(1e3);
    }
  });

  it('has half of its layers with the whole context, half with a window of 128: 24 MiB of KV a 1,024 tokens', () => {
    // 12 layers x 8,192 cells x 8 heads x 2 x 64 values x 2 bytes, and 12 layers x (128 + 512 in steps of 256) cells.
    const kv = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, SETTING, one).devices[0]!.kv;
    expect(kv).toBe(12 * (8192 + 768) * 8 * 2 * 64 * 2);
  });

  it('is all in host memory without a layer on the GPU', () => {
    const { devices } = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, { ...SETTING, gpuLayers: 0 }, one);
    expect(devices.map(({ kv, name, weights }) => [name, weights > 0, kv > 0])).toEqual([
      ['GPU', false, false],
      ['host', true, true],
    ]);
  });

  it('is one sum where there is one memory', () => {
    const { devices } = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, SETTING, loadHardware('m4-max'));
    expect(devices.map(({ name }) => name)).toEqual(['memory']);
  });
});

describe('drafting', () => {
  const air = loadModel('glm-4.5-air');
  const four = loadHardware('4xrtx-3090+ryzen-9-5950x+2xddr4-3600+64GB');
  const GLM = { ...SETTING, ubatch: 512 };

  it('takes one layer more, its KV cache and a buffer, on the GPU with the last layer', () => {
    const without = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), air, GLM, four).devices;
    const drafting = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), air, { ...GLM, draft: 1 }, four).devices;
    expect(drafting.slice(0, 3)).toEqual(without.slice(0, 3));
    const [before, after] = [without[3]!, drafting[3]!];
    const last = air.anatomy!.tensors.filter(({ layer: own }) => own === 45).reduce((sum, { bytes }) => sum + bytes, 0);
    // Two hidden widths of 4,096 in, one out, at 4.5 to 6.6 bits a weight.
    const joins = (after.weights - before.weights - last) / (2 * 4096 ** 2);
    expect(8 * joins).toBeGreaterThan(4.5);
    expect(8 * joins).toBeLessThan(6.6);
    // 8 heads of 128 keys and values, 2 bytes each.
    expect(after.kv - before.kv).toBe(8192 * 8 * 2 * 128 * 2);
    expect(after.compute).toBeGreaterThan(before.compute);
  });

  it('keeps its experts in host memory where all are there', () => {
    const all = { ...GLM, cpuMoe: 45 };
    const [before, after] = [all, { ...all, draft: 1 }].map(
      (setting) => loadedMemory(llamaCppRuntime.memory!.rulesOf({}), air, setting, one).devices,
    );
    const experts = expertBytesTotal({ layers: air.layers.slice(-1) });
    expect((after![1]!.weights - before![1]!.weights) / experts).toBeCloseTo(1, 0);
    expect(after![0]!.weights - before![0]!.weights).toBeLessThan(experts / 4);
  });

  it('takes a layer under servers, too', () => {
    const [before, after] = [0, 1].map((draft) => servedMemory(0.1, air, { ...GLM, draft }, four).devices[0]!);
    const last = air.layers.at(-1)!;
    expect(after!.weights - before!.weights).toBe(last.experts * last.expertBytes + air.dense.segments[last.index]!.weightBytes);
    expect(after!.kv - before!.kv).toBe(8192 * 8 * 2 * 128 * 2);
  });
});

describe('flags that count layers', () => {
  it('count those without experts', () => {
    const sparse = loadModel('deepseek-v2-lite');
    expect([0, 1, 26].map((cpuMoe) => cpuExpertLayers(sparse, { cpuMoe }))).toEqual([0, 2, 27]);
    const other = loadModel('llama-4-maverick');
    expect([0, 1, 2, 24].map((cpuMoe) => cpuExpertLayers(other, { cpuMoe }))).toEqual([0, 2, 4, 48]);
    const pattern = splitPattern(other, { ...ALL_ON_GPU, cpuMoe: 1, cpuProjections: 'gate+up' });
    expect(pattern).toBe('blk\\.3\\.ffn_(gate|up)_exps');
    expect(splitPattern(other, { ...ALL_ON_GPU, cpuMoe: 1, cpuProjections: 'down' })).toBe('blk\\.3\\.ffn_down_exps');
  });
});

describe('blocks of the file', () => {
  const nano = loadModel('nemotron-3-nano-30b-a3b');

  it('count mixers and FFNs of Nemotron-3-Nano one by one: 52, experts at 1, 3, 6, 8, 10, 13 ...', () => {
    const experts = nano.anatomy!.tensors.filter(({ name }) => name.includes('ffn_up_exps')).map(({ name }) => Number(name.split('.')[1]));
    const pattern = `${'MEMEM*E'.repeat(5)}MEMEMEM*EMEMEMEME`;
    expect(experts).toEqual([...pattern].flatMap((letter, block) => (letter === 'E' ? [block] : [])));
    expect([nano.anatomy!.layers.length, decoderLayers(nano)]).toEqual([52, 52]);
    // 15 layers of experts are blocks 1 to 34; the sixteenth is block 36.
    expect(cpuExpertLayers(nano, { cpuMoe: 15 })).toBe(35);
    expect(splitPattern(nano, { ...ALL_ON_GPU, cpuMoe: 15, cpuProjections: 'down' })).toBe('blk\\.36\\.ffn_down_exps');
  });

  it('keep a state in its 23 Mamba-2 blocks, keys and values in 6, and nothing in blocks of experts', () => {
    const { kv } = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), nano, { ...SETTING, users: 3 }, one).devices[0]!;
    expect(kv).toBe(3 * (23 * 2170880 + 6 * 8192 * 2 * 2 * 128 * 2));
  });

  it('that predict further tokens are counted by -ngl and -ts, and the output is the first that a card gets', () => {
    const air = loadModel('glm-4.5-air');
    const two = loadHardware('2xrtx-5090+ryzen-9-5950x+2xddr4-3600+64GB');
    const whole = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), air, SETTING, two);
    // 46 blocks, one for further tokens and the output.
    expect(whole.split!.reduce((sum, count) => sum + count)).toBe(48);
    expect(whole.devices.at(-1)!.weights).toBe(air.anatomy!.tensors.find(({ name }) => name === 'token_embd.weight')!.bytes);
    expect(whole.blocks).toBeUndefined();
    const few = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), air, { ...SETTING, gpuLayers: 2, cpuMoe: 45 }, one);
    expect(few.blocks).toBe(4);
    const onCard = air.anatomy!.tensors.filter(({ layer, name }) => /^output/.test(name) || (layer! >= 44 && !name.includes('_exps')));
    expect(few.devices[0]!.weights).toBe(onCard.reduce((sum, { bytes }) => sum + bytes, 0));
    // ik_llama.cpp: the output comes last.
    expect(loadedMemory(ikLlamaCppRuntime.memory!.rulesOf({}), air, { ...SETTING, gpuLayers: 2 }, one).blocks).toBe(3);
  });
});

describe('layers on two GPUs', () => {
  it('are split so that both hold alike', () => {
    const { devices, split } = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, SETTING, two);
    expect(split!.reduce((sum, count) => sum + count)).toBe(25);
    const [first, second] = devices.map(({ kv, weights }) => kv + weights);
    expect(Math.abs(first! - second!)).toBeLessThan(1.5 * layer);
  });

  it('are more on the first where the experts of the first are in host memory', () => {
    const { devices, split } = loadedMemory(llamaCppRuntime.memory!.rulesOf({}), model, { ...SETTING, cpuMoe: 12 }, two);
    // 12 light layers, then 12 heavy ones and the head: about half of the heavy ones each.
    expect(split![0]).toBeGreaterThanOrEqual(17);
    const [first, second] = devices.map(({ kv, weights }) => kv + weights);
    expect(Math.abs(first! - second!)).toBeLessThan(1.5 * layer);
  });
});

describe('cards that differ', () => {
  it('are filled by their share of room', () => {
    const { devices, split } = loadedMemory(
      llamaCppRuntime.memory!.rulesOf({}),
      model,
      SETTING,
      loadHardware('rtx-3060+rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB'),
    );
    expect(devices.map(({ has }) => has / GIB)).toEqual([11, 23, 60]);
    const [small, large] = devices.map(({ has, kv, weights }) => (kv + weights) / has);
    // A layer is a twentieth of the small card.
    expect(Math.abs(small! - large!)).toBeLessThan(0.06);
    expect(split!.reduce((sum, count) => sum + count)).toBe(25);
  });
});

describe('what a server takes', () => {
  it('is weights, KV cache and a share of the card', () => {
    const [gpu, host] = servedMemory(0.12, model, { ...SETTING, gpuExperts: 8, users: 2 }, one).devices;
    const experts = 8 * 24 * model.layers[0]!.expertBytes;
    expect(gpu).toMatchObject({ name: 'GPU', has: 23.5 * GIB, weights: model.dense.weightBytes + experts, compute: 0.12 * 23.5 * GIB });
    // 24 layers of 8 x 2 x 64 16-bit values a token; windowed ones keep 128.
    expect(gpu!.kv).toBe(2 * 12 * (8192 + 128) * 8 * 2 * 64 * 2);
    expect(host).toMatchObject({ name: 'host', weights: 24 * 24 * model.layers[0]!.expertBytes });
    expect(freeOf(gpu!)).toBe(gpu!.has - usedOf(gpu!));
  });
});
