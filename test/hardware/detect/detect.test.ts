// Detection on machines of many kinds, from what their tools print: the right parts, or "not seen".
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { locateYaml } from '../../../src/base/yaml.js';
import type { Answer } from '../../../src/hardware/detect/ask.js';
import { type Detection, detectFrom } from '../../../src/hardware/detect/compose.js';
import { TOOLS } from '../../../src/hardware/detect/tools/index.js';
import { machineFileOf, machineFileText } from '../../../src/hardware/detect/write.js';
import { machineFileSchema, machineOfFile } from '../../../src/hardware/machine-file.js';

const MACHINES = fileURLToPath(new URL('../../fixtures/machines', import.meta.url));

/** Answers of a fixture's tools; one without a file is not installed. */
function answersOf(machine: string, platform: NodeJS.Platform = 'linux'): Answer[] {
  return TOOLS.filter(({ platforms = ['linux'] }) => platforms.includes(platform)).map((tool) => {
    const path = join(MACHINES, machine, `${tool.name}.txt`);
    return existsSync(path) ? { tool, text: readFileSync(path, 'utf8'), why: '' } : { tool, text: null, why: 'is not installed' };
  });
}

const partsOf = ({ parts }: Detection): string => parts.map(({ part }) => part).join('+');

/** What stands in a fixture, by hand: parts, changes, and words that remarks and what was not seen must have, all of them and no other. */
interface Expected {
  readonly platform?: NodeJS.Platform;
  readonly parts: string;
  readonly nearest?: readonly string[];
  readonly changes?: object;
  readonly remarks?: readonly RegExp[];
  readonly notSeen?: readonly RegExp[];
}

const DRIVE = /^The rate of the drive was not seen/;
const EXPECTED: Readonly<Record<string, Expected>> = {
  'linux-desktop': {
    parts: 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16+nvme-7GB/s-2TB',
    remarks: [/^Raphael shares the memory/, /^1 more drive/],
    notSeen: [DRIVE],
  },
  'two-gpus': {
    parts: '2xrtx-4090+i9-13900k+2xddr5-4000+128GB+pcie4x8+nvme-7GB/s-4TB',
    remarks: [/^gtx-1050-ti is left out/, /with 8 of its 16 PCIe lanes/, /300 of 450 W/, /4000 of 5600 million/],
    notSeen: [DRIVE],
  },
  'dual-socket': {
    parts: 'a100-80g-pcie+2xxeon-gold-6454s+16xddr5-4800+1024GB+pcie4x16+nvme-7GB/s-3.8TB',
    remarks: [/250 of 300 W/, /2 NUMA nodes/, /^1 more drive/],
    notSeen: [DRIVE],
  },
  laptop: {
    parts: 'rtx-4070-laptop+ryzen-7-7840hs+2xddr5-5600+32GB+pcie4x8+nvme-7GB/s-1TB',
    remarks: [/^Phoenix1 shares the memory/],
    notSeen: [DRIVE],
  },
  macos: { platform: 'darwin', parts: 'm4-max-gpu-32+36GB+nvme-3.3GB/s-1TB', notSeen: [DRIVE] },
  windows: {
    platform: 'win32',
    parts: 'rtx-4060-ti-16gb+i5-13600k+1xddr5-4800+32GB+pcie4x8+nvme-3.3GB/s-1TB+windows',
    remarks: [/UHD Graphics 770 shares/, /^1 of 2 memory channels are filled: .* 50 %/],
    notSeen: [DRIVE],
  },
  container: {
    parts: 'h100-80g+2xxeon-platinum-8480++128GB+pcie5x16+nvme-7GB/s-3.8TB',
    changes: { cpu: { cores: 8 } },
    remarks: [/leaves 128 GiB of 1.97 TiB/, /leaves 16 of 112 cores/],
    notSeen: [/^The memory modules were not seen: .*xeon-platinum-8480\+/, DRIVE, /^udev-dmi is not installed/],
  },
  jetson: {
    parts: 'jetson-agx-orin-64gb+64GB+nvme-3.3GB/s-1TB',
    remarks: [/^1 more drive/],
    notSeen: [DRIVE],
  },
  'amd-desktop': {
    parts: 'rx-7900-xtx+ryzen-9-5900x+2xddr4-2666+64GB+pcie4x4+nvme-7GB/s-1TB',
    remarks: [/4 of its 16 PCIe lanes/, /2666 of 3600/],
    notSeen: [DRIVE],
  },
  'strix-halo': { parts: 'ryzen-ai-max-395+128GB+nvme-7GB/s-2TB', notSeen: [DRIVE] },
  'cloud-vm': {
    parts: 'epyc-7763+24GB',
    nearest: ['epyc-7763'],
    changes: { cpu: { cores: 2 } },
    remarks: [/^This is a virtual machine \(KVM\)/],
    notSeen: [/^The memory modules/, /^The drive is virtual/, /^udev-dmi is not installed/],
  },
  'small-container': {
    parts: 'xeon-platinum-8358+32GB',
    nearest: ['xeon-platinum-8358'],
    changes: { cpu: { cores: 4 } },
    remarks: [/^This is a virtual machine/],
    notSeen: [/^The memory modules/, /^No drive/, /^udev-dmi/, /^sysfs-disks/],
  },
  'unknown-parts': {
    parts: 'rtx-5080+ryzen-9-9950x+2xddr5-6400+96GB+pcie5x16+nvme-12GB/s-2TB',
    nearest: ['rtx-5080', 'ryzen-9-9950x'],
    changes: { cpu: { cores: 20 }, gpu: { memoryBytes: 20 * 2 ** 30 } },
    notSeen: [DRIVE],
  },
};

