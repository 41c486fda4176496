// Drafts from texts, by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pass } from '../../src/schedule/pass.js';
import { Request } from '../../src/schedule/request.js';
import { Speculation } from '../../src/schedule/speculation.js';
import { TextDrafts } from '../../src/schedule/text-drafts.js';
import { textOf } from './fixtures.js';

const requestOf = (ids: readonly number[], done: number): Request =>
  Object.assign(new Request({ index: 0, start: 0, prefill: 0, decode: ids.length, arrivalNs: 0 }), { done });

/** Ids that agree, and the first four drafted ids, of a text whose token at `done` is the next one. */
function draftOf(ids: readonly number[], done: number): { agreeing: number; draft: number[] } {
  const drafts = new TextDrafts(textOf([ids]));
  const request = requestOf(ids, done);
  const agreeing = drafts.find(request);
  return { agreeing, draft: agreeing === 0 ? [] : [1, 2, 3, 4].map((k) => ids[drafts.sourceOf(request, k)]!) };
}

describe('a draft', () => {
  it('is what followed the last ids before', () => {
    expect(draftOf([1, 2, 3, 4, 5, 6, 1, 2, 9, 9], 7)).toEqual({ agreeing: 2, draft: [3, 4, 5, 6] });
  });

  it('needs two ids that agree', () => {
    expect(draftOf([1, 2, 3, 4, 5, 6, 9, 2, 3, 0], 7)).toEqual({ agreeing: 0, draft: [] });
    expect(draftOf([1, 1], 0)).toEqual({ agreeing: 0, draft: [] });
  });

  it('follows the longest agreement, up to four, and of equals the newest', () => {
    // 7 8 stands before 5 and before 6; behind 1 only before 5.
    expect(draftOf([1, 7, 8, 5, 5, 5, 7, 8, 6, 6, 1, 7, 8, 0], 12)).toEqual({ agreeing: 3, draft: [5, 5, 5, 7] });
    expect(draftOf([2, 7, 8, 5, 5, 5, 7, 8, 6, 6, 1, 7, 8, 0], 12)).toEqual({ agreeing: 2, draft: [6, 6, 1, 7] });
    // Five agree behind the first 9 and four behind the second: both count as four.
    expect(draftOf([1, 2, 3, 4, 5, 9, 0, 2, 3, 4, 5, 8, 8, 1, 2, 3, 4, 5, 0], 17)).toEqual({ agreeing: 4, draft: [8, 8, 1, 2] });
  });

  it('repeats itself where it reaches its own beginning', () => {
    expect(draftOf([4, 6, 6, 6, 0, 0], 3)).toEqual({ agreeing: 2, draft: [6, 6, 6, 6] });
    expect(draftOf([1, 2, 1, 2, 0, 0], 3)).toEqual({ agreeing: 2, draft: [1, 2, 1, 2] });
  });

  it('is right as far as the text goes on like that', () => {
    const ids = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 9, 6];
    const drafts = new TextDrafts(textOf([ids]));
    const request = requestOf(ids, 7);
    expect(drafts.find(request)).toBe(2);
    expect([0, 1, 2, 3, 4].map((drafted) => drafts.right(request, drafted))).toEqual([0, 1, 2, 2, 2]);
  });

  it('reads nothing behind the next token', () => {
    const text = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.nat(11), (ids, others, done) => {
        const changed = [...ids.slice(0, done + 1), ...others];
        const places = (all: readonly number[]) => {
          const drafts = new TextDrafts(textOf([all]));
          const request = requestOf(all, done);
          return drafts.find(request) === 0 ? [] : [1, 2, 3].map((k) => drafts.sourceOf(request, k));
        };
        expect(places(changed)).toEqual(places(ids));
      }),
      { seed: 5 },
    );
  });
});

describe('a pass that verifies such a draft', () => {
  it('has the rows that are right, and for the others the rows that they were copied from', () => {
    const ids = [11, 12, 13, 14, 15, 11, 12, 13, 40, 41];
    const trace = textOf([ids]);
    const speculation = new Speculation({ draft: 3, acceptances: null, drafterNs: 5, rollback: 'free' }, 1, trace);
    const request = requestOf(ids, 6);
    expect(speculation.draftOf(request)).toBe(3);
    const shares = [{ request, tokens: 4, rejected: 0 }];
    expect(speculation.verify(shares)).toBe(2);
    const pass = new Pass(trace, 1);
    pass.fill(shares, speculation.draftNs);
    // 12 is known, 13 is right; drafted were 14 and 15, where the text has 40 and 41.
    expect([...pass.choices.slice(0, 4)]).toEqual([12, 13, 14, 15]);
    expect([...pass.tokenId!.slice(0, 4)]).toEqual([12, 13, 14, 15]);
    pass.advance(shares);
    expect(request.done).toBe(8);
    // Nothing stood behind 13 and 40.
    expect(speculation.draftOf(request)).toBe(0);
  });
});
