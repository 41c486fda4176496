// What changed between two routings of one text, by hand.
import { describe, expect, it } from 'vitest';
import { diffTraces } from '../../../src/trace/diff/index.js';
import { type TestRow, traceOf } from '../builders.js';

const before: TestRow[] = [
  {
    request: 0,
    position: 0,
    token: 1,
    experts: [
      [0, 1],
      [2, 3],
    ],
  },
  {
    request: 0,
    position: 1,
    token: 2,
    experts: [
      [1, 2],
      [2, 3],
    ],
  },
  {
    request: 1,
    position: 0,
    token: 3,
    experts: [
      [3, 0],
      [2, 0],
    ],
  },
];
const trace = (rows: readonly TestRow[]) => traceOf(rows, 4);

describe('diffTraces', () => {
  it('of a trace with itself: all kept, nothing moved', () => {
    const { mean, shifts, tokens } = diffTraces(trace(before), trace(before));
    expect(mean).toEqual({ agreement: 1, first: 1, whole: 1, moved: 0 });
    expect([shifts, tokens.compared]).toEqual([[], 3]);
  });

  it('counts kept choices, first choices, whole rows and load by layer', () => {
    const after = [
      {
        ...before[0]!,
        experts: [
          [1, 0],
          [2, 3],
        ],
      },
      {
        ...before[1]!,
        experts: [
          [1, 3],
          [2, 3],
        ],
      },
      {
        ...before[2]!,
        experts: [
          [3, 0],
          [2, 1],
        ],
      },
    ];
    const { byLayer, shifts } = diffTraces(trace(before), trace(after));
    expect(byLayer[0]).toEqual({ agreement: 5 / 6, first: 2 / 3, whole: 2 / 3, moved: expect.closeTo(1 / 6, 12) });
    expect(byLayer[1]).toEqual({ agreement: 5 / 6, first: 1, whole: 2 / 3, moved: expect.closeTo(1 / 6, 12) });
    expect(shifts).toEqual([
      { layer: 0, expert: 2, before: 1 / 3, after: 0 },
      { layer: 0, expert: 3, before: 1 / 3, after: 2 / 3 },
      { layer: 1, expert: 0, before: 1 / 3, after: 0 },
      { layer: 1, expert: 1, before: 0, after: 1 / 3 },
    ]);
  });

  it('stops a request where the text goes another way', () => {
    const after = [before[0]!, { ...before[1]!, token: 99 }, before[2]!];
    expect(diffTraces(trace(before), trace(after)).tokens).toEqual({ compared: 2, before: 3, after: 3 });
  });

  it('refuses other shapes, and texts that share nothing', () => {
    expect(() => diffTraces(trace(before), traceOf([{ experts: [[0, 1]] }], 4))).toThrow(/has 1 MoE layers/);
    expect(() => diffTraces(trace(before), trace(before.map((row) => ({ ...row, token: row.token! + 50 }))))).toThrow(/shares no token/);
  });
});
