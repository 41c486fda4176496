// The kernels compute what they say: sums, and STREAM's triad.
import { expect, it } from 'vitest';
import { kernelsOn } from '../../../src/measured/measure/wasm.js';

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
