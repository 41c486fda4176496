// Machines in files of parts: what replaces the data sheet, and mistakes with their place.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMachineFile } from '../../src/hardware/load.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();
let count = 0;
const file = (text: string): string => {
  const path = join(folder, `m${count++}.yaml`);
  writeFileSync(path, text);
  return path;
};

const PARTS = 'parts: [rtx-3090, ryzen-9-7950x, 2xddr5-6000, 64GB, pcie4x16]';

describe('a file of parts', () => {
  it('is the machine that its parts are', () => {
    const own = loadHardware(file(`name: box\n${PARTS}\n`));
    const composed = loadHardware('rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16');
    expect(own.name).toBe('box');
    expect({ ...own, name: '', machine: null, facts: null }).toEqual({ ...composed, name: '', machine: null, facts: null });
  });

  it('measured rates take the place of the data sheet', () => {
    const own = loadHardware(file(`name: box\n${PARTS}\nmeasured: { memory: 61 GB/s, copies: 20 GB/s, disk: 5 GB/s }\n`));
    const composed = loadHardware('rtx-3090+ryzen-9-7950x+2xddr5-6000@61GB/s+64GB+pcie4x16@20GB/s+nvme-5GB/s');
    expect(own.cpu!.memoryBandwidth).toBe(composed.cpu!.memoryBandwidth);
    expect(own.links.map(({ bandwidth }) => bandwidth)).toEqual(composed.links.map(({ bandwidth }) => bandwidth));
    expect(own.tiers).toEqual(composed.tiers);
  });

  it('says what parts do not: cores, instruction set, memory of the card', () => {
    const own = loadHardware(file(`name: box\n${PARTS}\ncpu: { cores: 4, isa: avx2, clock: 3 }\ngpu: { memory: 20GiB }\n`));
    // 4 cores at 3 GHz, with the operations of AVX2 on cores of their generation.
    const { generations, operations } = loadRuntime('llama.cpp').cpu;
    expect(own.cpu!.peakFlops).toBeCloseTo(4 * 3e9 * operations.default! * (generations.zen4 ?? 1), -3);
    expect(own.tiers[0]!.bytes).toBe(19.5 * 2 ** 30);
  });

  it('of a chip replaces the rate of the one memory', () => {
    const own = loadHardware(file('name: spark\nparts: [gb10]\nmeasured: { memory: 231 GB/s }\n'));
    expect(own.gpu.memoryBandwidth).toBe(loadHardware('gb10@231GB/s').gpu.memoryBandwidth);
  });

  it('is told from a profile of tiers', () => {
    expect(readMachineFile(file(`name: box\n${PARTS}\n`))!.parts).toHaveLength(5);
    expect(readMachineFile('t4')).toBeNull();
    expect(readMachineFile('rtx-3090+64GB')).toBeNull();
  });

  it.each([
    ['name: box\nparts: [rtx-3091, 64GB]\n', /\.yaml:2:8: parts: unknown part "rtx-3091": did you mean/],
    ['name: box\nparts: []\n', /\.yaml:2:8: parts: needs at least 1 entries/],
    ['name: box\nparts: [rtx-3090]\ncpus: { cores: 3 }\n', /\.yaml:3:1: unknown key "cpus"/],
    ['name: box\nparts: [rtx-3090]\nmeasured: { memory: 0 }\n', /\.yaml:3:21: measured.memory: must be more than 0/],
    ['name: box\nparts: [64GB]\n', /a machine needs a GPU or a CPU/],
  ])('%j is refused with its place', (text, message) => {
    expect(() => loadHardware(file(text))).toThrow(message);
  });
});
