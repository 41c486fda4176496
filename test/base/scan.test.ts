// Lines found in blocks are the lines that a split would give, whatever their length.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { ascii, holds, LineScanner } from '../../src/base/scan.js';
import { cases } from '../cases.js';

function sourceOf(bytes: Uint8Array) {
  return {
    path: 'x',
    bytes: bytes.length,
    read: (position: number, into: Uint8Array) => into.set(bytes.subarray(position, position + into.length)),
  };
}

function linesOf(text: string): string[] {
  const scanner = new LineScanner(sourceOf(Buffer.from(text)));
  const lines: string[] = [];
  while (scanner.next()) {
    lines.push(scanner.text());
    expect(scanner.place()).toBe(`x:${lines.length}`);
  }
  return lines;
}

describe('LineScanner', () => {
  it('splits as a split does', () => {
    const line = fc
      .oneof(fc.string({ maxLength: 10 }), fc.constant('é'.repeat(40_000)), fc.constant('y'.repeat(700_000)))
      .map((text) => text.replace(/[\r\n]/g, ''));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), (lines, separator, closed) => {
        const text = lines.map((entry) => entry + separator).join('') + (closed ? '' : 'end');
        expect(linesOf(text)).toEqual(closed ? lines : [...lines, 'end']);
      }),
      { numRuns: cases(40) },
    );
  });

  it('finds nothing in nothing', () => {
    expect(linesOf('')).toEqual([]);
    expect(linesOf('\n')).toEqual(['']);
  });

  it('knows a blank line', () => {
    const scanner = new LineScanner(sourceOf(Buffer.from(' \t\nx\n')));
    scanner.next();
    expect(scanner.blank()).toBe(true);
    scanner.next();
    expect(scanner.blank()).toBe(false);
  });

  it('refuses a line without end', () => {
    const endless = { path: 'x', bytes: 1e9, read: (_position: number, into: Uint8Array) => void into.fill(97) };
    expect(() => new LineScanner(endless).next()).toThrow(new UserError('x:1: the line is longer than 64 MiB; is this a text file?'));
  });
});

describe('holds', () => {
  it('compares bytes in place', () => {
    expect(holds(ascii('abc'), 1, ascii('bc'))).toBe(true);
    expect(holds(ascii('abc'), 2, ascii('cd'))).toBe(false);
  });
});
