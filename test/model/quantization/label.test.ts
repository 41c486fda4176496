// Labels of files and measurements.
import { describe, expect, it } from 'vitest';
import { readLabel } from '../../../src/model/quantization/label.js';

describe('a label', () => {
  it.each([
    ['Q4_K - Medium', 'q4_k_m'],
    ['Q5_K - Small', 'q5_k_s'],
    ['Q2_K - Medium', 'q2_k'],
    ['IQ2_K_R4 - 2.375 bpw', 'iq2_k_r4'],
    ['MXFP4 MoE', 'mxfp4'],
    ['MXFP4 - 4.25 bpw', 'mxfp4'],
    ['BF16', 'bf16'],
    ['UD-IQ3_XXS', 'ud-iq3_xxs'],
    ['mix-iq3_k', 'iq3_k'],
    ['mix-3.2bpw', 'mix'],
    ['q4_k_m-m64', 'q4_k_m'],
    ['hqq-2bit', 'hqq2'],
    ['int4-g64', 'mlx4'],
    ['int4-g32', 'int4_moe'],
    ['Q3_K', 'q3_k_m'],
    ['smol-IQ2_KS', 'iq2_ks'],
    ['awq-int4', 'int4'],
    ['MLX-6bit', 'mlx6'],
    ['Q4_K_XL', 'ud-q4_k_xl'],
    ['q6_k_l', 'q6_k'],
    ['bnb-4bit', 'nf4'],
  ])('%s means %s', (label, name) => {
    expect(readLabel(label)?.name).toBe(name);
  });

  it('may mean nothing', () => {
    expect(readLabel('exl9')).toBeNull();
    expect(readLabel('')).toBeNull();
  });
});
