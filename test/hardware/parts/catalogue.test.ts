// The catalogues of parts: figures within what such parts can have, consistent with one another and with the rows that were measured.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { catalogueFiles, findProfile } from '../../../src/base/profiles.js';
import { checkValue } from '../../../src/base/yaml.js';
import { indexed } from '../../../src/hardware/parts/catalogue.js';
import { CPUS, cpuFileSchema } from '../../../src/hardware/parts/cpu.js';
import { GPUS, gpuFileSchema } from '../../../src/hardware/parts/gpu.js';
import { memoryRate } from '../../../src/hardware/parts/memory.js';

const GIB = 2 ** 30;
const OPEN = findProfile('measurements', 'open');

/** Widths and rates of the memory buses, from the files themselves: what reads them keeps the bandwidth only. */
const buses = catalogueFiles('gpus').flatMap((path) =>
  checkValue(parse(readFileSync(path, 'utf8')), basename(path), gpuFileSchema).groups.flatMap(({ parts }) => parts),
);

describe('the catalogue of GPUs', () => {
  it('lists all families', () => {
    expect(GPUS.parts.length).toBeGreaterThanOrEqual(250);
    const families = [
      'polaris',
      'rdna1',
      'vega10',
      'pascal',
      'volta',
      'turing',
      'ampere',
      'ada',
      'hopper',
      'blackwell',
      'rdna2',
      'rdna3',
      'rdna4',
      'rdna3.5',
      'cdna',
      'cdna2',
      'cdna3',
    ];
    const others = ['alchemist', 'battlemage', 'm1', 'm2', 'm3', 'm4', 'm5'];
    expect(new Set(GPUS.parts.map(({ arch }) => arch))).toEqual(new Set([...families, ...others, 'vega20', 'cdna4']));
  });

  it.each(buses.map((part) => [part.name, part] as const))('%s: bandwidth is width times rate', (_, { bandwidth, bus, pins }) => {
    // Vendors round: Apple says 800 GB/s of 819, HBM is quoted to two digits.
    expect(Math.abs((bus * pins * 1e9) / 8 / bandwidth - 1)).toBeLessThan(0.03);
  });

  it.each(GPUS.parts.map((part) => [part.name, part] as const))('%s is within what GPUs have', (_, part) => {
    expect(part.memoryBytes / GIB).toBeGreaterThanOrEqual(4);
    expect(part.memoryBytes / GIB).toBeLessThanOrEqual(512);
    expect(part.memoryBandwidth).toBeGreaterThan(60e9);
    expect(part.memoryBandwidth).toBeLessThanOrEqual(8e12);
    // Operations a byte: 12.7 (P100) to 948 (Jetson AGX Thor).
    expect(part.fp16Flops / part.memoryBandwidth).toBeGreaterThan(10);
    expect(part.fp16Flops / part.memoryBandwidth).toBeLessThan(1000);
    expect(part.source.length).toBeGreaterThan(10);
    expect(part.unified === true).toBe(part.form === 'unified');
    expect(part.pcie === undefined).toBe(part.unified === true);
    if (part.chip !== undefined) {
      const cpu = CPUS.find(part.chip)!;
      expect(cpu?.name, part.chip).toBe(part.chip);
      if (cpu.form === 'unified') expect(Math.abs(memoryRate(cpu.memory) / part.memoryBandwidth - 1)).toBeLessThan(0.03);
    }
  });

  it('gives the largest GPU of a chip first', () => {
    for (const chip of new Set(GPUS.parts.flatMap((part) => part.chip ?? []))) {
      const rates = GPUS.parts.filter((part) => part.chip === chip).map(({ fp16Flops }) => fp16Flops);
      expect(rates[0], chip).toBe(Math.max(...rates));
    }
  });
});

