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
    const rows = Array.from({ length: 25_000 }, (_, i) => [i, i * 7, 123_456_789]);
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

describe('nextPairs', () => {
  /** Runs of lines with one key, as `[key, values, line of the last]`. */
  function runsOf(text: string): [key: number, values: number[], line: number][] {
    const lines = new NumberLines(sourceOf(text), 0);
    const found: [number, number[], number][] = [];
    while (lines.nextPairs()) found.push([lines.key, [...lines.values.subarray(0, lines.count)], lines.line]);
    return found;
  }

  it('gathers what reading line by line gives', () => {
    const value = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 99 }) }, fc.integer({ min: 0, max: 999_999_999 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(0, 1, 10, 1000), value)), fc.constantFrom('\n', '\r\n', '\n\n'), (rows, end) => {
        const runs: [number, number[]][] = [];
        for (const [key, entry] of rows) {
          if (runs.at(-1)?.[0] === key) runs.at(-1)![1].push(entry);
          else runs.push([key, [entry]]);
        }
        expect(runsOf(rows.map((row) => row.join(',') + end).join('')).map(([key, values]) => [key, values])).toEqual(runs);
      }),
    );
  });

  it('crosses blocks of 256 KiB, and ends without a line break', () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `7,${i % 300}`).join('\n');
    const [[key, values, line]] = runsOf(text) as [[number, number[], number]];
    expect([key, line]).toEqual([7, 100_000]);
    expect(values).toEqual(Array.from({ length: 100_000 }, (_, i) => i % 300));
  });

  it.each([
    ['1,2\n1,3\n1 4\n', /x:3: not two numbers with a comma/],
    ['1,2\n1,3,4\n', /x:2: not two numbers/],
    ['1,2\n1,x\n', /x:2: "x" where a whole number is expected/],
    ['1,2\n1,\n', /x:2: not two numbers/],
    ['1,2\n1,1234567890\n', /x:2: a number of more than 9 digits/],
    ['1,2x\n', /x:1: "x" where/],
    ['1,2\n1,2x\n', /x:2: "x" where/],
  ])('refuses %j', (text, message) => {
    expect(() => runsOf(text)).toThrow(UserError);
    expect(() => runsOf(text)).toThrow(message);
  });
});
