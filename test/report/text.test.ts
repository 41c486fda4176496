// Wrapping, cutting and bars keep their promises for any input.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDelta, formatRelative, formatValue } from '../../src/report/format.js';
import { clip, ruledTable, shorten, stackedBar, wrap } from '../../src/report/text.js';

const word = fc.stringMatching(/^[a-z/.-]{1,30}$/);

describe('text', () => {
  it('wraps without losing a word or leaving the width', () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 12, max: 90 }), (words, width) => {
        const text = wrap(words.join(' '), width, '! ');
        const lines = text.split('\n');
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        expect(
          lines
            .map((line, index) => line.slice(index === 0 ? '! '.length : 2))
            .join('')
            .replaceAll(' ', ''),
        ).toBe(words.join(''));
      }),
    );
    expect(wrap('one two three', 9, '! ')).toBe('! one two\n  three');
    // A figure stays with its unit.
    expect(wrap('needs 16.3 GiB more (+1.2 %).', 12)).toBe('needs\n16.3 GiB\nmore\n(+1.2 %).');
    expect(wrap('60.3 tok/s ± 18 %', 12)).toBe('60.3 tok/s\n± 18 %');
    expect(wrap('seed 3 seeds', 7)).toBe('seed 3\nseeds');
    expect(wrap('', 9, 'x')).toBe('x');
  });

  it('cuts to exactly what fits', () => {
    expect(shorten('traces/qwen3-30b.safetensors', 16, true)).toBe('trace…afetensors');
    expect(shorten('short', 16, true)).toBe('short');
    expect(clip('a sentence that is long', 12, true)).toBe('a sentence…');
    expect(clip('a sentence that is long', 12, false)).toBe('a sentenc...');
  });

  it('prints a cell of hundreds of lines, its row beside the first', () => {
    const many = Array.from({ length: 500 }, (_, i) => `line ${i}`).join('\n');
    const lines = ruledTable(['a', 'b', 'c'], [['x', many, '1']], { color: false, width: 80, unicode: true, verbose: false }).split('\n');
    expect(lines.slice(2, 4)).toEqual(['x    line 0  1', '     line 1']);
    expect(lines.at(-1)).toBe('   line 499');
  });

  it('divides a bar so that no column is lost or added', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 80 }), (values, width) => {
        fc.pre(values.some((value) => value > 1e-9));
        const bar = stackedBar(
          values.map((share, index) => ({ share, glyph: String(index), paint: (text) => text })),
          width,
        );
        expect(bar).toHaveLength(width);
        const total = values.reduce((sum, value) => sum + value, 0);
        values.forEach((share, index) => {
          const columns = [...bar].filter((glyph) => glyph === String(index)).length;
          expect(Math.abs(columns - (share / total) * width)).toBeLessThan(1);
        });
      }),
    );
    expect(stackedBar([{ share: 0, glyph: 'x', paint: (text) => text }], 10)).toBe('');
  });
});

describe('values', () => {
  it('prints each unit as the field does', () => {
    expect(formatValue(0.839, 'ratio')).toBe('83.9 %');
    expect(formatValue(53.76, 'count/token')).toBe('53.76 /token');
    expect(formatValue(8.25, 'count')).toBe('8.25');
    expect(formatValue(122_142, 'count')).toBe('122,142');
    expect(formatValue(31.2e6, 'ns')).toBe('31.2 ms');
    expect(formatValue(2 ** 27, 'bytes/token')).toBe('128 MiB/token');
    expect(formatValue(25.2e9, 'bytes/s')).toBe('25.2 GB/s');
    expect(formatValue(29.44, 'tokens/s')).toBe('29.4 tok/s');
  });

  it('never prints a change as none', () => {
    expect(formatDelta(0.0042, 'ratio')).toBe('+0.42 pp');
    expect(formatDelta(-0.000012, 'ratio')).toBe('-0.0012 pp');
    expect(formatDelta(2.31e6, 'ns')).toBe('+2.31 ms');
    expect(formatDelta(0.0001, 'count/token')).toBe('+1.0e-4 count/token');
    expect(formatRelative(0.0421)).toBe('+4.2 %');
    expect(formatRelative(-1e-9)).toBe('-1.0e-7 %');
    expect(formatRelative(0)).toBe('0.0 %');
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1e6, noNaN: true }), (size) => {
        expect(formatRelative(size)).toMatch(/[1-9]/);
        expect(formatDelta(size, 'ratio')).toMatch(/[1-9]/);
        expect(formatDelta(size, 'ns')).toMatch(/[1-9]/);
      }),
    );
  });
});
