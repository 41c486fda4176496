// What a row says of its run: runtime, system, machine and model, each by hand, and what it lacks.
import { describe, expect, it } from 'vitest';
import { machineOf } from '../../../../src/measured/validate/rows/row-machine.js';
import { modelOfRow } from '../../../../src/measured/validate/rows/row-model.js';
import { figuresOf, formatKin, runtimeOf, systemOf } from '../../../../src/measured/validate/rows/specify.js';
import { loadModel } from '../../../../src/model/load/load.js';
import { measurement } from '../rows.js';

describe('the runtime', () => {
  it.each([
    ['llama.cpp', 'rtx-3090', 'llama.cpp'],
    ['llama.cpp', 'rx-7900-xtx', 'llama.cpp-rocm'],
    ['llama.cpp', 'apple-m3-max', 'llama.cpp-metal'],
    ['ollama', 'rtx-3090', 'llama.cpp'],
    ['ik_llama.cpp', 'rtx-3090', 'ik_llama.cpp'],
    ['sglang+kt', 'rtx-3090', 'sglang-kt'],
    ['freetoken', 'rtx-3090', 'freetoken'],
    ['mixtral-offloading', 't4', 'hf-eager-hqq'],
    ['adapmoe', 'rtx-a6000', 'hf-eager-hqq'],
    ['hybrimoe', 't4', 'hf-eager'],
    ['mlx', 'apple-m3-max', 'mlx'],
    ['ktransformers', 'rtx-3090', 'ktransformers'],
  ])('of %s on %s is %s', (engine, gpu, runtime) => {
    expect(runtimeOf(measurement({ engine, machine: { name: 'box', gpus: [{ name: gpu }] } }))).toBe(runtime);
  });
});

describe('the runtime of a program in the code of another', () => {
  it("is the other's", () => {
    expect(runtimeOf(measurement({ engine: 'adapmoe', framework: 'hybrimoe' }))).toBe('hf-eager');
    expect(() => measurement({ engine: 'adapmoe', framework: 'hybrimo' })).toThrow(
      'framework: unknown engine "hybrimo": did you mean "hybrimoe"?',
    );
  });
});

describe('the format', () => {
  it.each([
    ['q4_k_m', 'k'],
    ['ud-q2_k_xl', 'k'],
    ['iq2_k_r4', 'ik'],
    ['iq2_kt', 'ik'],
    ['iq4_ks_r4', 'ik'],
    ['mix-iq6_k', 'ik'],
    ['iq4_xs', 'i'],
    ['ud-iq3_xxs', 'i'],
    ['q8_0', 'legacy'],
    ['mxfp4', 'fp'],
    ['fp8', 'fp'],
    ['int4-g64', 'int'],
    ['hqq-2bit', 'int'],
    ['mix-3.2bpw', 'mix'],
  ])('%s is of family %s', (quant, family) => {
    expect(formatKin({ name: 'x', quant, bits: 4 })).toBe(family);
  });
});

describe('figures', () => {
  it('are all scored where a row does not say', () => {
    expect(figuresOf(measurement({ measured: { tg_tps: 1, pp_tps: 2, hit_rate: 0.5 } }))).toEqual([
      { metric: 'decode', measured: 1, unscored: null },
      { metric: 'prefill', measured: 2, unscored: null },
      { metric: 'hit_rate', measured: 0.5, unscored: null },
    ]);
  });

  it('are listed with the reason where it says so', () => {
    const scorable = { tg: false, pp: true };
    expect(figuresOf(measurement({ measured: { tg_tps: 1, pp_tps: 2 }, scorable, pathology: 'cold-start' }))).toEqual([
      { metric: 'decode', measured: 1, unscored: 'pathology: cold-start' },
      { metric: 'prefill', measured: 2, unscored: null },
    ]);
  });
});

