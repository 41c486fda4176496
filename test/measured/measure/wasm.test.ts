// The kernels compute what they say: sums, STREAM's triad, and dot products of blocks of weights.
import { expect, it } from 'vitest';
import { ACTIVATION_BYTES, BLOCK_BYTES, kernelsOn } from '../../../src/measured/measure/wasm.js';

it('sum adds up numbers of 64 bits', () => {
  const { kernels, memory } = kernelsOn(65536);
  new BigInt64Array(memory.buffer, 1024, 64).forEach((_, i, all) => {
    all[i] = BigInt(i);
  });
  // Lane 0 has those at even places: 0 + 2 + ... + 62.
  expect(kernels.sum(1024, 1024 + 512)).toBe(31 * 32);
});

it('triad is a = b + 3 c', () => {
  const { kernels, memory } = kernelsOn(65536);
  const [a, b, c] = [0, 4096, 8192].map((at) => new Float64Array(memory.buffer, at, 16)) as [Float64Array, Float64Array, Float64Array];
  b.forEach((_, i) => {
    b[i] = i;
    c[i] = 10 * i;
  });
  kernels.triad(0, 4096, 8192, 128);
  expect([...a]).toEqual([...b].map((value) => 31 * value));
});

/** The sum in lane 0 of a kernel: a float whose bits it returns. */
function asFloat(bits: number): number {
  return new Float32Array(new Int32Array([bits]).buffer)[0]!;
}

/** Lane 0 of four sums of 32 products: with products in pairs of pairs, places 0, 1, 8, 9, 16, 17, 24, 25. */
const LANE = [0, 1, 8, 9, 16, 17, 24, 25];

it('q8 multiplies, and scales each block', () => {
  const { kernels, memory } = kernelsOn(65536);
  const view = new DataView(memory.buffer);
  const blocks = [0.5, 2];
  blocks.forEach((scale, block) => {
    view.setFloat32(block * BLOCK_BYTES.q8, scale, true);
    for (let i = 0; i < 32; i++) view.setInt8(block * BLOCK_BYTES.q8 + 4 + i, block === 0 ? i - 16 : -i);
  });
  for (let i = 0; i < 32; i++) view.setInt8(4096 + i, i % 5);
  const expected = blocks.reduce(
    (sum, scale, block) => sum + scale * LANE.reduce((inner, i) => inner + (block === 0 ? i - 16 : -i) * (i % 5), 0),
    0,
  );
  // Activations of one block: the second block sees them again.
  expect(asFloat(kernels.q8(0, 2 * BLOCK_BYTES.q8, 4096, 4096 + ACTIVATION_BYTES.q8))).toBeCloseTo(expected, 4);
});

it('q4 unpacks low and high halves, less 8', () => {
  const { kernels, memory } = kernelsOn(65536);
  const view = new DataView(memory.buffer);
  view.setFloat32(0, 0.25, true);
  for (let i = 0; i < 16; i++) view.setUint8(4 + i, i | ((15 - i) << 4));
  for (let i = 0; i < 32; i++) view.setInt8(4096 + i, 1 + (i % 3));
  const weight = (i: number): number => (i < 16 ? i : 15 - (i - 16)) - 8;
  const expected = 0.25 * LANE.reduce((sum, i) => sum + weight(i) * (1 + (i % 3)), 0);
  expect(asFloat(kernels.q4(0, BLOCK_BYTES.q4, 4096, 4096 + ACTIVATION_BYTES.q4))).toBeCloseTo(expected, 4);
});

it('f32 multiplies', () => {
  const { kernels, memory } = kernelsOn(65536);
  new Float32Array(memory.buffer, 0, 32).fill(2);
  new Float32Array(memory.buffer, 4096, 32).fill(3);
  // Lane 0 has every fourth of 32 products of 6.
  expect(asFloat(kernels.f32(0, 128, 4096, 4096 + 128))).toBe(48);
});
