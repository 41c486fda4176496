// Runtimes: bases, what is missing, and the devices that they make of data-sheet facts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../src/base/profiles.js';
import { buildHardware } from '../../src/hardware/load.js';
import { HardwareProfileSchema } from '../../src/hardware/profile.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { calibrated } from '../support/calibrated.js';
import { temporaryFolder } from '../support/folder.js';
import { parseYaml } from '../support/yaml.js';

const FACTS = `name: facts
tiers: [{ name: gpu, size: 1GiB }, { name: dram, size: 2GiB }]
links: [{ name: h2d, bandwidth: 20 GB/s, latency: 10us }]
gpu: { peak: 100 TFLOP/s, memoryBandwidth: 1000 GB/s }
cpu: { cores: 8, clock: 4, isa: avx2, memoryBandwidth: 80 GB/s, sockets: 2, interconnect: { bandwidth: 60 GB/s, latency: 1us } }
`;
const TOY = `name: toy
pass: 7us
layer: 5us
expert: 2us
handover: 9us
gpu: { bandwidth: { default: 50%, k: 40% }, compute: 30%, attention: { bandwidth: 20%, compute: 10%, vector: 5% }, several: layers }
cpu: { bandwidth: 60%, operations: { avx2: 10, default: 1 }, weightsPerCycle: { k: 2 }, layer: 3us, numa: tensor, sockets: 50% }
copy: { efficiency: 80%, host: 4us, pieces: 3, overlap: none }
prompt: { ubatch: 512, offloadFrom: 32, counts: pass }
`;

function runtimeOf(yaml: string): ReturnType<typeof loadRuntime> {
  const path = join(temporaryFolder(), 'r.yaml');
  writeFileSync(path, yaml);
  return loadRuntime(path);
}

const facts = (yaml = FACTS) => parseYaml(yaml, 'h.yaml', HardwareProfileSchema);

describe('a runtime', () => {
  it.each(listProfiles('runtimes'))('%s is whole, and the page lists it', (name) => {
    expect(loadRuntime(name).name).toBe(name);
    expect(readFileSync('docs/machines.md', 'utf8')).toContain(`\`${name}\``);
  });

  it('says what its base says, but where it says otherwise, value by value', () => {
    const own = runtimeOf('name: own\nbase: llama.cpp\nlayer: 1us\ncpu: { bandwidth: 10% }\nprompt: { offloadFrom: never }\n');
    const base = loadRuntime('llama.cpp');
    expect(own).toMatchObject({ name: 'own', layer: 1000, pass: base.pass, fitted: null });
    expect(own.cpu).toEqual({ ...base.cpu, bandwidth: 0.1 });
    expect(own.prompt).toEqual({ ...base.prompt, offloadFrom: null });
  });

  it('tells the constant that is missing', () => {
    expect(() => runtimeOf('name: own\n')).toThrow(/r\.yaml: pass: is missing; give it, or name a base that has it/);
    expect(() => runtimeOf(TOY.replace('default: 1 ', ''))).toThrow(/cpu\.operations: needs a value for all others; add default/);
  });

  it('makes devices of facts, by hand', () => {
    const { cpu, gpu, links, software } = buildHardware(facts(), runtimeOf(TOY));
    expect(gpu).toMatchObject({
      peakFlops: 100e12,
      computeFraction: 0.3,
      bandwidthFraction: 0.5,
      launchNs: 2000,
      perLayerNs: 5000,
      perPassNs: 7000,
    });
    expect(gpu.attention).toEqual({ bandwidthFraction: 0.2, computeFraction: 0.1, vectorFraction: 0.05 });
    // 8 cores x 4 GHz x 10 operations; 2 weights a cycle of k-quants.
    expect(cpu).toMatchObject({ peakFlops: 320e9, computeFraction: 1, bandwidthFraction: 0.6, unpacking: { k: 64e9 }, handoverNs: 9000 });
    expect(cpu!.sockets).toMatchObject({ count: 2, numa: 'tensor', efficiency: 0.5 });
    // 80 % of 20 GB/s; three pieces of 10 + 4 us.
    expect(links[0]).toMatchObject({ bandwidth: 16e9, latencyNs: 42_000 });
    expect(software).toEqual({
      runtime: 'toy',
      constants: expect.objectContaining({ name: 'toy' }),
      offloadFrom: 32,
      offloadCounts: 'pass',
      overlaps: false,
      prediction: 1,
      several: 'layers',
    });
  });

  it('has kernels of its own for formats on an instruction set', () => {
    const text = TOY.replace('avx2: 10,', 'avx2: 10, avx2/int: 25,');
    expect(buildHardware(facts(), runtimeOf(text)).cpu).toMatchObject({ peakFlops: 320e9, peakByFormat: { int: 800e9 } });
    const unpacked = TOY.replace('{ k: 2 }', '{ k: 2, i: 1, avx2/k: 3, amx/k: 9 }');
    expect(buildHardware(facts(), runtimeOf(unpacked)).cpu!.unpacking).toEqual({ k: 96e9, i: 32e9 });
  });

  it('unpacks latents for prompts where it says so, on either device', () => {
    const { cpu, gpu } = buildHardware(facts(), runtimeOf(TOY.replace('several: layers', 'latent: unpacked, several: layers')));
    expect([cpu!.unpacksLatent, gpu.unpacksLatent]).toEqual([true, true]);
    expect(buildHardware(facts(), runtimeOf(TOY)).gpu.unpacksLatent).toBeUndefined();
  });

  it('takes longer beside a slower CPU, where its times go with the clock', () => {
    const text = `${TOY}host: { clock: 6 }\n`;
    const { cpu, gpu } = buildHardware(facts(), runtimeOf(text));
    expect(gpu).toMatchObject({ launchNs: 3000, perLayerNs: 7500, perPassNs: 10_500 });
    expect(cpu!.handoverNs).toBe(13_500);
  });
});