describe('the system', () => {
  const policyOf = (placement: Record<string, unknown>, more: Record<string, unknown> = {}) => {
    const system = systemOf(measurement({ placement, ...more }), 24, true);
    return 'lacks' in system
      ? system.lacks
      : [(system.system as { cache?: { policy: string } }).cache?.policy ?? system.system, system.expertCache];
  };

  it.each<[Record<string, unknown>, unknown]>([
    [{ kind: 'cpu-layers', cpu_moe_layers: 10 }, ['static:by=layer,cpuLayers=10', '100%']],
    [{ kind: 'cpu-layers', gpu_moe_layers: 10 }, ['static:by=layer,cpuLayers=14', '100%']],
    [{ kind: 'cpu-layers', gpu_expert_share: 0.25 }, ['static:by=layer,cpuLayers=18', '100%']],
    [{ kind: 'cpu-layers' }, 'nothing says how many layers lie in host memory'],
    [{ kind: 'cpu-share', gpu_expert_share: 0.25 }, ['static:by=id', '25%']],
    [
      { kind: 'cpu-share', gpu_expert_share: 0.25, note: 'experts of each layer chosen by the rule: frequency' },
      ['static:by=popularity', '25%'],
    ],
    [
      { kind: 'cpu-share', gpu_expert_share: 0.25, note: 'experts of each layer chosen by the rule: front-loading' },
      ['static:by=layer,cpuLayers=18', '100%'],
    ],
    [{ kind: 'cpu-share' }, 'nothing says which part of the experts is on the GPU'],
    [{ kind: 'all-gpu' }, ['all-resident', null]],
    [{ kind: 'all-cpu' }, ['static:by=layer', '0%']],
    [{ kind: 'expert-cache', where: 'gpu', cache_experts_per_layer: 4, policy: 'lru' }, ['lru', '4/layer']],
    [{ kind: 'expert-cache', where: 'gpu', cache_gb: 2.5 }, ['llama.cpp-cache', '2.5 GB']],
    [{ kind: 'expert-cache', where: 'gpu' }, 'nothing says how large its cache is'],
  ])('of %j', (placement, expected) => {
    expect(policyOf(placement)).toEqual(expected);
  });
});

describe('the cache of FreeToken', () => {
  it.each([
    ['gpu', 'load'],
    ['cpu', { do: 'cheaper', by: 'rate' }],
  ])('is one for all layers; with misses on the %s it does: %j', (where, onMiss) => {
    const row = measurement({ engine: 'freetoken', placement: { kind: 'expert-cache', where, gpu_expert_share: 0.25, policy: 'engine' } });
    expect(systemOf(row, 24, true)).toMatchObject({ expertCache: '25%', system: { cache: { policy: 'lru', scope: 'global' }, onMiss } });
  });
});

describe('experts on a disk', () => {
  const cacheOf = (placement: Record<string, unknown>, ram: Record<string, unknown>) =>
    systemOf(measurement({ placement: { kind: 'ssd-stream', ...placement }, machine: { name: 'box', gpus: [], ram } }), 24, false);

  it('go through a cache of the size that the row says, or of most of its RAM', () => {
    expect(cacheOf({ cache_gb: 20 }, { gb: 100 })).toMatchObject({ expertCache: '20 GB', dramCache: null });
    expect(cacheOf({}, { gb: 100 })).toMatchObject({ expertCache: '72 GB' });
    expect(cacheOf({}, {})).toEqual({ lacks: 'nothing says how large its cache is' });
  });

  it('leave those on the card that colibri keeps there beside dense weights', () => {
    const placement = { kind: 'ssd-stream', cache_gb: 20, note: 'GPU expert tier of 12.5 GB' };
    const onCard = (engine: string) => systemOf(measurement({ engine, placement, flags: 'CUDA_DENSE=1' }), 24, true);
    expect(onCard('colibri')).toMatchObject({ expertCache: '12.5 GB', dramCache: '20 GB' });
    expect(onCard('imp')).toMatchObject({ expertCache: '0%', dramCache: '20 GB' });
  });
});

