// The kernels of path retrieval against the same arithmetic written plainly.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { BLOCK, MOST_ROWS, ONE, pathKernelsOn, SCRATCH_BYTES } from '../../../src/predict/retrieval/path-kernels.js';

const PATHS = 3 * BLOCK;
const random = new Random(1, 'test/kernels');
/** Rounds a fraction of 2^15 to the nearest, halves up. */
const scaled = (value: number, factor: number) => Math.floor((value * factor + 2 ** 14) / 2 ** 15);

/** A memory with a list of addresses, three rows of 16-bit numbers, a list of results and rows of bits. */
function memory() {
  const list = SCRATCH_BYTES;
  const near = 128;
  const [whole, before, to, out] = [1, 2, 3, 4].map((i) => near + i * 2 * PATHS) as [number, number, number, number];
  const bits = out + 8 * PATHS;
  const made = pathKernelsOn(bits + MOST_ROWS * (PATHS / 8));
  const shorts = (at: number) => new Int16Array(made.memory.buffer, at, PATHS);
  return { ...made, list, near, whole, before, to, out, bits, shorts, words: new Int32Array(made.memory.buffer) };
}

describe('share', () => {
  it.each([1, 2, 8, MOST_ROWS])('counts in how many of %i rows a path stands, and lets what it counted before fade', (rows) => {
    const { bits, kernels, list, memory: raw, near, shorts, whole, words } = memory();
    const bytes = new Uint8Array(raw.buffer);
    const expectedNear = new Array<number>(PATHS).fill(0);
    const expectedWhole = new Array<number>(PATHS).fill(0);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < (rows * PATHS) / 8; i++) bytes[bits + i] = random.below(256);
      // A path that stands in all rows, and one that stands in none.
      for (let r = 0; r < rows; r++) {
        words[list / 4 + r] = bits + (r * PATHS) / 8;
        bytes[bits + (r * PATHS) / 8]! |= 1;
        bytes[bits + (r * PATHS) / 8]! &= ~2;
      }
      kernels.share(list, list + 4 * rows, PATHS / 8, near, whole, 26214, 6);
      for (let path = 0; path < PATHS; path++) {
        let count = 0;
        for (let r = 0; r < rows; r++) count += (bytes[bits + (r * PATHS) / 8 + (path >> 3)]! >> (path & 7)) & 1;
        expectedNear[path] = scaled(expectedNear[path]!, 26214) + 64 * count;
        expectedWhole[path]! += count;
      }
    }
    expect([...shorts(near)]).toEqual(expectedNear);
    expect([...shorts(whole)]).toEqual(expectedWhole);
    expect(shorts(whole)[0]).toBe(3 * rows);
    expect(shorts(near)[1]).toBe(0);
  });
});

describe('scan', () => {
  it('lists the paths above a limit in order, with their similarity', () => {
    const { before, kernels, near, out, shorts, whole, words } = memory();
    const [nears, wholes, befores] = [shorts(near), shorts(whole), shorts(before)];
    for (let path = 0; path < PATHS; path++) {
      nears[path] = random.below(9000);
      wholes[path] = random.below(40);
      befores[path] = random.below(16000);
    }
    for (const least of [0, 9000, 12_000, 14_000, 32_000]) {
      const end = kernels.scan(near, near + 2 * PATHS, whole, before, ONE, 85, 11_000, least, out);
      const expected: number[] = [];
      for (let path = 0; path < PATHS; path++) {
        const similarity = scaled(nears[path]!, ONE) + 85 * wholes[path]! + scaled(befores[path]!, 11_000);
        if (similarity > least) expected.push(path, similarity);
      }
      expect([...words.subarray(out / 4, end / 4)]).toEqual(expected);
    }
  });

  it('stops at the largest number of 16 bits', () => {
    const { before, kernels, near, out, shorts, whole, words } = memory();
    shorts(near)[5] = 30_000;
    shorts(whole)[5] = 100;
    const end = kernels.scan(near, near + 2 * BLOCK, whole, before, ONE, 100, 0, 32_000, out);
    expect([...words.subarray(out / 4, end / 4)]).toEqual([5, 32_767]);
  });
});

describe('carry', () => {
  it('adds what was shared to what is left of before', () => {
    const { before, kernels, shorts, to, whole } = memory();
    for (let path = 0; path < PATHS; path++) {
      shorts(whole)[path] = random.below(300);
      shorts(before)[path] = random.below(8000);
    }
    kernels.carry(whole, whole + 2 * PATHS, before, to, 13_107, 4);
    const expected = Array.from({ length: PATHS }, (_, path) => 16 * shorts(whole)[path]! + scaled(shorts(before)[path]!, 13_107));
    expect([...shorts(to)]).toEqual(expected);
  });
});

describe('vote', () => {
  it("adds a voter's weight to the experts of its path at a layer, and to nobody's where it chose none", () => {
    const size = 4 * 65_536;
    const [list, paths, votes] = [SCRATCH_BYTES, 256, 1024];
    const { kernels, memory: raw } = pathKernelsOn(votes + size);
    const words = new Int32Array(raw.buffer);
    // Two paths of three layers, two choices each.
    new Uint16Array(raw.buffer, paths).set([9, 8, 0, 3, 7, 7, 9, 9, 3, 65_535, 5, 5]);
    words.set([paths, 100, paths + 12, 7], list / 4);
    kernels.vote(list, list + 16, 4, 4, votes);
    const counted = new Uint32Array(raw.buffer, votes, 65_536);
    expect([0, 3, 5, 7, 8, 9, 65_535].map((expert) => counted[expert])).toEqual([100, 107, 0, 0, 0, 0, 7]);
  });
});
