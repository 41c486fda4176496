// The prior of a request, by hand: all that it has used, against all text.
import { describe, expect, it } from 'vitest';
import { RequestPrior } from '../../../src/predict/evidence/request-prior.js';
import { BEFORE_PASS } from '../../../src/predict/evidence.js';
import type { Pass } from '../../../src/schedule/pass.js';
import { modelOf } from '../../trace/builders.js';

const model = modelOf([
  { experts: 4, topK: 1 },
  { experts: 4, topK: 1 },
]);

/** A pass of one token of a request in a slot, that has chosen `expert` at both layers. */
function token(request: number, slot: number, expert: number): Pass {
  const pass = { request: Int32Array.of(request), slot: Int32Array.of(slot), chosen: Int32Array.of(expert), listChosen: () => 1 };
  return pass as unknown as Pass;
}

/** Log-odds that the request in `slot` is given at layer 0; null: none. */
function saidOf(prior: RequestPrior, request: number, slot: number): number[] | null {
  const into = new Float64Array(4);
  return prior.add(token(request, slot, 0), 0, BEFORE_PASS, 0, 1, into) ? [...into] : null;
}

/** A prior that has seen request 0 choose expert 0 eight times, and request 1 expert 3 eight times, both at layer 0. */
function learned(counted = true): RequestPrior {
  const prior = new RequestPrior(model, 2);
  for (let i = 0; i < 8; i++)
    for (const [request, expert] of [[0, 0] as const, [1, 3] as const]) prior.learn(token(request, request, expert), 0, 0, counted);
  return prior;
}

const odds = (uses: number, tokens: number): number => Math.log(uses / (tokens - uses));

describe('the prior of a request', () => {
  it('is the log-odds of its own share, drawn to that of all text by 16 tokens, less those of all text', () => {
    const said = saidOf(learned(), 0, 0)!;
    // 8 of its 8 tokens chose expert 0, and 8 of all 16; half a use more, of 17. All text is smoothed by an even share of one token, 1/4 of 17.
    const pseudo = (uses: number) => (16 / 17) * (uses + 0.5);
    const expected = [
      odds(8 + pseudo(8), 24) - odds(8.25, 17),
      odds(pseudo(0), 24) - odds(0.25, 17),
      odds(pseudo(0), 24) - odds(0.25, 17),
      odds(pseudo(8), 24) - odds(8.25, 17),
    ];
    for (const [e, value] of expected.entries()) expect(said[e], `expert ${e}`).toBeCloseTo(value, 2);
    expect(said[0]!).toBeGreaterThan(0.5);
    expect(said[3]!).toBeLessThan(-0.5);
  });

  it('of another request is another, and a new one in the slot has none, nor has one at a layer that it has not reached', () => {
    const prior = learned();
    expect(saidOf(prior, 1, 1)![3]).toBeGreaterThan(0.5);
    expect(saidOf(prior, 2, 0)).toBeNull();
    prior.learn(token(2, 0, 1), 0, 0, true);
    const fresh = saidOf(prior, 2, 0)!;
    expect(fresh[0]!).toBeLessThan(0.2);
    expect(prior.add(token(0, 0, 0), 0, BEFORE_PASS, 1, 1, new Float64Array(4))).toBe(false);
  });

  it('counts every token of the request, and of all text those that are counted', () => {
    expect(saidOf(learned(false), 0, 0)).toBeNull();
    const prior = learned();
    const before = saidOf(prior, 0, 0)!;
    prior.learn(token(0, 0, 1), 0, 0, false);
    const after = saidOf(prior, 0, 0)!;
    expect(after[1]!).toBeGreaterThan(before[1]!);
    expect(after[3]!).toBeLessThan(before[3]!);
  });

  it('is weighed, and added to what stands there', () => {
    const into = Float64Array.of(1, 1, 1, 1);
    const prior = learned();
    prior.add(token(0, 0, 0), 0, BEFORE_PASS, 0, 0.5, into);
    for (const [e, value] of saidOf(prior, 0, 0)!.entries()) expect(into[e]!).toBeCloseTo(1 + value / 2, 12);
  });
});
