// What drives deliver: by size of reads and how many are under way, and as runtimes read them.
import { describe, expect, it } from 'vitest';
import { readOver, readRate } from '../../src/hardware/load.js';
import { loadRuntime, type RuntimeSpec } from '../../src/hardware/runtime.js';
import type { LinkSpec } from '../../src/hardware/spec.js';
import { loadHardware } from '../../src/runtime/machine.js';

/** 1 GB/s, 100 us to the first byte. */
const DRIVE = { bandwidth: 1e9, latencyNs: 100e3 };
const LINK: LinkSpec = { name: 'ssd', ...DRIVE, lanes: 2, chunkBytes: null };
const reading = (read: RuntimeSpec['read']): RuntimeSpec => ({ ...loadRuntime('llama.cpp'), read });

describe('readRate', () => {
  it('is reads under way x size / (latency + size / bandwidth), and no more than the drive has', () => {
    // 100 KB in 100 + 100 us.
    expect(readRate(DRIVE, 100e3, 1)).toBe(0.5e9);
    expect(readRate(DRIVE, 100e3, 1.5)).toBe(0.75e9);
    expect(readRate(DRIVE, 100e3, 8)).toBe(1e9);
    // 900 KB in 100 + 900 us.
    expect(readRate(DRIVE, 900e3, 1)).toBe(0.9e9);
  });

  it('is what a mapped file was measured to give, one fault at a time: 1.22 GB/s in pieces of 128 KiB', () => {
    const rate = readRate({ bandwidth: 3.5e9, latencyNs: 80e3 }, 128 * 1024, 1);
    expect(rate / 1.22e9).toBeGreaterThan(0.9);
    expect(rate / 1.22e9).toBeLessThan(1);
  });
});

describe('a link from drives', () => {
  it('is as the drive takes whole experts', () => {
    expect(readOver(LINK, reading({ size: 'expert', inFlight: 1 }))).toBe(LINK);
    const h2d: LinkSpec = { ...LINK, name: 'h2d' };
    expect(readOver(h2d, reading({ size: 4096, inFlight: 1 }))).toBe(h2d);
  });

  it('has the rate of pieces where a file is mapped, one expert after another', () => {
    const mapped = readOver(LINK, reading({ size: 100e3, inFlight: 1 }));
    expect(mapped).toEqual({ name: 'ssd', bandwidth: 0.5e9, latencyNs: 0, lanes: 1, chunkBytes: null });
  });

  it('shares its reads among the drives of an array, which is no faster than one drive that has them all', () => {
    const array: LinkSpec = { ...LINK, bandwidth: 2e9, lanes: 1, flows: 'split', paths: [DRIVE, DRIVE] };
    const reached = readOver(array, reading({ size: 100e3, inFlight: 2 }));
    expect(reached).toMatchObject({
      bandwidth: 1e9,
      paths: [
        { bandwidth: 0.5e9, latencyNs: 0 },
        { bandwidth: 0.5e9, latencyNs: 0 },
      ],
    });
    expect(readOver(LINK, reading({ size: 100e3, inFlight: 2 })).bandwidth).toBe(1e9);
  });
});

describe('runtimes', () => {
  const machine = 'rtx-3090+ryzen-9-7950x+64GB+nvme-7GB/s';
  const rateOf = (runtime: string, drives = machine) => loadHardware(drives, undefined, [], loadRuntime(runtime)).links[1]!.bandwidth;

  it('read a mapped file in pieces, or whole experts', () => {
    // Four of 128 KiB in 80 us + 131,072 / 7 GB/s.
    expect(rateOf('llama.cpp')).toBeCloseTo((4 * 131_072) / (80e-6 + 131_072 / 7e9));
    expect(rateOf('ik_llama.cpp')).toBe(rateOf('llama.cpp'));
    for (const whole of ['colibri', 'bigmoeonedge', 'imp', 'hf-eager', 'moe-infinity', 'vllm', 'ideal'])
      expect(rateOf(whole), whole).toBe(7e9);
  });

  it('gain little from an array where they read pieces', () => {
    const gain = (runtime: string) => rateOf(runtime, machine.replace('nvme', '2xnvme')) / rateOf(runtime);
    expect(gain('llama.cpp')).toBeLessThan(1.05);
    expect(gain('colibri')).toBe(2);
  });
});
