// A converted trace holds exactly what was asked for, with the ids, positions and phases that it had.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertTrace, numbersIn, parseRanges, readRemap } from '../../../src/trace/convert/index.js';
import { PHASE } from '../../../src/trace/trace.js';
import { contentOf, temporaryFolder, traceOf } from '../builders.js';

/** Two requests of two prompt and two decoded rows; expert = 8 * request + position, and one more at the second layer. */
const rows = [0, 1].flatMap((request) =>
  [0, 1, 2, 3].map((position) => ({
    request: request + 5,
    position,
    phase: position < 2 ? PHASE.prefill : PHASE.decode,
    token: 100 * request + position,
    experts: [
      [8 * request + position, 8 * request + position + 4],
      [8 * request + position + 1, -1],
    ],
    weights: [
      [0.75, 0.25],
      [1, 0],
    ],
  })),
);
const trace = () => traceOf(rows, 16);

describe('convertTrace', () => {
  it('keeps rows, with their positions and phases', () => {
    const { columns, requests } = contentOf(
      convertTrace(trace(), {
        tokens: [
          [1, 3],
          [6, 8],
        ],
      }),
    );
    expect(columns.position).toEqual([1, 2, 2, 3]);
    expect(columns.tokenId).toEqual([1, 2, 102, 103]);
    expect(columns.weights.slice(0, 4)).toEqual([0.75, 0.25, 1, 0]);
    expect(requests).toEqual([
      { id: 5, start: 0, prefill: 1, decode: 1 },
      { id: 6, start: 2, prefill: 0, decode: 2 },
    ]);
  });

  it('keeps requests and layers', () => {
    const part = convertTrace(trace(), { requests: [1], layers: [1] });
    const { columns, requests } = contentOf(part);
    expect([part.layers, part.expertsPerLayer]).toEqual([1, [16]]);
    expect(columns.experts).toEqual([9, 0xffff, 10, 0xffff, 11, 0xffff, 12, 0xffff]);
    expect(requests).toEqual([{ id: 6, start: 0, prefill: 2, decode: 2 }]);
    expect(() => convertTrace(trace(), { requests: [1], tokens: [[0, 2]] })).toThrow(/nothing is left/);
  });

  it('renumbers experts, drops choices, and refuses to merge two choices of a token', () => {
    const folder = temporaryFolder();
    const write = (value: unknown) => {
      const path = join(folder, 'map.json');
      writeFileSync(path, JSON.stringify(value));
      return path;
    };
    const reversed = Array.from({ length: 16 }, (_, id) => 15 - id);
    expect(contentOf(convertTrace(trace(), { remap: readRemap(write(reversed), [16, 16]) })).columns.experts.slice(0, 4)).toEqual([
      15, 11, 14, 0xffff,
    ]);
    const dropping = [reversed.map((id) => (id === 15 ? -1 : id)), reversed];
    expect(contentOf(convertTrace(trace(), { remap: readRemap(write(dropping), [16, 16]) })).columns.experts[0]).toBe(0xffff);
    const merging = reversed.map((id) => id % 4);
    expect(() => convertTrace(trace(), { remap: readRemap(write(merging), [16, 16]) })).toThrow(/stands twice/);
    expect(() => readRemap(write([0, 1]), [16, 16])).toThrow(/layer 0: 2 numbers for 16 experts/);
    expect(() => readRemap(write({ a: 1 }), [16, 16])).toThrow(/no renumbering/);
  });
});

describe('parseRanges', () => {
  it.each([
    ['0..3,8', [0, 1, 2, 3, 8]],
    ['7..', [7, 8, 9]],
    ['..2', [0, 1, 2]],
    ['8..99, 1', [1, 8, 9]],
  ])('%s', (text, expected) => {
    expect(numbersIn(parseRanges(text, 10, '--tokens'))).toEqual(expected);
  });

  it.each([
    ['3..1', /runs backwards/],
    ['10', /beyond the last one, 9/],
    ['x', /is no range/],
    ['..', /is no range/],
    ['0..5,3', /overlap/],
  ])('refuses %s', (text, message) => {
    expect(() => parseRanges(text, 10, '--tokens')).toThrow(message);
  });
});
