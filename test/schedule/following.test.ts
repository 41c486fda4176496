// What the requests of a pass run next, by hand: token t of the trace chooses expert t mod 50.
import { describe, expect, it } from 'vitest';
import { ClassBudgets, parseClassBudget } from '../../src/schedule/class-budget.js';
import { Pass } from '../../src/schedule/pass.js';
import { Request } from '../../src/schedule/request.js';
import { passesOf, traceOf } from './fixtures.js';

/** By pass: what it runs, and what it names as following. @param look false: it is never asked */
function walked(look: boolean): { readonly runs: number[]; readonly names: number[] }[] {
  const trace = traceOf([
    { prefill: 3, decode: 2 },
    { prefill: 0, decode: 4 },
  ]);
  const passes = passesOf(trace, trace.requests, 'fcfs', 2, 3);
  const all: { readonly runs: number[]; readonly names: number[] }[] = [];
  for (let nowNs = passes.next(0); nowNs >= 0; nowNs = passes.next(nowNs)) {
    const { pass } = passes;
    const runs = [...pass.choices.subarray(0, pass.tokens)];
    const names = look ? [...pass.following()] : [];
    // A view of the same: nothing is read twice.
    if (look) expect([...pass.following()]).toEqual(names);
    all.push({ runs, names });
    passes.done(nowNs);
  }
  return all;
}

describe('what a pass is followed by', () => {
  it('is the next token of each request, or as much of its prompt as it has here', () => {
    expect(walked(true)).toEqual([
      { runs: [5, 0, 1], names: [6, 2] },
      { runs: [6, 2], names: [7, 3] },
      // Both generate from here on, in order of arrival.
      { runs: [3, 7], names: [4, 8] },
      { runs: [4, 8], names: [] },
    ]);
  });

  it('changes nothing of what runs', () => {
    expect(walked(false).map(({ runs }) => runs)).toEqual(walked(true).map(({ runs }) => runs));
  });

  it('comes after the drafts that were right, and ends with the request', () => {
    const trace = traceOf([{ prefill: 0, decode: 6 }]);
    const request = new Request({ index: 0, start: 0, prefill: 0, decode: 6, arrivalNs: 0 });
    const pass = new Pass(trace, 1);
    const shares = [{ request, tokens: 3, rejected: 1 }];
    pass.fill(shares);
    expect([...pass.following()]).toEqual([2, 3, 4]);
    pass.advance(shares);
    // The rejected one runs again: two tokens of the pass before it do so first, and are followed by the same.
    pass.fill([{ request, tokens: 2, rejected: 2, again: true }]);
    expect([...pass.following()]).toEqual([2, 3]);
    const rest = [{ request, tokens: 3 }];
    pass.fill(rest);
    expect([...pass.following()]).toEqual([5]);
  });

  it('is cut by the budget of a class, which does not count it', () => {
    const trace = traceOf([{ prefill: 0, decode: 2 }]);
    const budgets = new ClassBudgets(new Map([['low', parseClassBudget('skip=1')]]), trace, 1);
    const request = new Request({ index: 0, start: 0, prefill: 0, decode: 2, arrivalNs: 0, requestClass: 'low' });
    const pass = new Pass(trace, 1, null, 0, budgets);
    pass.fill([{ request, tokens: 1 }]);
    expect([...pass.following()]).toEqual([0xffff]);
    expect(budgets.use.get('low')).toMatchObject({ wanted: 1, made: 0 });
  });
});
