// Machines composed of parts: what is given is taken, what is not is said, and what cannot be is refused in one line.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { isComposition, parseMachine } from '../../src/hardware/machine.js';
import { memoryRate } from '../../src/hardware/parts/memory.js';
import { pcieRate } from '../../src/hardware/parts/pcie.js';

const GIB = 2 ** 30;

/** The message of the error that a text is refused with. */
function refusal(text: string): string {
  try {
    parseMachine(text);
  } catch (error) {
    expect(error, text).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error(`"${text}" was accepted`);
}

describe('a machine composed of parts', () => {
  const whole = 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16+nvme-7GB/s';

  it('is what its parts say', () => {
    const machine = parseMachine(`${whole}-2TB`);
    expect(machine).toMatchObject({
      name: `${whole}-2TB`,
      sockets: 1,
      unified: false,
      ram: { type: 'ddr5', mts: 6000, channels: 2, bytes: 64 * GIB },
      pcie: { generation: 4, lanes: 16 },
      disks: [{ bandwidth: 7e9, bytes: 2e12 }],
      standIns: [],
      defaults: [],
    });
    expect(machine.gpus).toMatchObject([
      { name: 'rtx-3090', vendor: 'nvidia', memoryBytes: 24 * GIB, memoryBandwidth: 936e9, fp16Flops: 71e12 },
    ]);
    expect(machine.cpu).toMatchObject({ name: 'ryzen-9-7950x', cores: 16, clockHz: 4.5e9, isa: 'avx512-vnni', l3Bytes: 64 * 2 ** 20 });
    // 6000 MT/s x 8 bytes x 2 channels; 16 GT/s x 128/130 / 8 x 16 lanes.
    expect(memoryRate(machine.ram!)).toBe(96e9);
    expect(pcieRate(machine.pcie!) / 1e9).toBeCloseTo(31.508, 3);
  });

  it('has one name, however it is written', () => {
    const mixed = 'nvme-7GB/s + PCIe-4.0-x16 + 64 GB + NVIDIA GeForce RTX 3090 + 2 x DDR5-6000 + AMD Ryzen 9 7950X 16-Core Processor';
    expect(parseMachine(mixed)).toEqual(parseMachine(whole));
    for (const size of ['64GiB', '64G', '64 GB ram'])
      expect(parseMachine(`${size}+rtx3090+RYZEN_9_7950x`).name).toBe('rtx-3090+ryzen-9-7950x+64GB');
  });

  it('counts cards, sockets and drives', () => {
    const machine = parseMachine('2xrtx-3090+dual-epyc-9355+24xddr5-6000+1.5TB+2xnvme-7GB/s');
    expect(machine.gpus.map(({ name }) => name)).toEqual(['rtx-3090', 'rtx-3090']);
    expect(machine).toMatchObject({ name: '2xrtx-3090+2xepyc-9355+24xddr5-6000+1536GB+2xnvme-7GB/s', sockets: 2 });
    expect(machine.ram).toMatchObject({ channels: 24, bytes: 1536 * GIB });
    expect(machine.disks).toHaveLength(2);
    expect(parseMachine('rtx-5090+rtx-3090+rtx-3090').name).toBe('rtx-5090+2xrtx-3090');
  });

  it('takes what was measured', () => {
    const machine = parseMachine('a10@514GB/s+xeon-platinum-8358+8xddr4-3200@152GB/s+pcie4x16@25.2GB/s');
    expect(machine.gpus[0]).toMatchObject({ memoryBandwidth: 600e9, measuredBandwidth: 514e9 });
    expect(machine.ram).toMatchObject({ measuredBandwidth: 152e9 });
    expect(machine.pcie).toEqual({ generation: 4, lanes: 16, measuredBandwidth: 25.2e9 });
    expect(machine.name).toBe('a10@514GB/s+xeon-platinum-8358+8xddr4-3200@152GB/s+pcie4x16@25.2GB/s');
    expect(parseMachine('gb10@231GB/s').gpus[0]).toMatchObject({ measuredBandwidth: 231e9 });
  });

  it('keeps a plus sign that belongs to a name', () => {
    expect(parseMachine('rtx-4090+xeon-platinum-8480+').cpu!.name).toBe('xeon-platinum-8480+');
    expect(parseMachine('xeon-platinum-8480++8xddr5-4800').name).toBe('xeon-platinum-8480++8xddr5-4800');
    expect(parseMachine('AMD RYZEN AI MAX+ 395 w/ Radeon 8060S').name).toBe('ryzen-ai-max-395');
    expect(parseMachine('apple-m4-max+128GB').name).toBe('apple-m4-max+128GB');
    expect(parseMachine('ryzen-ai-max+-395+64GB').gpus[0]).toMatchObject({ name: 'radeon-8060s', memoryBytes: 64 * GIB });
  });
});

describe('parts that are not given', () => {
  it('are usual ones, each said', () => {
    const { cpu, defaults, disks, pcie, ram, standIns } = parseMachine('rtx-3090');
    expect(cpu!.name).toBe('ryzen-7-7700x');
    expect(ram).toEqual({ type: 'ddr5', mts: 5200, channels: 2, bytes: 64 * GIB });
    expect(pcie).toEqual({ generation: 4, lanes: 16 });
    expect(disks).toEqual([]);
    expect(standIns).toEqual([
      'CPU not given: ryzen-7-7700x (8 cores), usual beside a desktop card.',
      'Memory not given: 2xddr5-5200, the fastest that ryzen-7-7700x lists.',
      'PCIe not given: 4x16, of rtx-3090.',
    ]);
    expect(defaults).toEqual(['Size of the memory not given: 64GB, modules of 32GB.']);
  });

  it('follow the kind of computer', () => {
    expect(parseMachine('rtx-5090-laptop')).toMatchObject({ cpu: { name: 'i9-13900hx' }, ram: { bytes: 32 * GIB } });
    expect(parseMachine('rtx-a6000')).toMatchObject({ cpu: { name: 'threadripper-7960x' }, ram: { channels: 4, bytes: 128 * GIB } });
    expect(parseMachine('h100-80g')).toMatchObject({ cpu: { name: 'xeon-platinum-8480+' }, ram: { channels: 8, bytes: 512 * GIB } });
    expect(parseMachine('h100-80g+2xepyc-9354')).toMatchObject({ ram: { channels: 24, mts: 4800, bytes: 1536 * GIB } });
  });

  it('are the slot that card and CPU have in common', () => {
    const old = parseMachine('rtx-5090+ryzen-5-5600x');
    expect(old.pcie).toEqual({ generation: 4, lanes: 16 });
    expect(old.standIns).toContain('PCIe not given: 4x16, of rtx-5090 on ryzen-5-5600x.');
    expect(parseMachine('rtx-4060-ti-8gb').pcie).toEqual({ generation: 4, lanes: 8 });
    const wide = parseMachine('rtx-4060-ti-8gb+ryzen-9-7950x+pcie5x16');
    expect(wide.pcie).toEqual({ generation: 4, lanes: 8 });
    expect(wide.defaults).toContain('pcie5x16 runs at 4x8, which is all that rtx-4060-ti-8gb takes.');
    expect(parseMachine('rtx-3090+ryzen-9-7950x+pcie3x4').pcie).toEqual({ generation: 3, lanes: 4 });
  });

  it('are channels, and the size of a disk', () => {
    const { defaults, disks, ram, standIns } = parseMachine('rtx-3090+ryzen-9-7950x+ddr5-6000+64GB+pcie4x16+nvme-7GB/s');
    expect(ram).toEqual({ type: 'ddr5', mts: 6000, channels: 2, bytes: 64 * GIB });
    expect(disks[0]!.bytes).toBe(2e12);
    expect(standIns).toEqual(['Channels of the memory not given: 2, all that ryzen-9-7950x has.']);
    expect(defaults).toEqual([]);
  });

  it('are the rate of a usual drive', () => {
    const { defaults, disks, name } = parseMachine('ryzen-9-9950x+2xddr5-6000+256GB+2xnvme+SATA');
    expect(name).toBe('ryzen-9-9950x+2xddr5-6000+256GB+2xnvme-7GB/s+sata-550MB/s');
    expect(disks.map((disk) => [disk.bandwidth, disk.latencyNs])).toEqual([
      [7e9, 80e3],
      [7e9, 80e3],
      [550e6, 80e3],
    ]);
    expect(defaults.slice(1)).toEqual([
      'Rate of the drive not given: nvme-7GB/s, usual of PCIe 4.0 x4.',
      'Rate of the drive not given: sata-550MB/s, usual of SATA at 6 Gbit/s.',
    ]);
    expect(disks[0]).toEqual({ name: 'nvme-7GB/s', bandwidth: 7e9, latencyNs: 80e3, bytes: 2e12 });
  });

  it('are no GPU beside a CPU', () => {
    const machine = parseMachine('ryzen-9-9950x+2xddr5-6000+256GB+nvme-7GB/s-1TB');
    expect(machine).toMatchObject({ gpus: [], pcie: null, unified: false });
    expect(machine.defaults).toEqual(['GPU not given: none, the CPU computes everything.']);
  });
});

describe('a chip that holds both', () => {
  it('is a machine of one part', () => {
    const mac = parseMachine('apple-m1-ultra');
    expect(mac).toMatchObject({ name: 'apple-m1-ultra', unified: true, pcie: null, cpu: { name: 'apple-m1-ultra', cores: 20 } });
    expect(mac.gpus).toMatchObject([{ name: 'm1-ultra-gpu-64', memoryBandwidth: 800e9, memoryBytes: 128 * GIB }]);
    expect(mac.ram).toMatchObject({ channels: 32, type: 'lpddr5', bytes: 128 * GIB });
    expect(mac.defaults).toEqual([
      'GPU not given: m1-ultra-gpu-64, the largest of apple-m1-ultra.',
      'Size of the memory not given: 128GB, the most that it is sold with.',
    ]);
  });

  it('may be named by its GPU', () => {
    const mac = parseMachine('m1-ultra-gpu-48+64GB+ssd-7GB/s-1TB');
    expect(mac).toMatchObject({ name: 'm1-ultra-gpu-48+64GB+ssd-7GB/s-1TB', cpu: { name: 'apple-m1-ultra' }, defaults: [] });
    expect(parseMachine('apple-m1-ultra+m1-ultra-gpu-48').gpus[0]!.name).toBe('m1-ultra-gpu-48');
  });

  it.each(['gb10', 'ryzen-ai-max-395', 'strix-halo', 'Apple M4 Max', 'jetson-agx-orin', 'dgx-spark'])('%s', (name) => {
    expect(parseMachine(name).unified).toBe(true);
  });

  it('is a CPU beside a card', () => {
    const machine = parseMachine('rtx-3090+ryzen-ai-max-395+128GB');
    expect(machine).toMatchObject({ unified: false, ram: { type: 'lpddr5x', channels: 8, bytes: 128 * GIB }, pcie: { generation: 4 } });
    expect(memoryRate(machine.ram!)).toBe(256e9);
  });
});

describe('what cannot be', () => {
  it.each([
    ['rtx-3091+ryzen-9-7950x', 'unknown part "rtx-3091": did you mean "rtx-3090"'],
    ['rtx-3090+ryzen-9-7950', 'unknown part "ryzen-9-7950": did you mean "ryzen-9-7950x"'],
    ['2xrtx-309+64GB', 'unknown part "rtx-309": did you mean "rtx-3090"'],
    ['rtx-3090+ddr7-6000', 'unknown part "ddr7-6000"'],
    ['+rtx-3090', 'begins with a plus sign'],
    ['rtx-3090+2x\nssd', 'a drive needs its rate'],
    ['rtx-3060+32', '"32" has no unit; memory is written as 32GB'],
    ['64GB+2xddr5-6000', 'a machine needs a GPU or a CPU'],
    ['rtx-3090+64GB+32GB', 'the size of the memory is given twice'],
    ['rtx-3090+0GB', '"0GB" is no memory'],
    ['rtx-3090+2xddr5-6000+2xddr5-5600', 'memory is given twice'],
    ['rtx-3090+pcie4x16+pcie3x16', 'PCIe is given twice'],
    ['rtx-3090+windows+Windows', 'Windows is given twice'],
    ['rtx-3090+pcie4', '"pcie4" is not a slot; write generation x lanes, e.g. pcie4x16'],
    ['rtx-3090+pcie9x16', '"pcie9x16" is not a slot'],
    ['rtx-3090+pcie4x5', '"pcie4x5" is not a slot'],
    ['rtx-3090+ssd', '"ssd": a drive needs its rate'],
    ['rtx-3090+nvme-2TB', '"nvme-2TB": a drive needs its rate'],
    ['rtx-3090+nvme-7GB', '"nvme-7GB": a drive needs its rate'],
    ['rtx-3090+nvme-0GB/s', 'a drive needs its rate'],
    ['rtx-3090+nvme-7GB/s-1TB-2TB', 'may have a size and a latency'],
    ['rtx-3090+nvme-7GB/s-fast', 'may have a size and a latency'],
    ['rtx-3090+ryzen-9-7950x+i9-13900k', 'the CPU is given twice'],
    ['rtx-3090+2xryzen-9-7950x', 'there is no board for several ryzen-9-7950x'],
    ['rtx-3090+4xepyc-9355', 'a board takes 2 epyc-9355 at most'],
    ['0xrtx-3090', 'write 1 to 64 of a part'],
    ['100xrtx-3090', 'write 1 to 64 of a part'],
    ['64xrtx-3090+rtx-4090', '"rtx-4090": is one more than the 64 that a machine has'],
    ['nvme-7GB/s+64xnvme-7GB/s', '"64xnvme-7GB/s": is one more than the 64 that a machine has'],
    ['rtx-3090+ryzen-9-7950x+4xddr5-6000', '4xddr5-6000: ryzen-9-7950x has 2 channels; count channels, not modules'],
    ['rtx-3090+2xepyc-9355+32xddr5-6000', '2 epyc-9355 have 24 channels'],
    ['rtx-3090@0GB/s', 'a measured rate of 0'],
    ['rtx-3090+ryzen-9-7950x@60GB/s', 'a measured rate belongs to memory: write it as 2xddr5-5200@60GB/s'],
    ['ryzen-9-7950x+pcie4x16', 'pcie4x16 has no GPU to feed'],
    ['rtx-3090+apple-m4-max', 'apple-m4-max has no slot for a card'],
    ['apple-m4-max+2xddr5-6000', 'apple-m4-max has its memory soldered (16xlpddr5x-8533)'],
    ['gb10+pcie4x16', 'gb10 feeds its GPU without PCIe'],
    ['rtx-3090+radeon-8060s', 'radeon-8060s is on the chip of ryzen-ai-max-395'],
    ['m4-max-gpu-40+ryzen-9-7950x', 'm4-max-gpu-40 is on the chip of apple-m4-max; leave ryzen-9-7950x out'],
  ])('%s is refused in one line', (text, message) => {
    expect(refusal(text)).toContain(message);
    expect(refusal(text)).not.toContain('\n');
  });
});

describe('which texts are machines of parts', () => {
  it.each([
    'rtx-3090+ryzen-9-7950x',
    'rtx-3060',
    '2xrtx-3090',
    'dual-epyc-9355',
    'NVIDIA GeForce RTX 3090',
    'x+y',
    'gb10@231GB/s',
    'rtx-3090+nvme-7GB/s',
  ])('%s is', (text) => {
    expect(isComposition(text)).toBe(true);
  });

  it.each(['./a+b.yaml', 'my+machine.yaml', '../a+b', '/tmp/a+b', '~/a+b', 'nosuch', '', 'C:\\a+b', 'machine.json'])(
    '"%s" is not',
    (text) => {
      expect(isComposition(text)).toBe(false);
    },
  );
});
