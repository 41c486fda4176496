// Models that are no more than their routing: `shape:48x128x8`.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/door.js';

describe('a shape', () => {
  it('has layers, experts of a byte, choices, and says what it does not know', () => {
    const { dense, experts, layers, name, note } = loadModel('shape:3x32x4');
    expect(layers.map(({ experts: count, expertBytes, offset, topK }) => [count, topK, expertBytes, offset])).toEqual([
      [32, 4, 1, 0],
      [32, 4, 1, 32],
      [32, 4, 1, 64],
    ]);
    expect([name, experts, dense.weightBytes, dense.segments.length]).toEqual(['shape:3x32x4', 96, 0, 4]);
    expect(note).toMatch(/^Nothing says how large experts are/);
  });

  it.each(['', '12x32', '0x8x2', '1x8x0', '1x8x9', '1x70000x1', '99999x9x9999', '1x8x2x3', ' 1x8x2', '1X8X2', '-1x8x2'])(
    '%j is none',
    (text) => {
      expect(() => loadModel(`shape:${text}`)).toThrow(`--shape ${text}: expected layers x experts x choices of a token, e.g. 48x128x8`);
    },
  );
});
