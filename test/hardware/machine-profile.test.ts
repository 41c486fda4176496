// Machines of parts as hardware profiles: physical figures by hand, and what software makes of them from one place.
import { describe, expect, it } from 'vitest';
import { findHardware, isComposed } from '../../src/hardware/load.js';
import { parseMachine } from '../../src/hardware/machine.js';
import { machineToProfile } from '../../src/hardware/machine-profile.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadHardware } from '../../src/runtime/machine.js';

const GIB = 2 ** 30;

const MACHINE = 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16+nvme-7GB/s-1TB';
const hardware = loadHardware(MACHINE);

describe('the profile of a machine of parts', () => {
  it('is under Windows where that is one of its parts', () => {
    const machine = parseMachine(`windows+${MACHINE}`);
    expect(machine.name).toMatch(/\+windows$/);
    expect(machineToProfile(machine).system).toBe('windows');
    expect(machineToProfile(parseMachine(MACHINE))).not.toHaveProperty('system');
  });

  it('has its memories and links', () => {
    expect(hardware.name).toBe(MACHINE);
    expect(hardware.tiers).toEqual([
      { name: 'gpu', bytes: 24 * GIB - 512 * 2 ** 20 },
      { name: 'dram', bytes: 60 * GIB },
      { name: 'ssd', bytes: 1e12 },
    ]);
    // 16 GT/s x 128/130 / 8 x 16 lanes = 31.508 GB/s, of which pinned copies reach 0.8.
    const { links } = machineToProfile(parseMachine(MACHINE));
    expect(links![0]).toMatchObject({ name: 'h2d', latency: 10e3 });
    expect((links![0]!.bandwidth as number) / 1e9).toBeCloseTo(25.206, 3);
    expect(links![1]).toMatchObject({ name: 'ssd', bandwidth: 7e9, latency: 80e3, lanes: 2 });
  });

  it('has its devices', () => {
    const { cpu, gpu } = machineToProfile(parseMachine(MACHINE));
    expect(gpu).toEqual({ peak: 71e12, halved: true, memoryBandwidth: 936e9 });
    // 6000 MT/s x 8 bytes x 2.
    expect(cpu).toEqual({ cores: 16, clock: 4.5, isa: 'avx512-vnni', generation: 'zen4', memory: 'amd-ddr5', memoryBandwidth: 96e9 });
    expect(hardware.machine!.defaults).toEqual([]);
  });

  it('is driven by a runtime', () => {
    const { copy, cpu, gpu } = loadRuntime('llama.cpp');
    expect(hardware.software!.runtime).toBe('llama.cpp');
    expect(hardware.gpu.bandwidthFraction).toBe(gpu.bandwidth.default);
    expect(hardware.cpu!.bandwidthFraction).toBe(cpu.bandwidth * cpu.memory['amd-ddr5']!);
    expect(hardware.cpu!.coreBandwidth).toBe(16 * cpu.core.default! * cpu.bandwidth);
    // Mapped weights come through a buffer, those of an expert cache do not.
    const { links, software } = hardware;
    expect(links[0]!.bandwidth).toBe(copy.staging);
    expect((links[0]!.bandwidth * software!.pinned!) / 1e9).toBeCloseTo(25.206 * copy.efficiency, 2);
    expect(loadHardware(MACHINE, undefined, [], loadRuntime('ideal')).software!.runtime).toBe('ideal');
    const usual = { 'rx-7900-xtx': 'llama.cpp-rocm', 'arc-b580': 'llama.cpp-vulkan', 'apple-m5': 'llama.cpp-metal', gb10: 'llama.cpp' };
    for (const [part, runtime] of Object.entries(usual)) expect(loadHardware(part).software!.runtime, part).toBe(runtime);
  });

  it('takes values that replace it', () => {
    const slow = { path: ['links', 'h2d', 'bandwidth'], value: '12GB/s', label: '--set' };
    const pinned = loadRuntime('llama.cpp').copy.efficiency;
    expect(loadHardware(MACHINE, undefined, [slow]).links[0]!.bandwidth).toBe(12e9 * pinned);
    expect(() => loadHardware(MACHINE, undefined, [{ ...slow, path: ['gpu', 'peek'] }])).toThrow(
      /^--set: gpu: unknown key "peek"; did you mean "peak"/,
    );
  });

  it('prefers what was measured, as the data sheet that it stands for', () => {
    const { cpu, gpu, links } = machineToProfile(
      parseMachine('a10@516GB/s+xeon-platinum-8358+8xddr4-3200@154GB/s+128GB+pcie4x16@25.2GB/s'),
    );
    // A plain read reaches 0.86 of a card's memory and 0.77 of a host's.
    expect(gpu.memoryBandwidth).toBeCloseTo(600e9);
    expect(cpu!.memoryBandwidth).toBeCloseTo(200e9);
    expect(links![0]!.bandwidth).toBe(25.2e9);
  });
});

