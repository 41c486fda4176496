// Bits and blocks of kernel formats, against what ggml's and ik_llama.cpp's tools print for them.
import { describe, expect, it } from 'vitest';
import { ggmlFormat, KERNEL_FORMATS, kernelFormat, storedIn } from '../../../src/model/quantization/formats/index.js';

describe('kernel formats', () => {
  it.each([
    // Names and bits as llama-quantize lists them.
    ['q2_k', 2.625],
    ['q3_k', 3.4375],
    ['iq1_s', 1.5625],
    ['iq1_m', 1.75],
    ['iq2_xxs', 2.0625],
    ['iq2_xs', 2.3125],
    ['iq2_s', 2.5625],
    ['iq3_xxs', 3.0625],
    ['iq3_s', 3.4375],
    ['iq4_xs', 4.25],
    ['iq4_nl', 4.5],
    ['tq1_0', 1.6875],
    ['tq2_0', 2.0625],
    ['mxfp4', 4.25],
    ['nvfp4', 4.5],
    ['iq2_k', 2.375],
    ['iq2_ks', 2.1875],
    ['iq2_kl', 2.6875],
    ['iq3_k', 3.4375],
    ['iq4_ks', 4.25],
    ['iq4_kss', 4],
    ['iq5_ks', 5.25],
    ['iq6_k', 6.625],
    ['iq1_kt', 1.75],
    ['iq2_kt', 2.125],
    ['iq3_kt', 3.125],
    ['iq4_kt', 4],
    ['mlx4', 4.5],
    ['mlx6', 6.5],
  ])('%s has %f bits', (name, bits) => {
    expect(kernelFormat(name)!.bits).toBe(bits);
  });

  it('have one name and one number each, and fall back to others that are there', () => {
    expect(new Set(KERNEL_FORMATS.map(({ name }) => name)).size).toBe(KERNEL_FORMATS.length);
    const numbers = KERNEL_FORMATS.flatMap(({ ggml }) => ggml ?? []);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const { fallback, plain } of KERNEL_FORMATS) {
      expect(kernelFormat(plain)).not.toBeNull();
      if (fallback !== null) expect(kernelFormat(fallback)!.weights).toBeLessThan(256);
    }
  });

  it('are found by their number in GGUF files', () => {
    expect(ggmlFormat(12)?.name).toBe('q4_k');
    expect(ggmlFormat(39)?.name).toBe('mxfp4');
    expect(ggmlFormat(337)).toMatchObject({ name: 'iq2_k_r4', plain: 'iq2_k', rows: 4, bytes: 76, weights: 256 });
    expect(ggmlFormat(9999)).toBeNull();
  });

  it('add the scale of a row to its bits', () => {
    expect(storedIn('iq4_ks', 2048)).toEqual({ format: 'iq4_ks', bits: 4.25 + 32 / 2048 });
    expect(storedIn('iq2_ks', 7168).bits).toBe(2.1875 + 16 / 7168);
    expect(storedIn('iq1_s_r4', 4096).bits).toBe(1.5 + 16 / 4096);
  });

  it('fall back where a row is no multiple of the block', () => {
    expect(storedIn('q3_k', 1408)).toEqual({ format: 'iq4_nl', bits: 4.5 });
    expect(storedIn('iq5_k', 1408)).toEqual({ format: 'q6_0', bits: 6.5 });
    expect(storedIn('q4_k_r4', 1408)).toEqual({ format: 'q5_0', bits: 5.5 });
    expect(storedIn('iq2_xxs', 100)).toEqual({ format: 'f16', bits: 16 });
    expect(storedIn('fp8', 100).format).toBe('fp8');
  });
});
