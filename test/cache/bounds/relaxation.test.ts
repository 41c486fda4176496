// The bound where experts differ in size, against the most hits of any choice of residents, found by trying them all.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../../cases.js';
import { toyModel } from '../fixtures.js';
import { beladyHits, changingBound, recordEvents } from '../replaying.js';

/** Layers of two experts each. */
const SIZES = [1, 3, 4];
const ids = [0, 1, 2, 3, 4, 5];
const bytesOf = (set: number): number => ids.reduce((sum, id) => sum + (((set >> id) & 1) === 1 ? SIZES[id >> 1]! : 0), 0);
const bits = (set: number): number => ids.reduce((sum, id) => sum + ((set >> id) & 1), 0);

/** What a layer's event demands, and the capacity from then on. */
const steps = fc.array(
  fc.record({
    layer: fc.integer({ min: 0, max: 2 }),
    members: fc.shuffledSubarray([0, 1], { minLength: 1 }),
    capacity: fc.integer({ min: 0, max: 16 }),
  }),
  { minLength: 1, maxLength: 9 },
);
type Steps = readonly { readonly layer: number; readonly members: readonly number[]; readonly capacity: number }[];

const expertsOf = ({ layer, members }: Steps[number]): number[] => members.map((expert) => 2 * layer + expert);

/** Most hits of any choice: after an event, whatever fits of what was resident and what was demanded. */
function mostHits(all: Steps, preloaded: boolean): number {
  const sets = Array.from({ length: 64 }, (_, set) => set);
  let best = new Map([[0, 0]]);
  if (preloaded) for (const set of sets) best.set(set, 0);
  for (const step of all) {
    const demand = expertsOf(step).reduce((set, id) => set | (1 << id), 0);
    const next = new Map<number, number>();
    for (const [before, hits] of best) {
      for (const kept of sets) {
        if ((kept & ~before) !== 0 || bytesOf(kept) > step.capacity) continue;
        for (const after of sets) {
          if ((after & ~(kept | demand)) !== 0 || bytesOf(after) > step.capacity) continue;
          next.set(after, Math.max(next.get(after) ?? 0, hits + bits(kept & demand)));
        }
      }
    }
    best = next;
  }
  return Math.max(...best.values());
}

describe('L15: the bound where experts differ in size', () => {
  it.each([false, true])('is never below the most hits of any choice, at any capacity that changes; preloaded: %s', (preloaded) => {
    let exact = 0;
    let runs = 0;
    fc.assert(
      fc.property(steps, fc.boolean(), (all, changing) => {
        const run = changing ? all : all.map((step) => ({ ...step, capacity: all[0]!.capacity }));
        const log = recordEvents(
          toyModel([2, 2, 2], SIZES, 2),
          run.map((step) => ({ layer: step.layer, ids: expertsOf(step) })),
        );
        const capacities = run.map(({ capacity }) => capacity);
        const bound = changingBound(log, 'global', 16, capacities, preloaded);
        log.close();
        const most = mostHits(run, preloaded);
        expect(bound).toBeGreaterThanOrEqual(most);
        runs++;
        if (bound === most) exact++;
      }),
      { numRuns: cases(80), seed: 3 },
    );
    // A bound that is far off would be none to speak of.
    expect(exact).toBeGreaterThan(runs / 2);
  });

  it('is the optimum where sizes are equal, also with the best experts resident beforehand', () => {
    const uses = [0, 1, 2, 0, 1, 2, 0];
    const log = recordEvents(
      toyModel([3]),
      uses.map((id) => ({ layer: 0, ids: [id] })),
    );
    // Two slots: 0 and 1 are kept but for the uses of 2; loaded beforehand, their first uses hit as well.
    expect(beladyHits(log, 'global', 2)).toBe(3);
    expect(beladyHits(log, 'global', 2, true)).toBe(5);
  });
});