describe('the profile of a machine with several of a part', () => {
  it('divides memory over sockets, and joins them', () => {
    const { cpu } = loadHardware('rtx-4090+2xxeon-gold-6454s+16xddr5-4800+1TB');
    // 8 channels x 8 bytes x 4800 MT/s of one socket.
    expect(cpu!.memoryBandwidth).toBe(307.2e9);
    expect(cpu!.sockets).toMatchObject({ count: 2, interconnect: { bandwidth: 60e9, latencyNs: 1e3 } });
  });

  it('joins GPUs by what they have', () => {
    const cards = loadHardware('2xrtx-3090+threadripper-7960x+128GB');
    expect(cards.gpus!.count).toBe(2);
    expect(cards.gpus!.interconnect.bandwidth / 1e9).toBeCloseTo(25.206 / 2, 3);
    // NVLink 4: 450 GB/s in one direction, 0.77 of it.
    expect(loadHardware('8xh100-80g').gpus!.interconnect.bandwidth).toBeCloseTo(346.5e9);
    // Cards that differ: the second and further by themselves, over their slots.
    const { gpus } = loadHardware('rtx-5090+2xrtx-3090+ryzen-9-9950x+pcie4x16');
    expect(gpus!.others).toHaveLength(2);
    expect(gpus!.others![0]!).toMatchObject({ bytes: 23.5 * GIB, device: { memoryBandwidth: 936e9, peakFlops: 71e12 } });
    expect(gpus!.interconnect.bandwidth).toBeCloseTo(31.504e9 * 0.8 * 0.5, -7);
  });

  it('reads several drives as a stripe', () => {
    const [, array] = loadHardware(`${MACHINE}+nvme-3.5GB/s-1TB`, undefined, [], loadRuntime('ideal')).links;
    expect(array).toMatchObject({ bandwidth: 10.5e9, flows: 'split', lanes: 1 });
    expect(loadHardware(`${MACHINE}+nvme-3.5GB/s-1TB`).tiers[2]!.bytes).toBe(2e12);
  });

  it('reads one of several drives where files lie whole on one of them', () => {
    const { links, tiers } = machineToProfile(parseMachine('rtx-3090+ryzen-9-7950x+nvme-7GB/s-1TB-byfile+nvme-3.5GB/s-1TB-byfile'));
    expect(links![1]).toEqual({ name: 'ssd', bandwidth: 3.5e9, latency: 80e3, lanes: 2 });
    expect(tiers[2]).toEqual({ name: 'ssd', size: 2e12 });
  });

  it('has the latency of its drive', () => {
    const latencyOf = (drive: string) => machineToProfile(parseMachine(`rtx-3090+${drive}`)).links![1]!.latency;
    expect(['nvme-7GB/s', 'optane-2.6GB/s', 'hdd-200MB/s', 'nvme-7GB/s-60us', 'nvme-7GB/s-45us-4TB'].map(latencyOf)).toEqual([
      80e3, 10e3, 12e6, 60e3, 45e3,
    ]);
  });
});

describe('the profile of a machine that lacks a part', () => {
  it('has one memory where there is one', () => {
    const mac = loadHardware('apple-m4-max+64GB+ssd-7GB/s');
    expect(mac.tiers).toEqual([
      { name: 'unified', bytes: 48 * GIB },
      { name: 'ssd', bytes: 2e12 },
    ]);
    expect(mac).toMatchObject({ cpu: null, gpu: { memoryBandwidth: 546e9, peakFlops: 18.4e12 } });
    expect(machineToProfile(parseMachine('gb10@215GB/s')).gpu.memoryBandwidth).toBeCloseTo(250e9);
    expect(loadHardware('gb10').tiers).toEqual([{ name: 'unified', bytes: 124 * GIB }]);
  });

  it('computes on the CPU where there is no GPU', () => {
    const { cpu, gpu, links, tiers } = loadHardware('2xepyc-9355+24xddr5-6000+512GB');
    expect(tiers).toEqual([{ name: 'unified', bytes: 508 * GIB }]);
    expect(links).toEqual([]);
    expect(cpu).toBeNull();
    // 24 channels x 8 bytes x 6000 MT/s, of which two sockets reach the runtime's share.
    expect(gpu.memoryBandwidth).toBe(1152e9 * loadRuntime('llama.cpp').cpu.sockets);
    expect(machineToProfile(parseMachine('2xepyc-9355')).gpu).toMatchObject({ cores: 64, clock: 3.55, isa: 'avx512-vnni' });
  });

  it('keeps an eighth of a small memory for the system', () => {
    expect(loadHardware('rtx-3090+ryzen-9-7950x+16GB').tiers[1]!.bytes).toBe(14 * GIB);
    expect(loadHardware('jetson-orin-nano').tiers[0]!.bytes).toBe(7 * GIB);
  });
});

describe('the name of a machine', () => {
  it('is bundled first, parts where it is not', () => {
    expect(isComposed('rtx-3090')).toBe(false);
    expect(isComposed('rtx-3060')).toBe(true);
    expect(isComposed('rtx-3090+64GB')).toBe(true);
    expect(loadHardware('rtx-3090')).toMatchObject({ name: 'rtx-3090', machine: { ram: { mts: 5600 } } });
    expect(findHardware('./my+machine.yaml', '/tmp')).toEqual({ path: '/tmp/my+machine.yaml' });
  });

  it('that nothing has is answered with machines and parts', () => {
    expect(() => findHardware('rtx-3091')).toThrow(/^unknown hardware profile "rtx-3091": did you mean "rtx-3090"/);
    expect(() => findHardware('rx-7900-xty')).toThrow('did you mean "rx-7900-xt" or "rx-7900-xtx"');
    expect(() => findHardware('zzzzzz')).toThrow(
      /^unknown hardware profile "zzzzzz": name its parts, .* moeprof profiles list gpu, cpu, hardware /,
    );
  });
});
