// The kernel of expected next uses, against the plain loop in double precision.
import { describe, expect, it } from 'vitest';
import { sigmoid } from '../../../src/base/log-odds.js';
import { Random } from '../../../src/base/random.js';
import { Expectation, VOTE_STEP } from '../../../src/cache/next-use/expectation.js';
import { PASTS, PastBits } from '../../../src/cache/next-use/past-bits.js';

describe('Expectation', () => {
  it('equals the sum of its terms to the last digit, for the experts named and no other', () => {
    const random = new Random(7, 'expectation');
    const [places, experts, steps] = [28, 23, 64];
    const expectation = new Expectation(places, experts, 11, steps);
    const bits = new PastBits(expectation.bits);
    for (const terms of [expectation.pastTerm, expectation.voteTerm, expectation.logRate])
      for (let i = 0; i < terms.length; i++) terms[i] = 12 * (random.next() - 0.5);
    for (let place = 0; place < places; place++) {
      bits.recent[place] = random.below(256);
      bits.blocks[place] = random.below(256);
    }
    for (let e = 0; e < 11; e++) expectation.votes[e] = random.below(VOTE_STEP * steps);
    expectation.logRate[12] = 1000;
    expectation.logRate[13] = -1000;
    expectation.expect(12, 12, 11, 0.3);
    const logits = Array.from({ length: 11 }, (_, e) => {
      const past = bits.past(12 + e);
      expect(past).toBeLessThan(PASTS);
      return expectation.pastTerm[past]! + 0.3 * expectation.logRate[12 + e]! + expectation.voteTerm[expectation.votes[e]! >> 2]!;
    });
    expect(expectation.logOdds.subarray(12)).toEqual(Float32Array.from(logits));
    expect(expectation.values.subarray(12)).toEqual(Float32Array.from(logits, sigmoid));
    expect(expectation.values.subarray(0, 12)).toEqual(new Float32Array(12));
  });
});