describe('fixtures', () => {
  it('are all expected', () => {
    expect(readdirSync(MACHINES).filter((name) => !name.includes('.'))).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('%s', (name, { changes = {}, nearest = [], notSeen = [], parts, platform, remarks = [] }) => {
    const detection = detectFrom(answersOf(name, platform));
    expect(partsOf(detection)).toBe(parts);
    expect(detection.parts.filter(({ exact }) => !exact).map(({ part }) => part)).toEqual(nearest);
    const { cpu, gpu } = detection;
    expect({ ...(cpu && { cpu }), ...(gpu && { gpu }) }).toEqual(changes);
    expect(detection.remarks).toEqual(remarks.map((pattern) => expect.stringMatching(pattern)));
    expect(detection.notSeen).toEqual(notSeen.map((pattern) => expect.stringMatching(pattern)));
  });

  it.each(Object.entries(EXPECTED))('%s is read again from its file', (name, { platform }) => {
    const detection = detectFrom(answersOf(name, platform));
    const { value } = locateYaml(machineFileText(detection, 'box'), 'box.yaml', machineFileSchema);
    expect(value).toEqual(machineFileOf(detection, 'box'));
    const machine = machineOfFile(value, 'box.yaml');
    expect(machine.name).toBe('box');
    if (detection.cpu?.cores !== undefined) expect(machine.cpu!.cores).toBe(detection.cpu.cores);
    if (detection.gpu !== undefined) expect(machine.gpus[0]!.memoryBytes).toBe(detection.gpu.memoryBytes);
  });
});

describe('tools that print something else', () => {
  const asked = TOOLS.filter(({ platforms = ['linux'] }) => platforms.includes('linux'));

  it.each([
    '',
    '\0\0',
    'command not found',
    '{"a": [1, {',
    '[]',
    'null',
    '{"cpu": 3, "graphics": {"controllers": 7}}',
    ',,,,,,,\n',
    '==> x <==',
  ])('tell nothing: %j', (text) => {
    const detection = detectFrom(asked.map((tool) => ({ tool, text, why: '' })));
    expect(detection.parts.map(({ part }) => part)).toEqual([]);
    expect(detection.notSeen.length).toBeGreaterThan(0);
  });

  it('a memory of more channels than the CPU has is left out and said', () => {
    const answers = answersOf('linux-desktop').map((answer) =>
      answer.tool.name === 'udev-dmi' ? { ...answer, text: answer.text!.replaceAll('DDR5', 'DDR5-ECC') } : answer,
    );
    const detection = detectFrom(answers);
    expect(partsOf(detection)).toBe('rtx-3090+ryzen-9-7950x+64GB+pcie4x16+nvme-7GB/s-2TB');
    expect(detection.notSeen[0]).toMatch(/^Type or speed of the memory modules/);
  });
});
