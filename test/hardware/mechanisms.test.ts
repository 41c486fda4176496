// What the model of time explains by mechanisms, each by hand: reading by cores and memory, generations, sockets, tiles, halved FP16, covered latency, recurrent states,
// kinds of layers, mapped weights, Windows.
import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/hardware/cost.js';
import { DenseCost, launchesOf, speedOf, weightsNs } from '../../src/hardware/dense-cost.js';
import { buildHardware } from '../../src/hardware/load.js';
import { isCovered, isHalved, listedKind, memoryKind } from '../../src/hardware/parts/kinds.js';
import type { HardwareProfile } from '../../src/hardware/profile.js';
import { HardwareProfileSchema } from '../../src/hardware/profile.js';
import { loadRuntime, type RuntimeSpec } from '../../src/hardware/runtime.js';
import type { Device } from '../../src/hardware/spec.js';
import { loadModel } from '../../src/model/load/load.js';

const llama = loadRuntime('llama.cpp');

const DEVICE: Device = {
  ...{ peakFlops: 1e12, memoryBandwidth: 100e9, computeFraction: 1, bandwidthFraction: 0.8 },
  ...{ launchNs: 0, perLayerNs: 10e3, perPassNs: 0 },
};

/** A machine of a card and a CPU of 8 cores. */
function machine(cpu: Record<string, unknown> = {}, top: Record<string, unknown> = {}, gpu: Record<string, unknown> = {}): HardwareProfile {
  return HardwareProfileSchema.parse({
    name: 'box',
    tiers: [
      { name: 'gpu', size: 24e9 },
      { name: 'dram', size: 64e9 },
    ],
    links: [{ name: 'h2d', bandwidth: 25e9, latency: 10e3 }],
    gpu: { peak: 100e12, memoryBandwidth: 1000e9, ...gpu },
    cpu: { cores: 8, clock: 4, isa: 'avx2', memoryBandwidth: 50e9, ...cpu },
    ...top,
  });
}

const driven = (profile: HardwareProfile, change: Partial<RuntimeSpec> = {}) => buildHardware(profile, { ...llama, ...change });

describe('reading', () => {
  it('is bound by the memory where cores could read much more, and by cores where they could read less', () => {
    const at = (coreBandwidth: number): number => 1 / speedOf({ ...DEVICE, coreBandwidth }).nsPerByte;
    // 80 GB/s of the memory.
    expect(at(1000e9)).toBeCloseTo(80, 3);
    expect(at(20e9)).toBeCloseTo(20, 2);
    // Where both give the same, the bend takes a ninth: 2 ** (-1 / 6).
    expect(at(80e9)).toBeCloseTo(80 * 2 ** (-1 / 6), 6);
    expect(1 / speedOf(DEVICE).nsPerByte).toBeCloseTo(80, 9);
    const formats = [{ format: 'q4_k', weights: 2e6, bytes: 1e6 }];
    expect(weightsNs(formats, 1e6, { ...DEVICE, coreBandwidth: 20e9, unpacking: { default: 1e12 } })).toBeCloseTo(1e6 / 20, -2);
  });

  it('goes with the kind of memory and the cores of a CPU', () => {
    const of = (memory: string | undefined) => driven(machine(memory === undefined ? {} : { memory })).cpu!;
    const { bandwidth, core, memory } = llama.cpu;
    expect(of('ddr4').bandwidthFraction).toBeCloseTo(bandwidth * memory.ddr4!, 12);
    expect(of(undefined).bandwidthFraction).toBeCloseTo(bandwidth * memory.default!, 12);
    expect(of('intel-server').coreBandwidth).toBeCloseTo(8 * bandwidth * core['intel-server']!, -3);
    expect(of('ddr4').coreBandwidth).toBeCloseTo(8 * bandwidth * core.default!, -3);
  });
});

