// What `moeprof profiles` shows of quantizations and formats.
import { describe, expect, it } from 'vitest';
import { formatFamily, quantizationFamily } from '../../src/cli/storage-families.js';

describe('quantizations', () => {
  it('are listed by name, and shown tensor by tensor', () => {
    expect(quantizationFamily.names()).toEqual(expect.arrayContaining(['q4_k_m', 'iq2_k_r4', 'ud-q2_k_xl', 'mlx4']));
    const text = quantizationFamily.show('q4_k_m', 80);
    expect(text).toMatch(/^quantization\/q4_k_m\nllama\.cpp Q4_K_M: /);
    expect(text).toContain('  experts, gate and up     q4_k 4.5\n');
    // Half the layers: the first and last eighth, and every third between.
    expect(text).toContain('  experts, down            q6_k 6.5625 in 50 %, q4_k 4.5 in 50 %\n');
    expect(text).toContain('  router                   f32 32\n');
  });

  it('all can be shown', () => {
    for (const name of quantizationFamily.names()) expect(quantizationFamily.show(name, 80).split('\n').length, name).toBeGreaterThan(12);
  });
});

describe('formats', () => {
  it('say their block, their kin and their number', () => {
    expect(formatFamily.summary('q4_k')).toBe('4.5 bits, k-quant');
    expect(formatFamily.show('iq4_ks_r4')).toBe(
      [
        'format/iq4_ks_r4',
        '',
        '4.25 bits per weight: blocks of 256 weights in 136 bytes',
        '4 bytes more per row',
        '4 rows interleaved; without that it is iq4_ks',
        'rows that are no multiple of 256 weights: iq4_nl',
        'of ik_llama.cpp',
        'type 344 of GGUF files',
        '',
      ].join('\n'),
    );
    expect(formatFamily.show('bf16')).toBe('format/bf16\n\n16 bits per weight\nfloat\ntype 30 of GGUF files\n');
  });
});
