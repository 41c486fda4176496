// A slice holds the chosen requests, rows and layers, and nothing else changes.
import { describe, expect, it } from 'vitest';
import { sliceTrace } from '../../src/trace/slice.js';
import { contentOf, traceOf } from './builders.js';

const rows = Array.from({ length: 900 }, (_, i) => ({
  request: Math.floor(i / 300),
  position: i % 300,
  phase: i % 300 < 10 ? 0 : 1,
  token: i,
  experts: [
    [i % 7, 7],
    [8, i % 8],
    [(i + 1) % 9, 9],
  ],
  weights: [
    [i, 0.5],
    [i, 0.25],
    [i, 0.125],
  ],
  predicted: [[1], [i % 8], [2]],
}));
const trace = traceOf(rows, [10, 9, 10]);

describe('sliceTrace', () => {
  it('keeps requests, rows and layers', () => {
    const part = sliceTrace(trace, { requests: (index) => index !== 0, tokens: 400, layers: [1, 3] });
    const kept = rows
      .slice(300, 700)
      .map((row) => ({ ...row, experts: row.experts.slice(1), weights: row.weights.slice(1), predicted: row.predicted.slice(1) }));
    expect(contentOf(part)).toEqual(contentOf(traceOf(kept, [9, 10])));
  });

  it('keeps everything where nothing is said', () => {
    expect(contentOf(sliceTrace(trace, {}))).toEqual(contentOf(trace));
  });
});