describe('a CPU', () => {
  it('computes what its generation does of its instruction set', () => {
    const of = (generation?: string) => driven(machine(generation === undefined ? {} : { generation })).cpu!.peakFlops;
    expect(of()).toBeCloseTo(8 * 4e9 * llama.cpu.operations.default!, -3);
    expect(of('haswell') / of()).toBeCloseTo(llama.cpu.generations.haswell!, 12);
    expect(of('of no name')).toBe(of());
  });

  it('reaches less of two memories where pages are interleaved than where each socket has its slice', () => {
    const share = (numa: string, cpu = {}) =>
      driven(machine({ sockets: 2, interconnect: { bandwidth: 50e9, latency: 1 }, numa }), { cpu: { ...llama.cpu, ...cpu } }).cpu!.sockets!
        .efficiency;
    expect([share('tensor'), share('interleaved')]).toEqual([llama.cpu.sockets, llama.cpu.untuned]);
    expect(share('interleaved', { untuned: undefined })).toBe(llama.cpu.sockets);
  });

  it('in the place of a GPU has all sockets, of which memory and arithmetic reach shares', () => {
    const profile = (sockets: number) =>
      HardwareProfileSchema.parse({
        ...{ name: 'box', tiers: [{ name: 'unified', size: 64e9 }] },
        gpu: { cores: 16, clock: 2, isa: 'avx2', memoryBandwidth: 200e9, sockets },
      });
    const [one, two] = [driven(profile(1)).gpu, driven(profile(2)).gpu];
    expect(two.memoryBandwidth / one.memoryBandwidth).toBeCloseTo(llama.cpu.sockets, 12);
    expect(two.peakFlops / one.peakFlops).toBeCloseTo(llama.cpu.together, 12);
  });

  it('hands over later on Windows, and the later the more threads wait for one another', () => {
    // Seven of the 23 operations of a layer are those of its experts.
    const waits = (threads: number): number => (7 / 23) * llama.cpu.barrier * threads;
    expect(driven(machine({}, { system: 'windows' })).cpu!.handoverNs).toBeCloseTo(llama.windows.handover! + waits(8), 6);
    expect(driven(machine({}, { system: 'linux' })).cpu!.handoverNs).toBeCloseTo(llama.handover + waits(8), 6);
    const interconnect = { bandwidth: 10e9, latency: 1000 };
    expect(driven(machine({ sockets: 2, interconnect })).cpu!.handoverNs).toBeCloseTo(llama.handover + waits(16), 6);
    expect(driven(machine()).cpu!.perLayerNs).toBeCloseTo(llama.cpu.layer + 8 * llama.cpu.barrier, 6);
  });

  it('computes products of some formats more slowly, on the instruction set where that was seen', () => {
    const of = (isa: string, cpu: Partial<RuntimeSpec['cpu']> = {}) => driven(machine({ isa }), { cpu: { ...llama.cpu, ...cpu } }).cpu!;
    const seen = { products: { 'avx2/fp': 0.5, 'avx512/fp': 0.25 }, operations: { ...llama.cpu.operations, 'avx2/q8_0': 3 } };
    const { peakByFormat, peakFlops } = of('avx2', seen);
    expect(peakByFormat).toEqual({ fp: peakFlops / 2, q8_0: 8 * 4e9 * 3 });
    expect(of('avx2', { products: {} }).peakByFormat).toBeUndefined();
  });

  it('attends after it has read the weights, heads at a time in prompts and one by one while decoding', () => {
    const { cpu } = driven(machine(), { cpu: { ...llama.cpu, barrier: 0, layer: 0, attention: { prompt: 20, vector: 5 } } });
    const attention = [{ kvBytesPerToken: 0, flopsPerPair: 1000, window: null }];
    const part = { weightBytes: 0, flopsPerToken: 0, layers: 1, attention };
    const cost = new DenseCost(cpu!, [part]);
    // 8 cores x 4 GHz x 5 operations: 1,000 positions of 1,000 operations take 1e6 / 160 ns; the new one is a position, too.
    expect(cost.ns(0, 1, [999], [1], 1)).toBeCloseTo(1e6 / 160, 6);
    // 100 tokens over 0 earlier ones: 5,050 positions.
    expect(cost.ns(0, 100, [0], [100], 1)).toBeCloseTo(5050e3 / 640, 6);
    const none = new DenseCost(cpu!, [{ ...part, weightBytes: 1e6 }]).ns(0, 1, [0], [1], 1) - 1000 / 160;
    expect(new DenseCost(cpu!, [{ ...part, weightBytes: 1e6 }]).ns(0, 1, [999], [1], 1)).toBeCloseTo(none + 1e6 / 160, 6);
  });
});

