// The optimum against its definition: a use can hit where, at every moment since the last use, a slot is left.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { Optimum } from '../../../src/cache/bounds/optimum.js';

/** Runs events, with so many slots at each; @returns hits */
function optimum(experts: number, events: readonly (readonly number[])[], slots: readonly number[]): number {
  const one = new Optimum(experts, slots[0] ?? 0);
  for (const [at, ids] of events.entries()) {
    one.resize(slots[at]!);
    one.event(Int32Array.from(ids), ids.length, 0);
  }
  return one.hits;
}

/** The same by occupancy: intervals are taken as they end, each where fewer slots than there are were taken at every moment of it. */
function byOccupancy(events: readonly (readonly number[])[], slots: readonly number[]): number {
  // Between event t and the next, a cache holds what fits before the next one and after this one.
  const room = events.map((_, at) => Math.min(slots[at]!, slots[at + 1] ?? slots[at]!));
  const last = new Map<number, number>();
  let hits = 0;
  for (const [at, ids] of events.entries()) {
    for (const id of ids) {
      const since = last.get(id);
      last.set(id, at);
      if (since === undefined || room.slice(since, at).some((left) => left === 0)) continue;
      for (let moment = since; moment < at; moment++) room[moment]! -= 1;
      hits++;
    }
  }
  return hits;
}

/** Events that use some experts more than others; now and then one that uses none. */
function drawn(random: Random, experts: number, count: number, widest: number): number[][] {
  return Array.from({ length: count }, () => {
    const members = new Set<number>();
    const size = random.below(8) === 0 ? 0 : 1 + random.below(Math.min(widest, experts));
    while (members.size < size) members.add(Math.min(random.below(experts), random.below(experts)));
    return [...members];
  });
}

describe('optimum', () => {
  it('hits whatever was used before where there is room for all, and nothing where there is none', () => {
    const events = [[0, 1], [2], [0, 2], [1], [0]];
    expect(optimum(3, events, [3, 3, 3, 3, 3])).toBe(4);
    expect(optimum(3, events, [0, 0, 0, 0, 0])).toBe(0);
  });

  it('keeps in a cyclic scan all slots but one for what comes round again', () => {
    const events = Array.from({ length: 12 }, (_, at) => [at % 4]);
    // With bypass two of four experts stay for good: every second use after the first round.
    expect(
      optimum(
        4,
        events,
        events.map(() => 2),
      ),
    ).toBe(4);
  });

  it.each([1, 2, 3, 4, 5])('counts what occupancy allows, over many moves of the line (seed %i)', (seed) => {
    const random = new Random(seed, 'optimum');
    for (let round = 0; round < 40; round++) {
      const experts = 1 + random.below(12);
      const events = drawn(random, experts, 1 + random.below(400), 4);
      const slots = random.below(experts + 1);
      expect(
        optimum(
          experts,
          events,
          events.map(() => slots),
        ),
      ).toBe(
        byOccupancy(
          events,
          events.map(() => slots),
        ),
      );
    }
  });

  it.each([6, 7, 8])('follows the slots as their number changes (seed %i)', (seed) => {
    const random = new Random(seed, 'optimum');
    for (let round = 0; round < 40; round++) {
      const experts = 1 + random.below(12);
      const events = drawn(random, experts, 1 + random.below(400), 3);
      let now = random.below(experts + 1);
      const slots = events.map(() => {
        if (random.below(20) === 0) now = random.below(experts + 1);
        return now;
      });
      expect(optimum(experts, events, slots)).toBe(byOccupancy(events, slots));
    }
  });
});
