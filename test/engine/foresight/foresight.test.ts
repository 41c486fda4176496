// Schedules with knowledge and the floor on small worlds: by hand, and between the floor and the best of all schedules.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { cases } from '../../cases.js';
import { exhaustive, type SmallWorld } from './exhaustive.js';
import { KnownWorld, linkOf, machineOf } from './known-world.js';

type Machine = ReturnType<typeof machineOf>;

/** One event a demand, each after `gap`, in one pass. @returns ends of it, in units, and the floor */
function runOn(machine: Machine, demands: readonly number[], gap: number, gpu: number, cpu = Number.POSITIVE_INFINITY) {
  const { belady, floor, knowing, lru } = new KnownWorld(machine).pass(demands.map((id) => ({ gap, members: [{ id, gpu, cpu }] })));
  return { belady: belady[0]!, foresight: knowing[0]![0]!, floor, lru: lru[0]! };
}

const boundsOf = ({ demands, expert, experts, gap, slots, transfer }: SmallWorld) =>
  runOn(machineOf(experts, slots, transfer), demands, gap, expert);

describe('by hand', () => {
  it('loads the next while the GPU works, where there is room', () => {
    // Loads of 0 and 1 end at 4 and 8; 0 executes from 4 to 5, the work before 1 ends at 7, 1 executes from 8 to 9.
    expect(boundsOf({ experts: 2, slots: 2, demands: [0, 1], gap: 2, expert: 1, transfer: 4 })).toEqual({
      foresight: 9,
      floor: 9,
      belady: 14,
      lru: 14,
    });
  });

  it('keeps what is used sooner, and streams what is not', () => {
    // One slot: 0 is loaded by 2 and executed by 3. 1 is asked for at 4 and used never again, 0 is: 1 is streamed by 6, executed by 7; 0 by 9.
    expect(boundsOf({ experts: 2, slots: 1, demands: [0, 1, 0], gap: 1, expert: 1, transfer: 2 })).toMatchObject({ foresight: 9 });
  });

  it('hands over what would cost the place of another, and leaves the slot to what is next', () => {
    // One slot: 0 is loaded by 1, executed twice by 3. 1 is handed over by 4 and executed by 5, while 2 is loaded in the place of 0; 6.
    expect(boundsOf({ experts: 3, slots: 1, demands: [0, 0, 1, 2], gap: 0, expert: 1, transfer: 1 })).toMatchObject({ foresight: 6 });
    // 0 is loaded by 4, executed by 5, and stays: 1 is handed over by 9, 2 by 15, and executed by 10 and 16; 0 by 11 and 17.
    expect(boundsOf({ experts: 3, slots: 1, demands: [0, 1, 0, 2, 0], gap: 0, expert: 1, transfer: 4 })).toMatchObject({ foresight: 17 });
  });

  it('has what is used first where placements are loaded beforehand', () => {
    const run = (preloaded: boolean): number => runOn(machineOf(2, 2, 5, { preloaded }), [0, 1, 0], 1, 1).foresight;
    expect(run(true)).toBe(6);
    // 0 arrives at 5 and executes until 6, 1 arrives at 10 and executes until 11, 0 until 13.
    expect(run(false)).toBe(13);
  });

  it('reads through DRAM where that is a cache of the SSD', () => {
    const dram = { capacityBytes: 2, link: { ...linkOf(5), name: 'ssd' } as const };
    const { belady, foresight, lru } = runOn(machineOf(2, 1, 2, { dram }), [0, 1], 1, 1);
    // 0 is in DRAM at 5, on the GPU at 7, executed by 8. 1 is in DRAM at 10, in the place of 0 at 12, executed by 13.
    expect(foresight).toBe(13);
    // On demand, 0 is asked for at 1 and executed by 9, 1 is asked for at 10 and executed by 18.
    expect([belady, lru]).toEqual([18, 18]);
  });

  it('lets the CPU compute what would come later over the link', () => {
    const machine = machineOf(2, 1, 10, { cpu: true, handoverNs: 1 });
    expect(runOn(machine, [0], 0, 1, 3)).toMatchObject({ foresight: 4, belady: 4, lru: 4 });
  });

  it('makes the CPU wait for the SSD as the GPU does', () => {
    const dram = { capacityBytes: 2, link: { ...linkOf(5), name: 'ssd' } as const };
    // Both are read by 5 and 10, and computed by the CPU until 8 and 13; over the link they would be there at 25 and later.
    expect(runOn(machineOf(2, 1, 20, { dram, cpu: true }), [0, 1], 0, 1, 3)).toMatchObject({
      foresight: 13,
      belady: 16,
      lru: 16,
      floor: 10,
    });
  });

  it('fetches what would arrive in time, and leaves the rest to the CPU', () => {
    // A load takes 4. The CPU computes 0 by 3; what is next is 1 at 3, for which a load from 0 on is late, and 2 at 6, for which it is not.
    const events = [0, 1, 2].map((id) => ({ gap: 0, members: [{ id, gpu: 1, cpu: 3 }] }));
    const { floor, knowing } = new KnownWorld(machineOf(3, 1, 4, { cpu: true })).pass(events);
    expect(Math.min(...knowing.map((ends) => ends[0]!))).toBe(7);
    expect(floor).toBeLessThanOrEqual(7);
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

  it('L19: floor <= best of all schedules <= foresight <= 1.2 times the best', () => {
    let off = 0;
    for (const world of worlds) {
      const best = exhaustive(world);
      const { belady, floor, foresight, lru } = boundsOf(world);
      const said = JSON.stringify({ world, best, floor, foresight });
      expect(floor, said).toBeLessThanOrEqual(best + 1e-9);
      expect(foresight, said).toBeGreaterThanOrEqual(best - 1e-9);
      expect(foresight, said).toBeLessThanOrEqual(1.2 * best);
      expect(lru, said).toBeGreaterThanOrEqual(best - 1e-9);
      expect(belady, said).toBeGreaterThanOrEqual(best - 1e-9);
      off += foresight / best - 1;
    }
    // 0.24 % of the best on average over 500, 0.55 % over the first 50.
    expect(off / worlds.length).toBeLessThan(count < 500 ? 0.01 : 0.005);
  });
});
