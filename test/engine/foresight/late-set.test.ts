// The set that tells its largest number, against a plain one.
import { expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { LateSet } from '../../../src/engine/foresight/late-set.js';

it('agrees with a plain set', () => {
  for (const limit of [1, 31, 32, 33, 1024, 1025, 40_000]) {
    const random = new Random(limit, 'late');
    const set = new LateSet(limit);
    const plain = new Set<number>();
    expect(set.max()).toBe(-1);
    for (let step = 0; step < 300; step++) {
      const value = random.below(limit);
      if (random.below(2) === 0) {
        set.add(value);
        plain.add(value);
      } else {
        set.delete(value);
        plain.delete(value);
      }
      expect(set.max()).toBe(Math.max(-1, ...plain));
    }
  }
});
