// Where drafting pays, in words and as bars, from runs whose times are given.
import { describe, expect, it } from 'vitest';
import { metric } from '../../../src/result/catalogue.js';
import type { Result } from '../../../src/result/result.js';
import { breakEvenPicture, breakEvenSentence, breakEvensOf } from '../../../src/study/sweep/break-even.js';
import { sampleResult } from '../../result/sample.js';

/** A run that takes so many ms a token. */
function ran(ms: number): Result {
  const base = sampleResult();
  return { ...base, metrics: { ...base.metrics, 'speed.decode': metric('speed.decode', 1000 / ms) } };
}

const DRAFT = 'workload.speculation.draft';
const of = (times: readonly number[], drafts = times.map((_, draft) => draft)) =>
  breakEvensOf(
    [{ path: DRAFT, values: drafts }],
    times.map((ms, i) => ({ values: [drafts[i]!], result: ran(ms) })),
  );

describe('the break-even of drafts', () => {
  it('is told by the speed without any', () => {
    const [one] = of([10, 8, 5, 8, 12.5]);
    expect(one).toEqual({
      path: 'workload.speculation.draft',
      values: [],
      drafts: [
        { draft: 0, gain: 1 },
        { draft: 1, gain: 1.25 },
        { draft: 2, gain: 2 },
        { draft: 3, gain: 1.25 },
        { draft: 4, gain: 0.8 },
      ],
    });
    expect(breakEvenSentence(one!)).toBe('Drafting pays up to a draft of 3; best is 2, at 2.00 times the speed without.');
    expect(breakEvenSentence(of([10, 8, 5])[0]!)).toBe('Drafting pays at every depth up to 2; best is 2, at 2.00 times the speed without.');
    expect(breakEvenSentence(of([10, 12.5, 8, 12.5])[0]!)).toBe(
      'Drafting pays at drafts of 2; best is 2, at 1.25 times the speed without.',
    );
    expect(breakEvenSentence(of([10, 12.5, 20])[0]!)).toBe(
      'Drafting does not pay: a draft of 1, the best, decodes at 0.80 times the speed without.',
    );
  });

  it('takes depths in order, for each combination of the other values', () => {
    const axes = [
      { path: DRAFT, values: [4, 0] },
      { path: 'memory.expertCache', values: ['25%', '50%'] },
    ];
    const points = [
      { values: [4, '25%'], result: ran(20) },
      { values: [4, '50%'], result: ran(5) },
      { values: [0, '25%'], result: ran(10) },
      { values: [0, '50%'], result: ran(10) },
    ];
    expect(breakEvensOf(axes, points).map(({ values, drafts }) => [values[0], drafts.map(({ gain }) => gain)])).toEqual([
      ['25%', [1, 0.5]],
      ['50%', [1, 2]],
    ]);
  });

  it('needs runs with a draft and without', () => {
    expect(of([10, 5], [1, 2])).toEqual([]);
    expect(of([10])).toEqual([]);
    expect(breakEvensOf([{ path: 'workload.batch', values: [0] }], [{ values: [0], result: ran(1) }])).toEqual([]);
  });

  it('is drawn as bars, with a mark where no draft is', () => {
    const lines = breakEvenPicture(of([10, 5, 20])[0]!)
      .draw({ color: false, width: 80, unicode: false, verbose: false })
      .split('\n');
    // 62 columns for twice the speed, so the mark stands at the 31st.
    expect(lines.map((line) => line.length)).toEqual([80, 80, 80]);
    expect(lines.map((line) => line.slice(0, 8))).toEqual(['draft 0 ', 'draft 1 ', 'draft 2 ']);
    expect(lines.map((line) => line.slice(-5))).toEqual(['1.00x', '2.00x', '0.50x']);
    expect(lines[2]!.indexOf('|')).toBe(10 + 30);
    expect(lines[2]!.slice(10).lastIndexOf(lines[2]![10]!)).toBe(15);
  });
});
