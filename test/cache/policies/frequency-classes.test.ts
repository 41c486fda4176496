// Frequency classes: by hand, and against a policy that sorts all residents anew for each victim.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frequencyClasses } from '../../../src/cache/policies/frequency-classes.js';
import { lru } from '../../../src/cache/policies/lru.js';
import { type CachePolicy, NONE, Pins, UNPINNED } from '../../../src/cache/policy.js';
import { contextOf } from '../context.js';

function policyOf(experts: number, halfLife: number): { policy: CachePolicy; clock: { pass: number } } {
  const context = contextOf(experts);
  return { policy: frequencyClasses.create(context, { halfLife }), clock: context.clock };
}

const nobody = new Pins(new Int32Array(16).fill(UNPINNED));

describe('frequency-classes', () => {
  it('takes the least recently used of the lowest class: 2 and 3 uses are one class, 4 the next', () => {
    const { policy } = policyOf(4, 1000);
    const use = (id: number, times: number) => {
      policy.insert(id, true);
      for (let i = 1; i < times; i++) policy.touch(id);
    };
    use(0, 4);
    use(1, 3);
    use(2, 2);
    expect(policy.victim(3, nobody)).toBe(1);
    policy.touch(1);
    expect(policy.victim(3, nobody)).toBe(2);
    policy.remove(2);
    expect(policy.victim(3, nobody)).toBe(0);
  });

  it('a favourite outlives a pause, not two half-lives: 4 uses, halved twice, are 1', () => {
    const { policy, clock } = policyOf(3, 10);
    policy.insert(0, true);
    for (let i = 0; i < 3; i++) policy.touch(0);
    clock.pass = 5;
    policy.insert(1, true);
    policy.touch(1);
    expect(policy.victim(2, nobody)).toBe(1);
    clock.pass = 21;
    policy.touch(1);
    // 0: 4 -> 2 -> 1 use; 1: 2 -> 1 -> 0, and 1 again. One class, in which 0 was used before.
    expect(policy.victim(2, nobody)).toBe(0);
  });

  it('counts uses beyond residency, and no prefetches', () => {
    const { policy } = policyOf(3, 1000);
    policy.streamed!(0);
    policy.streamed!(0);
    policy.insert(0, false);
    policy.insert(1, true);
    expect(policy.victim(2, nobody)).toBe(1);
    policy.insert(2, false);
    expect(policy.victim(1, nobody)).toBe(2);
  });

  it('is LRU where counts are halved faster than they grow', () => {
    const context = contextOf(5);
    const [classes, recency] = [frequencyClasses.create(context, { halfLife: 1 }), lru.create(context, {})];
    for (let pass = 0; pass < 60; pass++) {
      context.clock.pass = 40 * pass;
      const id = (pass * 7) % 5;
      for (const policy of [classes, recency]) {
        if (pass < 5) policy.insert(id, true);
        else policy.touch(id);
      }
      // What was used just now alone has a count.
      expect(classes.victim(NONE, nobody)).toBe(recency.victim(NONE, nobody));
    }
  });
});

describe('frequency-classes beside a sort of all residents', () => {
  it('names the victim that sorting all residents by class and last use names', () => {
    const experts = 8;
    const step = fc.record({
      id: fc.nat(experts - 1),
      action: fc.constantFrom('use', 'use', 'use', 'stream', 'prefetch', 'evict', 'victim'),
      passes: fc.constantFrom(0, 0, 1, 3),
      pinned: fc.uniqueArray(fc.nat(experts - 1), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 12 }), (steps, halfLife) => {
        const { policy, clock } = policyOf(experts, halfLife);
        let uses = new Array<number>(experts).fill(0);
        const seen = new Map<number, number>();
        let halvings = 0;
        steps.forEach(({ action, id, passes, pinned }, now) => {
          clock.pass += passes;
          for (; (halvings + 1) * halfLife <= clock.pass; halvings++) uses = uses.map((count) => Math.floor(count / 2));
          if (action === 'use') {
            if (seen.has(id)) policy.touch(id);
            else policy.insert(id, true);
            uses[id]! += 1;
            seen.set(id, now);
          } else if (action === 'stream' && !seen.has(id)) {
            policy.streamed!(id);
            uses[id]! += 1;
          } else if (action === 'prefetch' && !seen.has(id)) {
            policy.insert(id, false);
            seen.set(id, now);
          } else if (action === 'evict' && seen.delete(id)) {
            policy.remove(id);
          }
          const pins = new Pins(Int32Array.from({ length: experts }, (_, each) => (pinned.includes(each) ? -1 : UNPINNED)));
          const classOf = (each: number): number => (uses[each] === 0 ? 0 : 1 + Math.floor(Math.log2(uses[each]!)));
          const sorted = [...seen.keys()]
            .filter((each) => !pinned.includes(each))
            .sort((a, b) => classOf(a) - classOf(b) || seen.get(a)! - seen.get(b)!);
          expect(policy.victim(NONE, pins)).toBe(sorted[0] ?? NONE);
        });
      }),
    );
  });
});
