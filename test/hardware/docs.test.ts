// The YAML on the pages on machines and faults is what moeprof reads.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildHardware } from '../../src/hardware/load.js';
import { machineFileSchema, machineOfFile } from '../../src/hardware/machine-file.js';
import { HardwareProfileSchema, isCalibrated } from '../../src/hardware/profile.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { FLOWS, NUMA } from '../../src/hardware/spec.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';

const page = (name: string): string => readFileSync(resolve(import.meta.dirname, '../../docs', name), 'utf8');
const blocks = (text: string): unknown[] => [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => parse(match[1]!));

describe('docs/hardware.md', () => {
  const text = page('hardware.md');

  it('shows a machine of parts', () => {
    const file = machineFileSchema.parse(blocks(text)[0]);
    expect(machineOfFile(file, 'docs')).toMatchObject({ name: 'my-box', cpu: { cores: 8 }, ram: { measuredBandwidth: 61e9 } });
  });

  it('shows parts of machines that are one together', () => {
    const machine = {
      name: 'x',
      tiers: [
        { name: 'gpu', size: '24GiB' },
        { name: 'dram', size: '64GiB' },
        { name: 'ssd', size: '1TB' },
      ],
      gpu: { peak: 1e12, memoryBandwidth: 1e12 },
    };
    const profile = HardwareProfileSchema.parse(Object.assign(machine, ...blocks(text).slice(2)));
    const { cpu, links } = buildHardware(profile, loadRuntime('ideal'));
    expect(links[1]).toMatchObject({ name: 'ssd', bandwidth: 14e9, flows: 'split', lanes: 1 });
    expect(cpu!.sockets).toMatchObject({ count: 2, numa: 'tensor' });
  });

  it('shows a calibrated machine', () => {
    expect(isCalibrated(HardwareProfileSchema.parse(blocks(text)[1]))).toBe(true);
  });

  it.each([...FLOWS, ...NUMA])('says what %s is', (name) => {
    expect(text).toMatch(new RegExp(`^\\| \`${name}\`.* \\| .+ \\|$`, 'm'));
  });
});

describe('docs/machines.md', () => {
  it('shows files that are read', () => {
    const machines = blocks(page('machines.md')).map((block) => machineOfFile(machineFileSchema.parse(block), 'docs'));
    expect(machines.map(({ gpus }) => gpus[0]!.name)).toContain('rtx-3090');
  });
});

describe('docs/faults.md', () => {
  const text = page('faults.md');

  it('shows faults that a profile may have', () => {
    const [profile] = blocks(text) as [RunInput];
    expect(checkRun(profile, 'faults.md').faults).toEqual([
      { at: 6e9, until: 9e9, link: 'h2d', bandwidth: 0.25 },
      { at: 12e9, gpuMemory: 8 * 2 ** 30 },
    ]);
  });
});
