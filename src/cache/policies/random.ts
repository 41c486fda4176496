import type { Random } from '../../base/random.js';
import { type CachePolicy, NONE, type Pins, policy } from '../policy.js';
import { ResidentSet } from '../resident-set.js';

/** Draws before unpinned residents are counted: with half pinned, one victim in 2^8 needs the count. */
const DRAWS = 8;

class RandomVictim extends ResidentSet implements CachePolicy {
  readonly #random: Random;

  constructor(experts: number, random: Random) {
    super(experts);
    this.#random = random;
  }

  touch(): void {}

  victim(_incoming: number, pins: Pins): number {
    const { ids, count } = this;
    if (count === 0) return NONE;
    for (let draw = 0; draw < DRAWS; draw++) {
      const id = ids[this.#random.below(count)]!;
      if (!pins.has(id)) return id;
    }
    let free = 0;
    for (let i = 0; i < count; i++) if (!pins.has(ids[i]!)) free++;
    if (free === 0) return NONE;
    let skip = this.#random.below(free);
    for (let i = 0; ; i++) if (!pins.has(ids[i]!) && skip-- === 0) return ids[i]!;
  }
}

/** Random victim, below which a policy does harm. */
export const random = policy({
  name: 'random',
  summary: 'evicts an expert drawn at random (seeded)',
  cites: 'Belady, IBM Systems Journal 5(2), 1966',
  create: ({ experts, random }) => new RandomVictim(experts, random),
});
