// Foresight and the floor on small worlds: by hand, and between the floor and the best of all schedules.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { BeladyBound } from '../../../src/cache/belady-bound.js';
import { Foresight } from '../../../src/engine/foresight/foresight.js';
import { KnowledgeBounds } from '../../../src/engine/foresight/knowledge-bounds.js';
import type { LinkSpec } from '../../../src/hardware/spec.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { cases } from '../../cases.js';
import { exhaustive, type SmallWorld } from './exhaustive.js';

const linkOf = (transferNs: number, lanes = 1): LinkSpec => ({
  name: 'h2d',
  bandwidth: (1e9 * lanes) / transferNs,
  latencyNs: 0,
  lanes,
  chunkBytes: null,
});

/** A machine of `slots` experts of one byte. */
const machineOf = (experts: number, slots: number, transferNs: number, preloaded = false) => ({
  sizes: new Float64Array(experts).fill(1),
  capacityBytes: slots,
  link: linkOf(transferNs),
  dram: null,
  preloaded,
  handoverNs: 0,
});

const modelOf = (experts: number): ModelSpec =>
  ({ experts, layers: [{ offset: 0, experts, topK: 1, expertBytes: 1 }] }) as unknown as ModelSpec;

/** Runs a world; @returns foresight, the floor and LRU, in units. */
function boundsOf({ demands, expert, experts, gap, slots, transfer }: SmallWorld): Record<'foresight' | 'floor' | 'lru', number> {
  const bounds = new KnowledgeBounds(
    machineOf(experts, slots, transfer),
    new BeladyBound(modelOf(experts), 'global', slots, null, false),
    true,
    transfer,
  );
  const ids = new Int32Array(1);
  for (const id of demands) {
    ids[0] = id;
    bounds.dense(gap);
    bounds.event(0, ids, 1, expert, Number.POSITIVE_INFINITY);
  }
  bounds.passEnded();
  return { foresight: bounds.foresightEnds().at(-1)!, floor: bounds.floorNs, lru: bounds.lruNs };
}

describe('by hand', () => {
  it('loads the next while the GPU works, where there is room', () => {
    // Loads of 0 and 1 end at 4 and 8; 0 executes from 4 to 5, the work before 1 ends at 7, 1 executes from 8 to 9.
    expect(boundsOf({ experts: 2, slots: 2, demands: [0, 1], gap: 2, expert: 1, transfer: 4 })).toEqual({
      foresight: 9,
      floor: 8,
      lru: 14,
    });
  });

  it('keeps what is used sooner, and streams what is not', () => {
    // One slot: 0 is loaded by 2 and executed by 3. 1 is asked for at 4 and used never again, 0 is: 1 is streamed by 6, executed by 7; 0 by 9.
    expect(boundsOf({ experts: 2, slots: 1, demands: [0, 1, 0], gap: 1, expert: 1, transfer: 2 })).toMatchObject({ foresight: 9 });
  });

  it('has what is used first where placements are loaded beforehand', () => {
    const ids = Int32Array.of(0);
    const run = (preloaded: boolean): number => {
      const foresight = new Foresight(machineOf(2, 2, 5, preloaded));
      for (const id of [0, 1, 0]) {
        ids[0] = id;
        foresight.dense(1);
        foresight.event(ids, 1, 1, Number.POSITIVE_INFINITY);
      }
      foresight.passEnded();
      return foresight.passEnds()[0]!;
    };
    expect(run(true)).toBe(6);
    // 0 arrives at 5 and executes until 6, 1 arrives at 10 and executes until 11, 0 until 13.
    expect(run(false)).toBe(13);
  });

  it('reads through DRAM where that is a cache of the SSD', () => {
    const foresight = new Foresight({ ...machineOf(2, 1, 2), dram: { capacityBytes: 2, link: { ...linkOf(5), name: 'ssd' } } });
    for (const id of [0, 1]) {
      foresight.dense(1);
      foresight.event(Int32Array.of(id), 1, 1, Number.POSITIVE_INFINITY);
    }
    foresight.passEnded();
    // 0 is in DRAM at 5, on the GPU at 7, executed by 8. 1 is in DRAM at 10, in the place of 0 at 12, executed by 13.
    expect(foresight.passEnds()).toEqual([13]);
  });

  it('lets the CPU compute what would come later over the link', () => {
    const foresight = new Foresight({ ...machineOf(2, 1, 10), handoverNs: 1 });
    foresight.event(Int32Array.of(0), 1, 1, 3);
    foresight.passEnded();
    expect(foresight.passEnds()).toEqual([4]);
  });
});

describe('random small worlds', () => {
  const count = cases(500);
  const worlds = Array.from({ length: count }, (_, seed): SmallWorld => {
    const random = new Random(seed, 'foresight');
    const experts = 3 + random.below(2);
    return {
      experts,
      slots: 1 + random.below(2),
      demands: Array.from({ length: 4 + random.below(3) }, () => random.below(experts)),
      gap: random.below(3),
      expert: 1 + random.below(2),
      transfer: 1 + random.below(4),
    };
  });

  it('L19: floor <= best of all schedules <= foresight <= 1.5 times the best', () => {
    let off = 0;
    for (const world of worlds) {
      const best = exhaustive(world);
      const { floor, foresight, lru } = boundsOf(world);
      const said = JSON.stringify({ world, best, floor, foresight });
      expect(floor, said).toBeLessThanOrEqual(best + 1e-9);
      expect(foresight, said).toBeGreaterThanOrEqual(best - 1e-9);
      expect(foresight, said).toBeLessThanOrEqual(1.5 * best);
      expect(lru, said).toBeGreaterThanOrEqual(best - 1e-9);
      off += foresight / best - 1;
    }
    // 1.9 % of the best, on average over 500.
    expect(off / worlds.length).toBeLessThan(0.03);
  });
});
