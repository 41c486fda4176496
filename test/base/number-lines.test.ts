// Numbers read in one loop are the numbers that splitting lines and fields would give, across block borders too.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { NumberLines } from '../../src/base/number-lines.js';

function sourceOf(text: string) {
  const bytes = Buffer.from(text);
  return {
    path: 'x',
    bytes: bytes.length,
    read: (position: number, into: Uint8Array) => void into.set(bytes.subarray(position, position + into.length)),
  };
}

function linesOf(text: string, skip = 0): [line: number, values: number[]][] {
  const lines = new NumberLines(sourceOf(text), skip);
  const found: [number, number[]][] = [];
  while (lines.next()) found.push([lines.line, [...lines.values.subarray(0, lines.count)]]);
  return found;
}

describe('NumberLines', () => {
  it('reads what a split reads', () => {
    const number = fc.integer({ min: 0, max: 999_999_999 });
    fc.assert(
      fc.property(
        fc.array(fc.array(number, { minLength: 1, maxLength: 100 }), { minLength: 1, maxLength: 30 }),
        fc.constantFrom(',', ' ', ', '),
        fc.constantFrom('\n', '\r\n', '\n\n'),
        (rows, comma, end) => {
          const step = end === '\n\n' ? 2 : 1;
          expect(linesOf(rows.map((row) => row.join(comma) + end).join(''))).toEqual(rows.map((row, i) => [1 + i * step, row]));
          expect(linesOf(`head,er\n${rows.map((row) => row.join(comma)).join(end)}`, 1)).toEqual(rows.map((row, i) => [2 + i * step, row]));
        },
      ),
    );
  });

  it('crosses blocks of 256 KiB', () => {
    const rows = Array.from({ length: 100_000 }, (_, i) => [i, i * 7, 123_456_789]);
    expect(linesOf(rows.map((row) => `${row.join(',')}\n`).join('')).map(([, values]) => values)).toEqual(rows);
  });

  it('knows what follows the first number', () => {
    const lines = new NumberLines(sourceOf('1,2\n3 4\n5'), 0);
    const separators = [];
    while (lines.next()) separators.push(String.fromCharCode(lines.separator));
    expect(separators).toEqual([',', ' ', '\n']);
  });

  it('reads a line longer than a block', () => {
    const row = Array.from({ length: 200_000 }, (_, i) => i);
    expect(linesOf(`1\n${row.join(' ')}\n2`).map(([, values]) => values)).toEqual([[1], row, [2]]);
  });

  it('finds nothing in nothing', () => {
    expect(linesOf('')).toEqual([]);
    expect(linesOf('\n \n')).toEqual([]);
    expect(linesOf('header', 1)).toEqual([]);
  });

  it.each([
    ['1\n2,x', 'x:2: "x" where a whole number is expected'],
    ['1,-2', 'x:1: "-" where a whole number is expected'],
    ['1\n\n1234567890', 'x:3: a number of more than 9 digits'],
    [`5\n${'1 '.repeat(9_000_000)}`, 'x:2: the line is longer than 16 MiB; is this a text file?'],
  ])('refuses %#', (text, message) => {
    expect(() => linesOf(text)).toThrow(new UserError(message));
  });
});