describe('a base', () => {
  it('takes no shares of products from a base whose operations are not its own', () => {
    const { cpu } = runtimeOf('name: own\nbase: llama.cpp\ncpu: { operations: { avx2: 5 } }\n');
    expect(cpu.products).toEqual({});
    expect(cpu.operations).toEqual({ ...loadRuntime('llama.cpp').cpu.operations, avx2: 5 });
    expect(loadRuntime('llama.cpp').cpu.products).not.toEqual({});
  });
});

describe('a runtime and what was measured of a machine', () => {
  it('leaves a calibrated machine its figures', () => {
    const gpu = 'gpu: { peak: 100 TFLOP/s, memoryBandwidth: 1000 GB/s, computeFraction: 11%, bandwidthFraction: 22%, launch: 1us }';
    const cpu = 'cpu: { peak: 1 TFLOP/s, memoryBandwidth: 80 GB/s, computeFraction: 33%, bandwidthFraction: 44%, handover: 5us }';
    const text = FACTS.replace(/^gpu:.*$/m, gpu).replace(/^cpu:.*$/m, cpu);
    const machine = buildHardware(facts(text), runtimeOf(TOY));
    const { facts: _facts, software, ...own } = machine;
    const { facts: _none, software: nothing, ...alone } = buildHardware(facts(text));
    expect(own).toEqual(alone);
    expect(nothing).toBeUndefined();
    expect(software?.offloadFrom).toBe(32);
  });

  it.each([
    ['gpu: { memoryBandwidth: 1 GB/s }', /gpu\.peak: is missing; give it, or cores, clock and isa/],
    ['gpu: { peak: 1 TFLOP/s, memoryBandwidth: 1 GB/s, computeFraction: 50% }', /gpu: needs both computeFraction and bandwidthFraction/],
  ])('is asked for where %s says too little', (gpu, message) => {
    expect(() => facts(FACTS.replace(/^gpu:.*$/m, gpu))).toThrow(message);
  });

  it('needs cores of a CPU, or what was measured', () => {
    expect(() => facts(FACTS.replace('cores: 8, ', ''))).toThrow(/cpu: needs cores, clock and isa, or computeFraction/);
  });

  it('that nobody names takes values all the same', () => {
    const change = { path: ['layer'], value: '1ms', label: '--set runtime.layer' };
    expect(loadHardware('rtx-3090+ryzen-9-7950x', undefined, [], null, [change]).gpu.perLayerNs).toBe(1e6);
    expect(loadHardware('rtx-4090', undefined, [], null, [change]).gpu.perLayerNs).toBe(1e6);
  });

  it('whose values a calibrated machine does not take is refused them', () => {
    const set = (name: string, value: unknown) => ({ path: name.split('.'), value, label: `--set runtime.${name}` });
    const load = (named: string | null, change: ReturnType<typeof set>) =>
      loadHardware(calibrated('rtx-4090'), undefined, [], named === null ? null : loadRuntime(named, undefined, [change]), [change]);
    expect(() => load(null, set('layer', '1ms'))).toThrow(
      '--set runtime.layer: calibrated-rtx-4090 is calibrated and has no runtime; name one with --runtime, or describe it without fractions',
    );
    expect(() => load('llama.cpp', set('layer', '1ms'))).toThrow(
      '--set runtime.layer: calibrated-rtx-4090 is calibrated and says this itself: of a runtime only copy.overlap and prompt count; leave it out',
    );
    expect(() => load('llama.cpp', set('copy.host', '1ms'))).toThrow(/^--set runtime\.copy\.host: calibrated-rtx-4090 is calibrated/);
    expect(load('llama.cpp', set('copy.overlap', 'none')).software!.overlaps).toBe(false);
    expect(load('llama.cpp', set('prompt.offloadFrom', 7)).software!.offloadFrom).toBe(7);
  });
});
