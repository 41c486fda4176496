import type { Random } from '../../base/random.js';
import { type CachePolicy, NONE, type Pins, policy } from '../policy.js';
import { ResidentSet } from '../resident-set.js';

class Hyperbolic extends ResidentSet implements CachePolicy {
  readonly #uses: Float64Array;
  readonly #since: Float64Array;
  readonly #samples: number;
  readonly #random: Random;
  readonly #score: (id: number) => number;
  #now = 0;

  constructor(experts: number, samples: number, random: Random) {
    super(experts);
    this.#uses = new Float64Array(experts);
    this.#since = new Float64Array(experts);
    this.#samples = samples;
    this.#random = random;
    this.#score = (id) => this.#uses[id]! / (this.#now - this.#since[id]! + 1);
  }

  touch(id: number): void {
    this.#now++;
    this.#uses[id]! += 1;
  }

  override insert(id: number, used: boolean): void {
    this.#now++;
    this.#uses[id] = used ? 1 : 0;
    this.#since[id] = this.#now;
    super.insert(id, used);
  }

  victim(_incoming: number, pins: Pins): number {
    if (this.count <= this.#samples) return this.lowest(pins, this.#score);
    let best = NONE;
    let least = Number.POSITIVE_INFINITY;
    for (let draw = 0; draw < this.#samples; draw++) {
      const id = this.ids[this.#random.below(this.count)]!;
      if (pins.has(id)) continue;
      const score = this.#score(id);
      if (score < least || (score === least && id < best)) {
        least = score;
        best = id;
      }
    }
    return best === NONE ? this.lowest(pins, this.#score) : best;
  }
}

/** Hyperbolic caching: evicts the least frequent since insertion, of `samples` random residents. */
export const hyperbolic = policy({
  name: 'hyperbolic',
  summary: 'evicts, of a random sample, the expert with the least uses per time resident',
  cites: 'Blankstein, Sen and Freedman, "Hyperbolic caching", USENIX ATC 2017',
  parameters: { samples: { default: 64, min: 1, description: 'residents drawn for each victim' } },
  create: ({ experts, random }, { samples }) => new Hyperbolic(experts, Math.floor(samples), random),
});
