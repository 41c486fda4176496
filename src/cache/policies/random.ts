// A random victim: the yardstick below which a policy does harm.
import type { Random } from '../../base/random.js';
import { type CachePolicy, NONE, type Pins, type PolicyDefinition } from '../policy.js';

/** Draws before the unpinned residents are counted: with half of them pinned, one victim in 2^8 needs the count. */
const DRAWS = 8;

class RandomVictim implements CachePolicy {
  readonly #random: Random;
  /** Residents in any order, and where each stands. */
  readonly #residents: Int32Array;
  readonly #place: Int32Array;
  #count = 0;

  constructor(experts: number, random: Random) {
    this.#random = random;
    this.#residents = new Int32Array(experts);
    this.#place = new Int32Array(experts);
  }

  touch(): void {}

  insert(id: number): void {
    this.#place[id] = this.#count;
    this.#residents[this.#count++] = id;
  }

  remove(id: number): void {
    const last = this.#residents[--this.#count]!;
    this.#residents[this.#place[id]!] = last;
    this.#place[last] = this.#place[id]!;
  }

  victim(_incoming: number, pins: Pins): number {
    if (this.#count === 0) return NONE;
    for (let draw = 0; draw < DRAWS; draw++) {
      const id = this.#residents[this.#random.below(this.#count)]!;
      if (!pins.has(id)) return id;
    }
    let free = 0;
    for (let i = 0; i < this.#count; i++) if (!pins.has(this.#residents[i]!)) free++;
    if (free === 0) return NONE;
    let skip = this.#random.below(free);
    for (let i = 0; ; i++) if (!pins.has(this.#residents[i]!) && skip-- === 0) return this.#residents[i]!;
  }
}

/** Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966. No parameters. */
export const random: PolicyDefinition = {
  name: 'random',
  summary: 'evicts an expert drawn at random (seeded)',
  cites: 'Belady, IBM Systems Journal 5(2), 1966',
  parameters: {},
  needs: [],
  create: ({ experts, random }) => new RandomVictim(experts, random),
};