describe('layers', () => {
  const attention = { kvBytesPerToken: 0, flopsPerPair: 0, window: null };
  const part = { weightBytes: 0, flopsPerToken: 0 };

  it('take the time of their kernels', () => {
    expect(launchesOf([attention, { ...attention, launches: 1.5 }])).toBe(2.5);
    const two = { ...part, layers: 2, launches: 2.5, attention: [] };
    expect(new DenseCost(DEVICE, [two]).ns(0, 1, [0], [1], 1)).toBeCloseTo(25e3, 6);
    expect(new DenseCost({ ...DEVICE, fusesLayers: true }, [two]).ns(0, 1, [0], [1], 1)).toBeCloseTo(20e3, 6);
    // Grouped attention 23 kernels, a latent 38, a state 70.
    const kinds = (name: string) =>
      new Set(loadModel(name).dense.segments.flatMap((one) => one.attention.map(({ launches = 1 }) => launches)));
    expect([...kinds('qwen3-30b-a3b')]).toEqual([1]);
    expect([...kinds('deepseek-v3')]).toEqual([38 / 23]);
    expect([...kinds('qwen3-next-80b-a3b')].sort()).toEqual([1, 70 / 23]);
  });

  it('with a recurrent state renew it for every token', () => {
    const state = { ...attention, stateValues: 1000 };
    const cost = new DenseCost({ ...DEVICE, perLayerNs: 0, recurrenceNs: 0.5 }, [{ ...part, layers: 1, attention: [state, state] }]);
    expect(cost.ns(0, 3, [0], [3], 1)).toBeCloseTo(3 * 2 * 1000 * 0.5, 9);
  });

  it('with a recurrent state read and write 4 bytes a value for every sequence, whatever its tokens, where states lie in memory', () => {
    const state = { ...attention, stateValues: 1000 };
    const device = { ...DEVICE, perLayerNs: 0, memoryBandwidth: 1e9, bandwidthFraction: 0.5 };
    const of = (movesState: boolean) =>
      new DenseCost({ ...device, ...(movesState && { movesState: true as const }) }, [{ ...part, layers: 1, attention: [state] }]);
    // 8 bytes of 1,000 values at half a byte/ns.
    expect(of(true).ns(0, 1, [0], [1], 1)).toBeCloseTo(16e3, 6);
    expect(of(true).ns(0, 64, [0], [64], 1)).toBeCloseTo(16e3, 6);
    expect(of(true).ns(0, 3, [0, 0, 0], [1, 1, 1], 3)).toBeCloseTo(48e3, 6);
    expect(of(false).ns(0, 3, [0, 0, 0], [1, 1, 1], 3)).toBe(0);
  });
});