describe('the catalogue of CPUs', () => {
  it('lists enough of them', () => {
    expect(CPUS.parts.length).toBeGreaterThanOrEqual(600);
  });

  it.each(CPUS.parts.map((part) => [part.name, part] as const))('%s is within what CPUs have', (_, part) => {
    expect(part.cores).toBeGreaterThanOrEqual(4);
    expect(part.cores).toBeLessThanOrEqual(192);
    expect(part.clockHz).toBeGreaterThanOrEqual(1.4e9);
    expect(part.clockHz).toBeLessThanOrEqual(5e9);
    // Two channels of DDR3-1600 (Haswell).
    expect(memoryRate(part.memory)).toBeGreaterThanOrEqual(25.6e9);
    expect(memoryRate(part.memory)).toBeLessThanOrEqual(900e9);
    expect([1, 2]).toContain(part.sockets);
    if (part.l3Bytes !== undefined) expect(part.l3Bytes).toBeLessThanOrEqual(1152 * 2 ** 20);
    // Six cores and fewer of these are all of the fast kind.
    const hybrid = ['alder-lake', 'raptor-lake', 'meteor-lake', 'arrow-lake', 'lunar-lake'].includes(part.arch) && part.cores > 6;
    expect(part.fastCores !== undefined).toBe(hybrid);
    if (part.fastCores !== undefined) expect(part.fastCores).toBeLessThan(part.cores);
    const flops = { avx2: [16, 32], avx512: [32, 64], 'avx512-vnni': [32, 64], amx: [1024], neon: [16, 32] }[part.isa];
    expect(flops).toContain(part.flopsPerCycle);
    expect(part.source.length).toBeGreaterThan(10);
  });
});

describe('spelling', () => {
  it.each([
    ['NVIDIA GeForce RTX 3090', 'rtx-3090'],
    ['RTX3090', 'rtx-3090'],
    ['NVIDIA GeForce RTX 5090 Laptop GPU', 'rtx-5090-laptop'],
    ['Quadro RTX 6000', 'quadro-rtx-6000'],
    ['NVIDIA RTX 6000 Ada Generation', 'rtx-6000-ada'],
    ['NVIDIA RTX PRO 6000 Blackwell Workstation Edition', 'rtx-pro-6000'],
    ['NVIDIA A100-SXM4-80GB', 'a100-80g'],
    ['NVIDIA H100 80GB HBM3', 'h100-80g'],
    ['Tesla T4', 't4'],
    ['AMD Radeon RX 7900 XTX', 'rx-7900-xtx'],
    ['Intel(R) Arc(TM) B580', 'arc-b580'],
    ['AMD Instinct MI300X', 'mi300x'],
  ])('%s is the GPU %s', (text, name) => {
    expect(GPUS.find(text)?.name).toBe(name);
  });

  it.each([
    ['core-i9-13900k', 'i9-13900k'],
    ['13th Gen Intel(R) Core(TM) i9-13900K', 'i9-13900k'],
    ['Intel(R) Core(TM) Ultra 9 275HX', 'core-ultra-9-275hx'],
    ['Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz', 'xeon-e5-2650-v4'],
    ['Intel(R) Xeon(R) Gold 6454S', 'xeon-gold-6454s'],
    ['Intel(R) Xeon(R) Platinum 8480+', 'xeon-platinum-8480+'],
    ['AMD Ryzen 9 7950X 16-Core Processor', 'ryzen-9-7950x'],
    ['AMD Ryzen Threadripper PRO 7975WX 32-Cores', 'threadripper-pro-7975wx'],
    ['AMD EPYC 9355 32-Core Processor', 'epyc-9355'],
    ['Apple M4 Max', 'apple-m4-max'],
  ])('%s is the CPU %s', (text, name) => {
    expect(CPUS.find(text)?.name).toBe(name);
  });

  it('is found in the text of its file, whichever of its names it is', () => {
    const named = (kind: 'gpus' | 'cpus', schema: typeof gpuFileSchema | typeof cpuFileSchema): [name: string, part: string][] =>
      catalogueFiles(kind).flatMap((path) =>
        checkValue(parse(readFileSync(path, 'utf8')), basename(path), schema as typeof gpuFileSchema).groups.flatMap(({ parts }) =>
          parts.flatMap(({ aka = [], name }) => [name, ...aka].map((one): [string, string] => [one, name])),
        ),
      );
    for (const [name, part] of named('gpus', gpuFileSchema)) expect(GPUS.find(name)?.name, name).toBe(part);
    for (const [name, part] of named('cpus', cpuFileSchema)) expect(CPUS.find(name)?.name, name).toBe(part);
    expect(GPUS.parts).toContain(GPUS.find('rtx-3090'));
  });

  it('of two parts is never one', () => {
    const part = { name: 'rtx-1', arch: 'x', form: 'desktop', source: 'x' } as const;
    expect(() =>
      indexed([
        { part, aka: [] },
        { part: { ...part, name: 'geforce-rtx-1' }, aka: [] },
      ]),
    ).toThrow('geforce-rtx-1 means rtx-1 and geforce-rtx-1');
  });
});

