// What is learned of next uses: pasts and votes by hand, the expected order of experts, and that nothing of the future is in it.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { NextUse, recencyOf, UseHistory, worthAfter } from '../../../src/cache/next-use/next-use.js';
import { FULL_VOTE, SimilarPasses } from '../../../src/cache/next-use/similar-passes.js';
import { toyModel } from '../fixtures.js';

const ids = (...members: number[]): Int32Array => Int32Array.from(members);

describe('UseHistory', () => {
  it('keeps eight events by bits and eight blocks of eight before by their number', () => {
    const history = new UseHistory(toyModel([3, 2]));
    const pasts = new Uint16Array(3);
    history.used(0, ids(1), 1);
    history.used(0, ids(0, 1), 2);
    history.used(0, ids(2), 1);
    history.writePasts(0, pasts);
    expect([...pasts]).toEqual([0b010_000, 0b110_000, 0b001_000]);
    // The eighth event ends a block: experts that the eight bits before it held are in one, whatever comes next.
    for (let event = 4; event <= 9; event++) history.used(0, ids(2), 1);
    history.writePasts(0, pasts);
    expect([...pasts]).toEqual([0b10000000_001, 0b10000000_001, 0b01111111_001]);
    // The other layer has seen nothing.
    expect([...history.events]).toEqual([9, 0]);
  });

  it('renews the logarithm of the decayed rate when a block of the layer has passed', () => {
    const history = new UseHistory(toyModel([2]));
    for (let event = 1; event <= 8; event++) history.used(0, ids(event % 2), 1);
    const left = 2 ** (-1 / 256);
    // Expert 0 was used at the events 2, 4, 6, 8; expert 1 at 1, 3, 5, 7.
    const rate = (events: number[]): number => (1 - left) * events.reduce((sum, event) => sum + left ** (8 - event), 0);
    expect(history.logRate[0]).toBeCloseTo(Math.log(rate([2, 4, 6, 8]) + 0.004), 3);
    expect(history.logRate[1]).toBeCloseTo(Math.log(rate([1, 3, 5, 7]) + 0.004), 3);
  });

  it('takes what was used lately for what is used soon, before anything is learned', () => {
    // Eight bits of the last events, the newest lowest, above three that count blocks.
    const order = [0, 0b10000000_000, 0b1_000, 0b11_000, 0b11111111_000, 0b11111111_111].map(recencyOf);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(Math.min(...order)).toBeGreaterThan(0);
    expect(Math.max(...order)).toBeLessThan(1);
  });
});

describe('worthAfter', () => {
  it('halves a use two passes ahead, and takes steps of time like the whole of it', () => {
    expect([0, 1, 2, 8].map((passes) => worthAfter(1, passes))).toEqual([1, 1 / 1.5, 0.5, 0.2]);
    expect(worthAfter(worthAfter(1, 3), 2.5)).toBeCloseTo(worthAfter(1, 5.5), 12);
    expect(worthAfter(0, 4)).toBe(0);
  });
});

describe('SimilarPasses', () => {
  const model = toyModel([8, 8, 8]);
  /** Two kinds of passes: those of kind k use the experts 2k and 2k + 1 of every layer. */
  const play = (similar: SimilarPasses, kinds: readonly number[]): void => {
    for (const kind of kinds) {
      for (let layer = 0; layer < 3; layer++) similar.demanded(layer, ids(8 * layer + 2 * kind, 8 * layer + 2 * kind + 1), 2);
    }
  };

  it('says nothing while no pass with eight behind it is like the running one', () => {
    const similar = new SimilarPasses(model);
    const votes = new Int32Array(9).fill(7);
    play(similar, [0, 1, 0, 1, 0]);
    similar.write(2, votes);
    expect([...votes.subarray(0, 8)]).toEqual(new Array(8).fill(0));
  });

  it('votes with what followed passes like it: the next pass with the full vote, the one after with four fifths of that', () => {
    const similar = new SimilarPasses(model);
    // Kind 0 is always followed by 1, 2, 3, in a circle.
    play(
      similar,
      Array.from({ length: 41 }, (_, pass) => pass % 4),
    );
    const votes = new Int32Array(9);
    similar.write(2, votes);
    // The running pass is of kind 0. Full votes are for kind 1; kind 2 is one pass later, kind 3 two.
    const [zero, one, two, three] = [votes[0]!, votes[2]!, votes[4]!, votes[6]!];
    expect(one).toBeGreaterThan(FULL_VOTE * 0.98);
    expect(one > two && two > three && three > zero).toBe(true);
    expect(two / one).toBeCloseTo(0.8, 1);
    expect(votes[1]).toBe(zero);
  });

  it('goes on with wider events, and takes one that demands nearly all for no path', () => {
    const wide = toyModel([100, 100]);
    const similar = new SimilarPasses(wide);
    const all = Int32Array.from({ length: 100 }, (_, e) => e);
    for (let pass = 0; pass < 30; pass++) {
      const size = pass % 3 === 2 ? 100 : 5 + (pass % 3) * 12;
      similar.demanded(0, all, size);
      similar.demanded(
        1,
        all.map((e) => e + 100),
        size,
      );
    }
    const votes = new Int32Array(101);
    similar.write(1, votes);
    expect(votes.subarray(0, 100).every((vote) => vote >= 0 && vote <= FULL_VOTE * 8)).toBe(true);
    expect(votes[80]).toBe(0);
  });
});