describe('products', () => {
  it('of several rows compute whole tiles, those of one do not', () => {
    const model = loadModel('mini-mixtral-8x8l');
    const hardware = driven(machine());
    const with_ = (tile: number) => new CostModel(model, driven(machine(), { gpu: { ...llama.gpu, tile, rereads: false } }));
    const { launchNs } = hardware.gpu;
    const many = 100_000;
    const perRow = (with_(0).expertNs(0, many) - launchNs) / many;
    expect(with_(16).expertNs(0, many) - launchNs).toBeCloseTo((many + 16) * perRow, 3);
    for (const few of [1, 8]) expect(with_(16).expertNs(0, few)).toBe(with_(0).expertNs(0, few));
  });

  it('of few rows read the weights for each where vectors go by ids, and whole tiles of them in passes of more than eight tokens', () => {
    const model = loadModel('mini-mixtral-8x8l');
    const of = (rereads: boolean) => new CostModel(model, driven(machine(), { gpu: { ...llama.gpu, tile: 16, rereads } }));
    const { launchNs } = driven(machine()).gpu;
    const ns = (cost: CostModel, rows: number) => cost.expertNs(0, rows) - launchNs;
    const [shared, again] = [of(false), of(true)];
    const readNs = ns(shared, 1);
    const rowNs = (ns(shared, 2e6) - ns(shared, 1e6)) / 1e6;
    expect(readNs).toBeGreaterThan(32 * rowNs);
    // Before any pass the faster of both: a vector is read once; five of them are slower than one tile, which is read once.
    expect(ns(again, 1)).toBeCloseTo(readNs, 6);
    expect(ns(again, 5)).toBeCloseTo(readNs, 6);
    again.beginPass(8);
    for (const rows of [1, 2, 8]) expect(ns(again, rows)).toBeCloseTo(rows * readNs, 3);
    again.beginPass(9);
    for (const rows of [1, 8, 16]) expect(ns(again, rows)).toBeCloseTo(Math.max(readNs, 32 * rowNs), 3);
    expect(ns(again, 1e5)).toBeCloseTo((1e5 + 16) * rowNs, 2);
    shared.beginPass(8);
    expect(ns(shared, 8)).toBeCloseTo(readNs, 6);
  });

  it('of few bits are faster than a halved FP16 rate tells', () => {
    const gpu = driven(machine({}, {}, { halved: true })).gpu;
    expect(gpu.peakByFormat!.default).toBeCloseTo(100e12 * llama.gpu.halved, -3);
    expect(gpu.peakByFormat!.fp).toBe(100e12);
    expect(driven(machine()).gpu.peakByFormat).toBeUndefined();
  });
});

describe('a GPU whose reads in flight cover the latency of its memory', () => {
  it('has at most 7 GB/s a multiprocessor: GB10 273 / 48 and Strix Halo 256 / 40, not Thor 273 / 20, nor a card that lists none', () => {
    expect(['gb10', 'radeon-8060s', 'jetson-agx-thor', 'rtx-4090', 'unheard-of'].map(isCovered)).toEqual([true, true, false, false, false]);
  });

  it('reads weights and KV caches at the share for that, or at its usual one where that is more', () => {
    const { bandwidth, attention } = llama.gpu;
    const of = (gpu: Partial<RuntimeSpec['gpu']> = {}) =>
      driven(machine({}, {}, { covered: true }), { gpu: { ...llama.gpu, covered: 0.9, ...gpu } }).gpu;
    expect([of().bandwidthFraction, of().bandwidthByFormat!.default, of().attention!.bandwidthFraction]).toEqual([0.9, 0.9, 0.9]);
    expect(of({ bandwidth: { default: 1 } }).bandwidthFraction).toBe(1);
    const usual = driven(machine()).gpu;
    expect([usual.bandwidthFraction, usual.attention!.bandwidthFraction]).toEqual([bandwidth.default, attention.bandwidth]);
  });
});

