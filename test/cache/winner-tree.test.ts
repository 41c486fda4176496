// Both tournaments and the frequency list against arrays that are searched, under random use and pins.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BranchlessTree } from '../../src/cache/branchless-tree.js';
import { FrequencyList } from '../../src/cache/frequency-list.js';
import { NONE, Pins, UNPINNED } from '../../src/cache/policy.js';
import { WinnerTree } from '../../src/cache/winner-tree.js';
import { cases } from '../cases.js';

const EXPERTS = 12;

interface Step {
  readonly kind: 'put' | 'drop' | 'pin' | 'free' | 'min' | 'scale';
  readonly id: number;
  readonly key: number;
}

const kinds = fc.constantFrom<Step['kind']>('put', 'put', 'put', 'drop', 'pin', 'free', 'min', 'min', 'min', 'scale');
const steps = fc.array(fc.record({ kind: kinds, id: fc.nat(EXPERTS - 1), key: fc.integer({ min: -3, max: 5 }) }), { maxLength: 120 });

describe.each([WinnerTree, BranchlessTree])('%o', (Tree) => {
  it('finds the smallest key, ties by id, among those present and free', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const tree = new Tree(EXPERTS, 8);
        const present = new Map<number, number>();
        const pins = new Pins(new Int32Array(EXPERTS).fill(UNPINNED));
        for (const step of all) {
          if (step.kind === 'min') {
            const free = [...present].filter(([id]) => !pins.has(id)).sort(([a, x], [b, y]) => x - y || a - b);
            expect(tree.min(pins)).toBe(free[0]?.[0] ?? NONE);
          } else if (step.kind === 'scale') {
            tree.scale(2);
            for (const [id, key] of present) present.set(id, 2 * key);
          } else if (step.kind === 'pin' || step.kind === 'free') {
            pins.rank[step.id] = step.kind === 'pin' ? -1 : UNPINNED;
          } else if (step.kind === 'drop') {
            if (present.delete(step.id)) tree.delete(step.id);
          } else if (present.has(step.id)) {
            const change = step.key <= present.get(step.id)! ? 'lower' : 'raise';
            tree[change](step.id, step.key);
            present.set(step.id, step.key);
          } else if (present.size < 8) {
            tree.add(step.id, step.key);
            present.set(step.id, step.key);
          }
          for (const [id, key] of present) expect(tree.keyOf(id)).toBe(key);
        }
      }),
      { numRuns: cases(500) },
    );
  });
});

it('keeps trees in one memory apart, and a tree larger than that', () => {
  const pins = new Pins(new Int32Array(1 << 17).fill(UNPINNED));
  const trees = [3, 1 << 17, 5].map((experts) => new BranchlessTree(experts));
  for (const [t, tree] of trees.entries()) for (let id = 0; id < 3; id++) tree.add(id, (id + t) % 3);
  expect(trees.map((tree) => tree.min(pins))).toEqual([0, 2, 1]);
});

describe('FrequencyList', () => {
  it('finds the fewest uses, ties by least recent use, among those present and free', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const list = new FrequencyList(EXPERTS);
        const present = new Map<number, { count: number; at: number }>();
        const pins = new Pins(new Int32Array(EXPERTS).fill(UNPINNED));
        for (const [now, step] of all.entries()) {
          if (step.kind === 'min') {
            const free = [...present].filter(([id]) => !pins.has(id)).sort(([, a], [, b]) => a.count - b.count || a.at - b.at);
            expect(list.min(pins)).toBe(free[0]?.[0] ?? NONE);
          } else if (step.kind === 'pin' || step.kind === 'free') {
            pins.rank[step.id] = step.kind === 'pin' ? -1 : UNPINNED;
          } else if (step.kind === 'drop') {
            if (present.delete(step.id)) list.delete(step.id);
          } else if (step.kind === 'put') {
            const entry = present.get(step.id);
            if (entry === undefined) {
              const count = Math.abs(step.key);
              list.add(step.id, count);
              present.set(step.id, { count, at: now });
            } else {
              list.increment(step.id);
              present.set(step.id, { count: entry.count + 1, at: now });
            }
          }
        }
      }),
      { numRuns: cases(500) },
    );
  });
});