describe('the machine', () => {
  const machine = (over: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
    machineOf(measurement({ machine: { ...measurement().machine, ...over }, ...more }), 'layers');

  it('is the figures of the row', () => {
    expect(machine()).toMatchObject({
      name: 'box',
      // Pinned copies reach 0.8 of 16 lanes of 16 GT/s, 128 of 130 bits.
      links: [{ name: 'h2d', bandwidth: expect.closeTo(((16e9 * 128) / 130 / 8) * 16 * 0.8) }],
      gpu: { peak: 71e12, memoryBandwidth: 936e9 },
      // Two channels of 8 bytes, 6,000 million times a second.
      cpu: { cores: 16, clock: 4.5, isa: 'avx512-vnni', memoryBandwidth: 96e9, sockets: 1 },
    });
  });

  it('prefers what was measured, and makes a data sheet of it', () => {
    const gpus = [
      { name: 'a10', memory_gbps: 600, measured_gbps: 514.4, fp16_tflops: 125, pcie: { gen: 4, lanes: 16, measured_gbps: 25.2 } },
    ];
    expect(machine({ gpus, ram: { type: 'ddr4', mts: 3200, channels: 8, measured_gbps: 154 } })).toMatchObject({
      links: [{ bandwidth: 25.2e9 }],
      gpu: { memoryBandwidth: 514.4e9 / 0.86 },
      cpu: { memoryBandwidth: 200e9 },
    });
  });

  it('has its cores and its memory by socket, and no more cores than threads', () => {
    const cpu = { cores: 64, ghz: 2.2, isa: 'amx', sockets: 2 };
    expect(machine({ cpu, ram: { type: 'ddr5', mts: 4800, channels: 16 } }, { run: { threads: 32 } })).toMatchObject({
      cpu: { cores: 16, memoryBandwidth: 307.2e9, sockets: 2 },
    });
  });

  it('without a GPU is a CPU with one memory', () => {
    expect(machine({ gpus: [] })).toMatchObject({
      tiers: [{ name: 'unified' }],
      gpu: { cores: 16, clock: 4.5, memoryBandwidth: 96e9 },
    });
  });

  it('of several GPUs is one: in turn, or together', () => {
    const gpus = [600, 300].map((memory_gbps) => ({ name: 'x', memory_gbps, fp16_tflops: 100, pcie: { gen: 3, lanes: 16 } }));
    // Half of the layers at 600, half at 300: 2 / (1 / 600 + 1 / 300) = 400.
    expect(machine({ gpus })).toMatchObject({ gpu: { memoryBandwidth: 400e9, peak: 100e12 } });
    const together = machineOf(measurement({ machine: { name: 'box', gpus } }), 'tensor');
    expect(together).toMatchObject({ gpu: { memoryBandwidth: 900e9, peak: 200e12 } });
  });

  it('lacks a disk where experts come from one', () => {
    const placement = { kind: 'ssd-stream', cache_gb: 10 };
    expect(machine({}, { placement })).toEqual({ lacks: 'nothing says how fast its SSD is' });
    expect(machine({ ssd: { gbps: 7 } }, { placement })).toMatchObject({ links: [{ name: 'h2d' }, { name: 'ssd', bandwidth: 7e9 }] });
  });

  it('lacks a GPU of which nothing is known', () => {
    expect(machine({ gpus: [{ name: 'apple-gpu' }] })).toEqual({ lacks: 'nothing says how fast its GPU is' });
  });
});

describe('the model', () => {
  const model = (over: Record<string, unknown>, run: Record<string, unknown> = {}) => {
    const built = modelOfRow(measurement({ model: over, run }));
    if ('lacks' in built) throw new Error(built.lacks);
    return built;
  };

  it('is the bundled one in the format of the file', () => {
    expect(model({ name: 'gpt-oss-20b', quant: 'mxfp4' })).toEqual(loadModel('gpt-oss-20b', 'mxfp4'));
  });

  it('uses fewer experts, and another type of KV cache, where the row says so', () => {
    const whole = loadModel('deepseek-v3', 'q4_k_m');
    const fewer = model({ name: 'deepseek-v3', quant: 'q4_k_m' }, { active_experts: 6, kv: 'q8_0' });
    expect(fewer.layers.map(({ topK }) => topK)).toEqual(whole.layers.map(() => 6));
    // 34 bytes for 32 values, where profiles have 64.
    expect(fewer.dense.kvBytesPerToken).toBe((whole.dense.kvBytesPerToken * 34) / 64);
  });

  it('has the size that the row gives its file', () => {
    const sized = model({ name: 'deepseek-v3', quant: 'ud-q2_k_xl', bits: 2.7 });
    const bytes = sized.dense.weightBytes + sized.layers.reduce((sum, layer) => sum + layer.experts * layer.expertBytes, 0);
    expect((bytes * 8) / sized.parameters.total).toBeCloseTo(2.7, 2);
  });

  it('has the shape that the row carries', () => {
    const shape = {
      layers: 40,
      moe_layers: 38,
      experts: 64,
      top_k: 4,
      hidden: 2048,
      expert_intermediate: 1024,
      shared_experts: 1,
      total_b: 17,
      active_b: 3,
    };
    const built = model({ name: 'nobody-has-it', quant: 'q4_0', shape });
    expect(built.layers.length).toBe(38);
    expect(built.layers[0]).toMatchObject({ experts: 64, topK: 4, flopsPerToken: 2 * 3 * 2048 * 1024 });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ name: 'nobody-has-it', quant: 'q4_0' }, 'model nobody-has-it: has neither a profile nor a shape; add model.shape'],
    [{ name: 'gpt-oss-20b' }, 'model gpt-oss-20b: nothing says how its weights are stored; add model.quant (a known name) or model.bits'],
    [
      { name: 'gpt-oss-20b', quant: 'wonder', bits: 4.5 },
      'model gpt-oss-20b: unknown quantization "wonder"; name a known one, or write mix-wonder and model.bits for any mix of k-quants',
    ],
  ])('of %j lacks something', (given, lacks) => {
    expect(modelOfRow(measurement({ model: given }))).toEqual({ lacks });
  });
});