describe('attention on a GPU', () => {
  const attention = { bandwidthFraction: 0.5, computeFraction: 0.5, vectorFraction: 0.1, latentFraction: 0.2 };
  const spec = { kvBytesPerToken: 0, flopsPerPair: 1000, window: null };
  const nsOf = (device: Device, one: object, tokens = 1): number =>
    new DenseCost({ ...device, perLayerNs: 0 }, [{ weightBytes: 0, flopsPerToken: 0, layers: 1, attention: [{ ...spec, ...one }] }]).ns(
      ...([0, tokens, [999], [tokens], 1] as const),
    );

  it('is a product of all heads over a latent, and one of a head at a time over its own cache', () => {
    const latent = { unpacked: { flopsPerPair: 1, flopsPerToken: 1, bytesPerToken: 1 } };
    // 1,000 positions of 1,000 operations at a tenth, a fifth and half of 1e12 a second.
    expect(nsOf({ ...DEVICE, attention }, {})).toBeCloseTo(1e4, 6);
    expect(nsOf({ ...DEVICE, attention }, latent)).toBeCloseTo(5e3, 6);
    expect(nsOf({ ...DEVICE, attention }, latent, 100)).toBeCloseTo(104_950e3 / 500, 6);
  });

  it('reads a quantized cache as 16 bits, which a CPU does not', () => {
    const small = { flopsPerPair: 0, kvBytesPerToken: 10, wideBytesPerToken: 20 };
    expect(nsOf({ ...DEVICE, attention, widensKv: true }, small)).toBeCloseTo(20e3 / 50, 9);
    expect(nsOf({ ...DEVICE, attention }, small)).toBeCloseTo(10e3 / 50, 9);
    expect([driven(machine()).gpu.widensKv, driven(machine()).cpu!.widensKv]).toEqual([true, undefined]);
  });

  it('sums half of its products in 16 bits on GeForce cards', () => {
    const share = (gpu: Record<string, unknown>, change: Partial<RuntimeSpec['gpu']> = {}) =>
      driven(machine({}, {}, gpu), { gpu: { ...llama.gpu, ...change } }).gpu.attention!.computeFraction / llama.gpu.attention.compute;
    expect([share({}), share({ halved: true }), share({ halved: true }, { halved: 1 })]).toEqual([1, 4 / 3, 1]);
  });
});

describe('copies', () => {
  it('of mapped weights go through a buffer, and a faster link gains nothing', () => {
    const of = (bandwidth: number, staging: RuntimeSpec['copy']['staging']) => {
      const profile = machine({}, { links: [{ name: 'h2d', bandwidth, latency: 10e3 }] });
      return driven(profile, { copy: { ...llama.copy, efficiency: 0.9, staging } });
    };
    expect(of(10e9, 18e9).links[0]!.bandwidth).toBeCloseTo(9e9, 0);
    expect(of(10e9, 18e9).software!.pinned).toBeUndefined();
    expect(of(50e9, 18e9).links[0]!.bandwidth).toBe(18e9);
    // What an expert cache gains, and --no-mmap where the runtime pins.
    expect(of(50e9, 18e9).software).toMatchObject({ pinned: 2.5, pinsUnmapped: true });
    expect(of(50e9, 'none').links[0]!.bandwidth).toBeCloseTo(45e9, 0);
  });
});

describe('kinds of parts', () => {
  it('follow from architecture, form and memory', () => {
    expect(memoryKind({ arch: 'zen4', form: 'desktop' }, 'ddr5')).toBe('amd-ddr5');
    expect(memoryKind({ arch: 'alder-lake', form: 'desktop' }, 'ddr5')).toBe('ddr5');
    expect(memoryKind({ arch: 'zen3', form: 'desktop' }, 'ddr4')).toBe('ddr4');
    expect(memoryKind({ arch: 'zen3', form: 'workstation' }, 'ddr4')).toBe('amd-server');
    expect(memoryKind({ arch: 'sapphire-rapids', form: 'server' }, 'ddr5')).toBe('intel-server');
    expect(memoryKind({ arch: 'neoverse-n1', form: 'server' }, 'ddr4')).toBe('arm-server');
    expect(listedKind('ryzen-9-9950x')).toEqual({ generation: 'zen5', form: 'desktop' });
    expect(listedKind('a cpu of no name')).toBeNull();
  });

  it('are halved on GeForce, and not on cards for workstations', () => {
    for (const name of ['rtx-3090', 'rtx-4070-ti', 'rtx-2060-laptop', 'rtx-5090', 'rtx-3060']) expect(isHalved(name), name).toBe(true);
    for (const name of ['rtx-4000-ada', 'rtx-5000-ada', 'rtx-a6000', 'a10', 'gtx-1650', 'gtx-1080', 'rtx-pro-6000', 'h100', 'rx-7900-xtx'])
      expect(isHalved(name), name).toBe(false);
  });
});
