// A model that is larger than its memory: bytes that are read again for each token, and what that leaves of its speed.
import { describe, expect, it } from 'vitest';
import { overfullSpeed, overfullText, pagesOf, readAgain } from '../../src/hardware/overfull.js';
import { loadRuntime } from '../../src/hardware/runtime.js';

const GIB = 2 ** 30;
const model = { needs: 19.2 * GIB, has: 16.9 * GIB, touched: 3 * GIB, speed: 14 };
const drive = { place: 'the drive', rate: 3.5e9 };

describe('memory that is too small', () => {
  it('misses what it is too small by, and at most what a token reads', () => {
    expect(readAgain(model) / GIB).toBeCloseTo(2.3, 9);
    expect(readAgain({ ...model, touched: GIB }) / GIB).toBe(1);
    expect(readAgain({ ...model, has: 20 * GIB })).toBe(0);
    expect(overfullSpeed({ ...model, has: 20 * GIB }, drive)).toBeCloseTo(14, 9);
  });

  it('makes each token wait for that', () => {
    // 2.3 GiB at 3.5 GB/s are 706 ms, beside 71 ms.
    expect(1 / overfullSpeed(model, drive)).toBeCloseTo((2.3 * GIB) / 3.5e9 + 1 / 14, 9);
    expect(overfullText(model, drive, 'weights', 'memory')).toBe(
      '19.2 GiB of weights in 16.9 GiB of memory: 2.30 GiB are read from the drive for every token; about 1.29 tok/s in place of 14.0 tok/s',
    );
  });
});

describe('a drive', () => {
  const runtime = loadRuntime('llama.cpp');

  it('is read in pieces of a mapped file, no faster than it is', () => {
    // Four pieces of 128 KiB under way, each 80 us and 37.4 us: 4.46 GB/s, of which a drive of 3.5 GB/s gives what it has.
    expect(pagesOf(3.5e9, runtime)).toEqual({ place: 'the drive', rate: 3.5e9 });
    // At 14 GB/s each takes 80 us and 9.4 us.
    expect(pagesOf(14e9, runtime).rate).toBeCloseTo((4 * 131_072) / (80e-6 + 131_072 / 14e9), -3);
  });

  it('that is not named is a usual one, which the sentence names', () => {
    expect(pagesOf(null, runtime)).toEqual({ place: 'a drive (nvme-3.5GB/s, since none is named)', rate: 3.5e9 });
  });
});
