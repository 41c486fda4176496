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

describe('docs/machines.md', () => {
  const text = page('machines.md');
  const files = blocks(text);
  const parts = files.filter((file) => Object.hasOwn(file as object, 'parts'));
  const calibrated = files.filter((file) => Object.hasOwn(file as object, 'tiers'));
  const pieces = files.filter((file) => !parts.includes(file) && !calibrated.includes(file)) as object[];

  it('shows a machine of parts', () => {
    const machines = parts.map((file) => machineOfFile(machineFileSchema.parse(file), 'docs'));
    expect(machines.map(({ gpus }) => gpus[0]!.name)).toContain('rtx-3090');
    expect(machines.find(({ name }) => name === 'my-box')).toMatchObject({ cpu: { cores: 8 }, ram: { measuredBandwidth: 61e9 } });
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
    const profile = HardwareProfileSchema.parse(Object.assign(machine, ...pieces));
    const { cpu, links } = buildHardware(profile, loadRuntime('ideal'));
    expect(links[1]).toMatchObject({ name: 'ssd', bandwidth: 14e9, flows: 'split', lanes: 1 });
    expect(cpu!.sockets).toMatchObject({ count: 2, numa: 'tensor' });
  });

  it('shows a calibrated machine', () => {
    expect(isCalibrated(HardwareProfileSchema.parse(calibrated[0]))).toBe(true);
  });

  it.each([...FLOWS, ...NUMA])('says what %s is', (name) => {
    expect(text).toMatch(new RegExp(`^\\| \`${name}\`.* \\| .+ \\|$`, 'm'));
  });
});

describe('docs/workloads.md', () => {
  const text = page('workloads.md');

  it('shows faults that a profile may have', () => {
    const profile = blocks(text).find((file) => Object.hasOwn(file as object, 'faults')) as RunInput;
    expect(checkRun(profile, 'workloads.md').faults).toEqual([
      { at: 6e9, until: 9e9, link: 'h2d', bandwidth: 0.25 },
      { at: 12e9, gpuMemory: 8 * 2 ** 30 },
    ]);
  });
});
