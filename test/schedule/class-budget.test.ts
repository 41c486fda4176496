// What a class of requests may use: budgets as they are written, and the choices that they leave.
import { describe, expect, it } from 'vitest';
import { ClassBudgets, parseClassBudget } from '../../src/schedule/class-budget.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';

const shape = { layers: 2, topK: 3 };

describe('a budget', () => {
  it('is of experts, of layers, of their bytes, or of several', () => {
    expect(parseClassBudget('top-k=4')).toEqual({ text: 'top-k=4', topK: 4, skip: 0, copy: 1 });
    expect(parseClassBudget('skip=0.25')).toMatchObject({ topK: Number.POSITIVE_INFINITY, skip: 0.25 });
    expect(parseClassBudget('top-k=2, skip=1')).toMatchObject({ topK: 2, skip: 1 });
    expect(parseClassBudget('copy=0.25,top-k=2')).toMatchObject({ topK: 2, skip: 0, copy: 0.25 });
  });

  it.each([
    ['', /"" is no budget/],
    ['topk=2', /"topk" is no budget; did you mean "top-k"/],
    ['top-k=0', /expected a whole number of experts/],
    ['top-k=2.5', /expected a whole number of experts/],
    ['top-k=2=3', /expected a whole number of experts/],
    ['skip=2', /expected a share of the layers/],
    ['skip=', /expected a share of the layers/],
    ['copy=0', /'copy=0': expected a share of an expert's bytes between 0 and 1, e\.g\. copy=0\.25/],
    ['copy=1', /expected a share of an expert's bytes/],
    ['precision=low', /"precision" is no budget/],
    ['skip=0.1,skip=0.2', /skip stands twice/],
  ])('is none of %s', (text, message) => {
    expect(() => parseClassBudget(text)).toThrow(message);
  });
});

describe('choices', () => {
  const N = NULL_EXPERT;

  it('keep their best ranks, and are counted with their weights', () => {
    const budgets = new ClassBudgets(new Map([['cheap', parseClassBudget('top-k=1')]]), shape, 1);
    // A token behind another: nothing of the other is touched. Its second layer has an empty place first.
    const choices = Uint16Array.of(9, 9, 9, 9, 9, 9, 1, 2, 3, N, 5, 6);
    const weights = Float32Array.of(1, 1, 1, 1, 1, 1, 0.5, 0.25, 0.25, 0, 0.75, 0.25);
    budgets.cut('cheap', 7, choices, weights, 6);
    expect([...choices]).toEqual([9, 9, 9, 9, 9, 9, 1, N, N, N, 5, N]);
    expect([...weights.subarray(6)]).toEqual([0.5, 0, 0, 0, 0.75, 0]);
    expect(budgets.use.get('cheap')).toEqual({ wanted: 5, made: 2, wantedWeight: 2, madeWeight: 1.25 });
    budgets.cut('', 7, choices, null, 0);
    expect([...choices.subarray(0, 6)]).toEqual([9, 9, 9, 9, 9, 9]);
    expect(budgets.use.get('')).toEqual({ wanted: 6, made: 6, wantedWeight: 0, madeWeight: 0 });
  });

  it('are none at a share of the layers, the same ones whenever the row runs', () => {
    const wide = { layers: 4000, topK: 1 };
    const cut = (row: number) => {
      const budgets = new ClassBudgets(new Map([['cheap', parseClassBudget('skip=0.25')]]), wide, 1);
      const choices = new Uint16Array(4000).fill(1);
      budgets.cut('cheap', row, choices, null, 0);
      return choices;
    };
    const skipped = cut(3).filter((choice) => choice === N).length;
    // Four deviations of a draw of 4,000 at a quarter: 110.
    expect(Math.abs(skipped - 1000)).toBeLessThan(110);
    expect(cut(3)).toEqual(cut(3));
    expect(cut(3)).not.toEqual(cut(4));
  });
});
