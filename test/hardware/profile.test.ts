// Hardware profiles: those that ship, and what is refused.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { listProfiles } from '../../src/base/profiles.js';
import { buildHardware } from '../../src/hardware/load.js';
import { HardwareProfileSchema } from '../../src/hardware/profile.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { parseYaml } from '../support/yaml.js';

const NAMES = listProfiles('hardware');

describe('bundled hardware', () => {
  it('is all there', () => {
    expect(NAMES).toEqual(
      expect.arrayContaining(['rtx-3090', 'rtx-4090', 'rtx-5090', 'a10', 'a100-80g', 'h100-80g', 't4', 'apple-m4-max', 'phone-ufs4']),
    );
  });

  it.each(NAMES)('%s is well-formed', (name) => {
    const hardware = loadHardware(name);
    expect(hardware.name).toBe(name);
    expect(hardware.links).toHaveLength(hardware.tiers.length - 1);
    // What the GPU reads from its own memory is faster than any link into it.
    for (const link of hardware.links) expect(link.bandwidth).toBeLessThan(hardware.gpu.memoryBandwidth * hardware.gpu.bandwidthFraction);
    // The DDR of an SN40L belongs to the accelerator; no processor stands beside it.
    expect(hardware.cpu === null).toBe(hardware.tiers[0]!.name === 'unified' || name === 'sn40l');
  });

  it.each(NAMES)("%s states facts alone: what software makes of them is the runtime's", (name) => {
    const { facts, software } = loadHardware(name);
    expect(facts).toBeDefined();
    expect(software!.runtime).toBe(
      { 'apple-m4-max': 'llama.cpp-metal', 'phone-ufs4': 'bigmoeonedge', sn40l: 'dataflow' }[name] ?? 'llama.cpp',
    );
    expect(JSON.stringify(facts)).not.toMatch(/Fraction|launch|perLayer|perPass|handover/);
    expect(loadHardware(name, undefined, [], loadRuntime('ideal')).gpu.bandwidthFraction).toBe(1);
  });

  it('converts every unit', () => {
    const { tiers, links, gpu, cpu } = loadHardware('a10', undefined, [], loadRuntime('ideal'));
    expect(tiers.map((tier) => [tier.name, tier.bytes])).toEqual([
      ['gpu', (23028 - 512) * 2 ** 20],
      ['dram', 124 * 2 ** 30],
      ['ssd', 600e9],
    ]);
    expect(links[0]).toEqual({ name: 'h2d', bandwidth: 25.2e9, latencyNs: 10_000, lanes: 1, chunkBytes: null });
    // What was measured is 0.86 and 0.77 of the data sheets'.
    expect(gpu).toMatchObject({ peakFlops: 125e12, memoryBandwidth: 514e9 / 0.86, launchNs: 0, perLayerNs: 0, perPassNs: 0 });
    // 15 cores at 2.6 GHz, 64 operations a cycle.
    expect(cpu).toMatchObject({ memoryBandwidth: 152e9 / 0.77, peakFlops: 15 * 2.6e9 * 64, handoverNs: 0 });
  });
});

const GOOD = `name: x
tiers: [{ name: gpu, size: 1GiB }, { name: dram, size: 2GiB }]
links: [{ name: h2d, bandwidth: 1 GB/s, latency: 1us }]
gpu: { peak: 1 TFLOP/s, memoryBandwidth: 1 GB/s, computeFraction: 50%, bandwidthFraction: 50% }
`;
const CPU = `cpu: { peak: 1 TFLOP/s, memoryBandwidth: 1 GB/s, computeFraction: 50%, bandwidthFraction: 50%, handover: 40us }
`;
const read = (yaml: string) => buildHardware(parseYaml(yaml, 'h.yaml', HardwareProfileSchema));

