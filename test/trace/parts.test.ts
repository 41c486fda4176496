// Small parts of the trace room: half floats, request folding, the row checker's stamps.
import { describe, expect, it } from 'vitest';
import { RowChecker } from '../../src/trace/check.js';
import { halfTable, toHalf } from '../../src/trace/column.js';
import { RequestTable } from '../../src/trace/requests.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';

describe('half floats', () => {
  it('knows the landmarks', () => {
    const half = halfTable();
    expect([0x0000, 0x0001, 0x0400, 0x3c00, 0x7bff, 0xc000].map((bits) => half[bits])).toEqual([0, 2 ** -24, 2 ** -14, 1, 65504, -2]);
    expect(half[0x7c00]).toBe(Number.POSITIVE_INFINITY);
    expect(half[0x7e00]).toBeNaN();
  });

  it('gives every finite half its bits again', () => {
    const half = halfTable();
    const finite = Array.from(half.keys()).filter((bits) => Number.isFinite(half[bits]));
    expect(finite.length).toBe(65_536 - 2 * 1024);
    expect(finite.filter((bits) => toHalf(half[bits]!) !== bits)).toEqual([]);
  });

  it('rounds to nearest, ties to even', () => {
    const half = halfTable();
    expect(toHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(toHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(half[toHalf(0.1)]).toBeCloseTo(0.1, 4);
    expect(toHalf(65519.9)).toBe(0x7bff);
    expect(toHalf(65520)).toBe(0x7c00);
    expect(toHalf(2 ** -26)).toBe(0);
    expect(toHalf(1.5 * 2 ** -24)).toBe(2);
    expect(toHalf(2.5 * 2 ** -24)).toBe(2);
    expect(toHalf(Number.NaN)).toBe(0x7e00);
  });
});

describe('RequestTable', () => {
  it('gives the columns back from any row', () => {
    const table = new RequestTable('x');
    const rows: [number, number, number][] = [];
    for (let request = 0; request < 40; request++) {
      for (let i = 0; i < 1 + (request % 7); i++) rows.push([request * 3, i * (1 + (request % 2)), i < request % 3 ? 0 : 1]);
    }
    for (const [request, position, phase] of rows) table.add(request, position, phase);
    table.finish();
    for (const start of [0, 17, 5, rows.length - 1, 60]) {
      const count = Math.min(30, rows.length - start);
      const chunk = {
        tokens: 0,
        request: new Int32Array(30),
        position: new Int32Array(30),
        phase: new Uint8Array(30),
        tokenId: null,
        experts: new Uint16Array(0),
        weights: null,
        predicted: null,
      };
      table.fill(start, count, chunk);
      for (let i = 0; i < count; i++) {
        expect([table.requests[chunk.request[i]!]!.id, chunk.position[i], chunk.phase[i]]).toEqual(rows[start + i]);
      }
    }
  });
});

describe('RowChecker', () => {
  it('reports the same mistake again, and goes on to judge rightly after it', () => {
    const checker = new RowChecker('x', 2, [4, 4]);
    const wrong = Uint16Array.of(0, 1, 2, 2);
    for (let i = 0; i < 2; i++) expect(() => checker.check(wrong, 1, 0, NULL_EXPERT)).toThrow('x: token 0, layer 1: expert 2 stands twice');
    const right = Uint16Array.of(0, 1, 2, 3);
    checker.check(right, 1, 0, NULL_EXPERT);
    expect([...right]).toEqual([0, 1, 2, 3]);
  });

  it('makes null choices of 255 only where it is no expert', () => {
    const ids = Uint16Array.of(255, 255);
    new RowChecker('x', 1, [256, 255]).check(ids, 1, 0, 255);
    expect([...ids]).toEqual([255, NULL_EXPERT]);
  });
});