describe('what SimilarPasses counts', () => {
  it('counts agreement as a plain recount does, also when the oldest passes have made room', () => {
    const random = new Random(3, 'similar');
    const narrow = toyModel([40]);
    const similar = new SimilarPasses(narrow);
    const passes: number[][] = [];
    // 64 experts a pass leave room for 1,024 passes.
    similar.demanded(
      0,
      Int32Array.from({ length: 40 }, (_, e) => e),
      40,
    );
    passes.push(Array.from({ length: 40 }, (_, e) => e));
    for (let pass = 1; pass < 1100; pass++) {
      const members = Array.from({ length: 40 }, (_, e) => e).filter(() => random.next() < 0.3);
      passes.push(members);
      similar.demanded(0, Int32Array.from(members), members.length);
    }
    const votes = new Int32Array(41);
    similar.write(0, votes);
    // Agreement fades by .98 a layer, of which there is one a pass: pass t agrees with s by the sum over d of .98^d |t-d and s-d|.
    const last = passes.length - 1;
    const agreement = (s: number): number => {
      let sum = 0;
      for (let d = 0; d <= Math.min(s, 200); d++) {
        const other = new Set(passes[s - d]);
        sum += 0.98 ** d * passes[last - d]!.filter((e) => other.has(e)).length;
      }
      return sum;
    };
    const candidates = Array.from({ length: 1000 }, (_, k) => last - 8 - k).filter((s) => s > 220);
    const agreements = new Map(candidates.map((s) => [s, agreement(s)]));
    const best = candidates.toSorted((a, b) => agreements.get(b)! - agreements.get(a)!).slice(0, 3);
    // The passes behind the best one hold the experts with the most votes, far above the mean.
    const voted = passes[best[0]! + 1]!;
    const mean = votes.subarray(0, 40).reduce((sum, vote) => sum + vote, 0) / 40;
    expect(voted.reduce((sum, e) => sum + votes[e]!, 0) / voted.length).toBeGreaterThan(mean);
  });
});

describe('NextUse', () => {
  it('learns that what comes in turns comes soon when its turn is near', () => {
    const model = toyModel([6, 6]);
    const learned = new NextUse(model);
    for (let pass = 0; pass < 400; pass++) for (let layer = 0; layer < 2; layer++) learned.demanded(layer, ids(6 * layer + (pass % 6)), 1);
    // The last pass, 399, used expert 3: expert 4 is next, 3 is last.
    const values = [...learned.values.subarray(0, 6)];
    expect(values.indexOf(Math.max(...values))).toBe(4);
    expect(values[4]!).toBeGreaterThan(values[2]!);
    for (let e = 0; e < 6; e++) expect(learned.values[e]!).toBeCloseTo(1 / (1 + Math.exp(-learned.logOdds[e]!)), 2);
  });

  it('says the same whatever comes afterwards, and the same twice', () => {
    const model = toyModel([8, 8]);
    const played = (tail: number): number[] => {
      const random = new Random(5, 'next-use');
      const learned = new NextUse(model);
      let before: number[] = [];
      for (let pass = 0; pass < 200; pass++) {
        if (pass === 150) before = [...learned.values];
        for (let layer = 0; layer < 2; layer++) {
          const e = pass < 150 ? random.below(8) : tail;
          learned.demanded(layer, ids(8 * layer + e, 8 * layer + ((e + 1) % 8)), 2);
        }
      }
      return before;
    };
    expect(played(0)).toEqual(played(5));
  });
});
