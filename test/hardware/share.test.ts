// Machines of several GPUs: what a profile may say, and what one of them has of the host.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { buildHardware } from '../../src/hardware/load.js';
import { HardwareProfileSchema } from '../../src/hardware/profile.js';
import { shareOf } from '../../src/hardware/several-gpus.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { parseYaml } from '../support/yaml.js';

const YAML = `name: x
tiers: [{ name: gpu, size: 1GiB }, { name: dram, size: 8GiB }, { name: ssd, size: 1TB }]
links:
  - { name: h2d, bandwidth: 10 GB/s, latency: 1us, lanes: 2 }
  - { name: ssd, paths: [{ bandwidth: 4 GB/s, latency: 80us }, { bandwidth: 2 GB/s, latency: 90us }] }
gpu: { peak: 1 TFLOP/s, memoryBandwidth: 100 GB/s, computeFraction: 50%, bandwidthFraction: 50% }
cpu: { peak: 800 GFLOP/s, memoryBandwidth: 80 GB/s, computeFraction: 50%, bandwidthFraction: 50%, handover: 5us }
gpus: { count: 4, interconnect: { bandwidth: 200 GB/s, latency: 20us } }
`;
const read = (yaml: string) => buildHardware(parseYaml(yaml, 'h.yaml', HardwareProfileSchema));

describe('a machine of several GPUs', () => {
  it('says how many, and what joins them', () => {
    expect(read(YAML).gpus).toEqual({ count: 4, interconnect: { bandwidth: 200e9, latencyNs: 20_000 } });
    expect(read(YAML.replace('count: 4', 'count: 1')).gpus).toBeUndefined();
    expect(read(YAML.replace('count: 4', 'count: 1'))).toEqual(read(YAML.replace(/gpus:.*\n/, '')));
    expect(loadHardware('2x-rtx-4090').gpus!.count).toBe(2);
    expect(loadHardware('8x-h100-80g').gpus!.count).toBe(8);
  });

  it.each([
    [YAML.replace(', interconnect: { bandwidth: 200 GB/s, latency: 20us }', ''), 'gpus.count: 4 GPUs need an interconnect'],
    [YAML.replace('count: 4', 'count: 0'), 'gpus.count'],
    [
      YAML.replace('name: gpu, size', 'name: unified, size')
        .replace('{ name: dram, size: 8GiB }, ', '')
        .replace(/ {2}- \{ name: h2d.*\n/, '')
        .replace(/cpu:.*\n/, ''),
      'gpus: several GPUs need a gpu and a dram tier',
    ],
  ])('is refused where it does not hang together', (yaml, message) => {
    expect(() => read(yaml)).toThrow(UserError);
    expect(() => read(yaml)).toThrow(message);
  });

  it('gives each GPU its own memory and link, and an even part of the host', () => {
    const machine = read(YAML);
    const one = shareOf(machine);
    expect(one.gpus).toBeUndefined();
    expect(one.gpu).toEqual(machine.gpu);
    expect(one.tiers.map(({ bytes }) => bytes)).toEqual([2 ** 30, 2 * 2 ** 30, 0.25e12]);
    expect(one.links[0]).toEqual(machine.links[0]);
    expect(one.links[1]).toMatchObject({
      bandwidth: 1.5e9,
      paths: [
        { bandwidth: 1e9, latencyNs: 80_000 },
        { bandwidth: 0.5e9, latencyNs: 90_000 },
      ],
    });
    expect(one.cpu).toMatchObject({ peakFlops: 200e9, memoryBandwidth: 20e9, handoverNs: 5000 });
    const cpu = { ...machine.cpu!, peakByFormat: { int: 2e12 }, unpacking: { k: 8e9, default: 4e9 } };
    expect(shareOf({ ...machine, cpu }).cpu).toMatchObject({ peakByFormat: { int: 0.5e12 }, unpacking: { k: 2e9, default: 1e9 } });
    expect(shareOf(read(YAML.replace(/gpus:.*\n/, '')))).toEqual(read(YAML.replace(/gpus:.*\n/, '')));
  });
});