describe('a file of parts', () => {
  const gpu = { name: 'x-1', memory: '8GiB', bus: 128, pins: 14, bandwidth: '224 GB/s', fp16: '18 TFLOP/s' };
  const file = (part: object): unknown => ({
    vendor: 'amd',
    groups: [{ arch: 'x', form: 'desktop', source: 'a data sheet', parts: [part] }],
  });

  it.each([
    [{ ...gpu, memori: 1 }, 'memori'],
    [{ ...gpu, pcie: '7x16' }, '"7x16" is not a slot; write generation x lanes, e.g. 4x16'],
    [{ ...gpu, memory: 'lots' }, '"lots" is not a size'],
    [{ ...gpu, name: 'RTX 1' }, 'must be lower case'],
    [{ ...gpu, form: 'phone' }, 'phone'],
  ])('is strict: %#', (part, message) => {
    expect(() => checkValue(file(part), 'x.yaml', gpuFileSchema)).toThrow(message);
  });

  it('says what memory is', () => {
    const group = {
      arch: 'zen4',
      form: 'desktop',
      isa: 'avx2',
      flops: 32,
      source: 'a data sheet',
      parts: [{ name: 'x', cores: 8, clock: 3 }],
    };
    for (const memory of ['ddr5-5600', '2xddr9-1000', '2x'])
      expect(() => checkValue({ groups: [{ ...group, memory }] }, 'x.yaml', cpuFileSchema)).toThrow(
        `"${memory}" is not memory; write channels`,
      );
    expect(() => checkValue({ groups: [{ ...group, memory: '2xddr5-5600', arch: 'zen' }] }, 'x.yaml', cpuFileSchema)).toThrow(
      'groups.0.arch: must be one of zen1',
    );
  });
});

interface Row {
  readonly id: string;
  readonly machine: {
    readonly gpus: readonly {
      name?: string;
      memory_gb?: number;
      memory_gbps?: number;
      fp16_tflops?: number;
      pcie?: { gen: number; lanes: number };
    }[];
    readonly cpu?: { name?: string; cores?: number; ghz?: number; isa?: string; sockets?: number } | null;
    readonly ram?: { channels?: number } | null;
  };
}

/** Figures of rows that the catalogue does not follow, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'gb10 memory_gb': 'the row has what the system leaves of 128',
  'rtx-2060-6gb-laptop fp16_tflops': 'the row has the rate with FP16 accumulation, twice that with FP32',
};
/** Names of rows that say no part. */
const NO_PARTS = ['apple-gpu', 'apple'];

describe('the measured rows', () => {
  const rows = readFileSync(OPEN, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
  const near = (a: number, b: number): boolean => Math.abs(a / b - 1) <= 0.03;

  it('name GPUs of the catalogue, with its figures', () => {
    const misses = new Set<string>();
    for (const given of rows.flatMap(({ machine }) => machine.gpus)) {
      if (given.name === undefined || NO_PARTS.includes(given.name)) continue;
      const part = GPUS.find(given.name);
      if (part?.name !== given.name) misses.add(given.name);
      if (part === null) continue;
      if (given.memory_gb !== undefined && !near(part.memoryBytes / GIB, given.memory_gb)) misses.add(`${given.name} memory_gb`);
      if (given.memory_gbps !== undefined && !near(part.memoryBandwidth / 1e9, given.memory_gbps)) misses.add(`${given.name} memory_gbps`);
      if (given.fp16_tflops !== undefined && !near(part.fp16Flops / 1e12, given.fp16_tflops)) misses.add(`${given.name} fp16_tflops`);
      if (given.pcie !== undefined && (given.pcie.gen > part.pcie!.generation || given.pcie.lanes > part.pcie!.lanes))
        misses.add(`${given.name} pcie`);
    }
    expect([...misses].sort()).toEqual(Object.keys(EXCEPTIONS).sort());
  });

  it('name CPUs of the catalogue, with its figures', () => {
    const misses = new Set<string>();
    for (const { machine } of rows) {
      const given = machine.cpu;
      if (given?.name === undefined || NO_PARTS.includes(given.name)) continue;
      const part = CPUS.find(given.name);
      if (part === null) {
        misses.add(given.name);
        continue;
      }
      const sockets = given.sockets ?? 1;
      // Cores that are usable: virtual machines have fewer.
      if ((given.cores ?? 0) > part.cores * sockets) misses.add(`${given.name} cores`);
      if (given.ghz !== undefined && !near(part.clockHz / 1e9, given.ghz)) misses.add(`${given.name} ghz`);
      if (given.isa !== undefined && given.isa !== part.isa) misses.add(`${given.name} isa`);
      if (sockets > part.sockets) misses.add(`${given.name} sockets`);
      if ((machine.ram?.channels ?? 0) > part.memory.channels * sockets) misses.add(`${given.name} channels`);
    }
    expect([...misses].sort()).toEqual([]);
  });
});
