// Formats of KV caches: bytes of keys and values, counted by hand.
import { describe, expect, it } from 'vitest';
import { isKvFormat, parseKvFormat, withKvFormat } from '../../src/model/kv-format.js';
import { loadModel } from '../../src/model/load/load.js';

const bytes = (model: string, format: string): number => withKvFormat(loadModel(model, null), parseKvFormat(format)).dense.kvBytesPerToken;

describe('a KV cache', () => {
  // 48 layers x 4 heads x 128 values, keys and values: 24,576 entries of each a token.
  it.each([
    ['f16', 24_576 * 2 * 2],
    ['bf16', 24_576 * 2 * 2],
    ['f32', 24_576 * 2 * 4],
    ['fp8', 24_576 * 2],
    // 32 entries and a scale of 16 bits: 34 bytes; with a minimum 20 and 24 (q4_1, q5_1).
    ['q8_0', (24_576 * 2 * 34) / 32],
    ['q5_1', (24_576 * 2 * 24) / 32],
    ['q5_0', (24_576 * 2 * 22) / 32],
    ['q4_1', (24_576 * 2 * 20) / 32],
    ['q4_0', (24_576 * 2 * 18) / 32],
    ['q8_0/q4_0', (24_576 * (34 + 18)) / 32],
    ['Q8_0 / F16', (24_576 * 34) / 32 + 24_576 * 2],
  ])('of %s takes %d bytes a token of Qwen3-30B', (format, expected) => {
    expect(bytes('qwen3-30b-a3b', format)).toBe(expected);
  });

  it('of a latent has the format of the keys', () => {
    // 61 layers x (512 + 64) entries.
    expect(bytes('deepseek-v3', 'f16')).toBe(61 * 576 * 2);
    expect(bytes('deepseek-v3', 'q8_0/q4_0')).toBe((61 * 576 * 34) / 32);
  });

  it('changes no operation and no window', () => {
    const model = loadModel('gpt-oss-20b', null);
    const small = withKvFormat(model, parseKvFormat('q4_0'));
    for (const [s, { attention }] of model.dense.segments.entries()) {
      expect(small.dense.segments[s]!.attention).toEqual(
        attention.map((one) => ({ ...one, kvBytesPerToken: (one.kvBytesPerToken * 18) / 64, wideBytesPerToken: one.kvBytesPerToken })),
      );
    }
  });

  it.each([
    ['q8_1', /unknown format of a KV cache "q8_1": did you mean/],
    ['q8_0/q3_k', /unknown format of a KV cache "q3_k"/],
    ['f16/f16/f16', /more than two formats; write keys\/values/],
  ])('is refused as %s', (text, message) => {
    expect(() => parseKvFormat(text)).toThrow(message);
    expect(isKvFormat(text)).toBe(false);
  });

  it('is known by its name', () => {
    expect(isKvFormat('q8_0/q4_0')).toBe(true);
  });
});