describe('a hardware profile', () => {
  it('needs neither CPU nor SSD', () => {
    expect(read(GOOD)).toMatchObject({ name: 'x', cpu: null, gpu: { launchNs: 0, peakFlops: 1e12 } });
    expect(read(GOOD.replace('latency: 1us', 'latency: 1us, chunk: 4MiB')).links[0]!.chunkBytes).toBe(4 * 2 ** 20);
  });

  it('a link of several paths has their bandwidth together, as so many lanes or as one', () => {
    const paths = 'paths: [{ bandwidth: 2 GB/s, latency: 3us }, { bandwidth: 1 GB/s, latency: 1us }]';
    const several = GOOD.replace('bandwidth: 1 GB/s, latency: 1us', paths);
    const given = [
      { bandwidth: 2e9, latencyNs: 3000 },
      { bandwidth: 1e9, latencyNs: 1000 },
    ];
    const common = { name: 'h2d', bandwidth: 3e9, latencyNs: 1000, chunkBytes: null, paths: given };
    expect(read(several).links[0]).toEqual({ ...common, lanes: 2, flows: 'single' });
    expect(read(several.replace(paths, `${paths}, flows: split`)).links[0]).toEqual({ ...common, lanes: 1, flows: 'split' });
  });

  it('a CPU has one socket unless it says more', () => {
    expect(read(GOOD + CPU).cpu).not.toHaveProperty('sockets');
    const two = CPU.replace('40us', '40us, sockets: 2, interconnect: { bandwidth: 1 GB/s, latency: 2us }');
    expect(read(GOOD + two).cpu!.sockets).toEqual({ count: 2, numa: 'expert', interconnect: { bandwidth: 1e9, latencyNs: 2000 } });
    expect(read(GOOD + two.replace('sockets: 2', 'sockets: 2, numa: tensor')).cpu!.sockets!.numa).toBe('tensor');
  });

  it.each([
    [GOOD.replace('latency: 1us', 'latency: 1us, flows: split'), 'links.0.flows: says how several paths are used'],
    [GOOD.replace(', latency: 1us', ''), 'links.0: needs a bandwidth and a latency, or several paths that have them'],
    [
      GOOD.replace('latency: 1us', 'paths: [{ bandwidth: 1 GB/s, latency: 0 }, { bandwidth: 1 GB/s, latency: 0 }]'),
      'links.0.bandwidth: belongs to',
    ],
    [GOOD + CPU.replace('40us', '40us, sockets: 2'), 'cpu.sockets: 2 sockets need an interconnect'],
    [GOOD + CPU.replace('40us', '40us, numa: tensor'), 'cpu.numa: is between sockets, and there is one'],
    [GOOD.replace('1 TFLOP/s', '1 TFLOPs/h'), 'h.yaml:4:14: gpu.peak: "1 TFLOPs/h" is not a compute rate; write e.g. 142 TFLOP/s'],
    [GOOD.replace('bandwidthFraction: 50%', 'bandwidthFraction: 120%'), 'gpu.bandwidthFraction: "120%" is not a share'],
    [GOOD.replace('computeFraction: 50%', 'computeFraction: 0'), 'gpu.computeFraction: must be more than 0'],
    [GOOD.replace('name: h2d', 'name: ssd'), 'h.yaml:3:17: links.0.name: the link from dram is h2d'],
    [
      GOOD.replace('links: [{ name: h2d, bandwidth: 1 GB/s, latency: 1us }]', 'links: []'),
      'links: 2 tiers need 1 links, one between neighbours, not 0',
    ],
    [GOOD.replace('name: gpu', 'name: ssd'), 'tiers: must be gpu, dram, ssd or unified, ssd'],
    [GOOD.replace('size: 1GiB', 'size: 1GiB, reserve: 1GiB'), 'tiers.0.reserve: must be less than the size'],
    [
      GOOD.replace('computeFraction: 50%, bandwidthFraction: 50%', 'perLayer: 30us'),
      "gpu.perLayer: is the runtime's where the machine is not calibrated; leave it out, or set runtime.layer",
    ],
    [GOOD.replace('peak:', 'peek:'), 'h.yaml:4:8: gpu: unknown key "peek"; did you mean "peak"?'],
  ])('is refused with its place and the remedy', (yaml, message) => {
    expect(() => read(yaml)).toThrow(UserError);
    expect(() => read(yaml)).toThrow(message);
  });
});
