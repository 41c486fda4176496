import { worthAfter } from '../next-use/next-use.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyContext, policy } from '../policy.js';

/**
 * Part of the way to an expert's layer that counts as time. Ours: between LRU and foresight on code, .2 and 1 reach
 * 86.3 and 84.5 % at batch 16, 52.5 and 55.0 at 4; .4 reaches 86.5 and 53.1.
 */
const WITHIN_PASS = 0.4;

class ExpectedUsePolicy implements CachePolicy {
  readonly #expected: Float32Array;
  readonly #version: Uint32Array;
  readonly #clock: Clock;
  readonly #layerOf: Uint16Array;
  readonly #layers: number;
  /** Use count of the cache at each expert's last use, for ties. */
  readonly #lastUse: Float64Array;
  #uses = 0;
  readonly #selective: boolean;
  /** First expert of each layer present, and the end; then the layer. */
  readonly #start: Int32Array;
  readonly #layer: Int32Array;
  /** By place in `#layer`: least wanted resident, or NONE; then its version, or STALE. */
  readonly #least: Int32Array;
  readonly #seen: Float64Array;
  readonly #placeOf: Uint16Array;
  /** By place: residents, unordered; their number; position of each expert. */
  readonly #residents: Int32Array;
  readonly #count: Int32Array;
  readonly #at: Int32Array;

  constructor({ clock, expected, expectedVersion, experts, layerOf, layers }: PolicyContext, selective: boolean) {
    this.#expected = expected!;
    this.#version = expectedVersion!;
    this.#clock = clock;
    this.#layerOf = layerOf;
    this.#layers = layers;
    this.#selective = selective;
    this.#lastUse = new Float64Array(experts);
    const starts: number[] = [];
    for (let id = 0; id < experts; id++) if (id === 0 || layerOf[id] !== layerOf[id - 1]) starts.push(id);
    this.#layer = Int32Array.from(starts, (id) => layerOf[id]!);
    this.#start = Int32Array.of(...starts, experts);
    this.#placeOf = new Uint16Array(experts);
    for (let place = 0; place < starts.length; place++) this.#placeOf.fill(place, this.#start[place], this.#start[place + 1]);
    this.#residents = new Int32Array(experts);
    this.#count = new Int32Array(starts.length);
    this.#at = new Int32Array(experts);
    this.#least = new Int32Array(starts.length).fill(NONE);
    this.#seen = new Float64Array(starts.length).fill(STALE);
  }

  touch(id: number): void {
    this.#lastUse[id] = ++this.#uses;
    this.#forget(id);
  }

  insert(id: number, used: boolean): void {
    const place = this.#placeOf[id]!;
    const at = this.#start[place]! + this.#count[place]!;
    this.#count[place]! += 1;
    this.#residents[at] = id;
    this.#at[id] = at;
    if (used) this.#lastUse[id] = ++this.#uses;
    this.#forget(id);
  }

  remove(id: number): void {
    const place = this.#placeOf[id]!;
    this.#count[place]! -= 1;
    const last = this.#residents[this.#start[place]! + this.#count[place]!]!;
    this.#residents[this.#at[id]!] = last;
    this.#at[last] = this.#at[id]!;
    this.#forget(id);
  }

  victim(_incoming: number, pins: Pins): number {
    const version = this.#version;
    let victim = NONE;
    let least = 0;
    for (let place = 0; place < this.#least.length; place++) {
      if (this.#seen[place] !== version[this.#layer[place]!]) this.#find(place);
      let id = this.#least[place]!;
      if (id === NONE) continue;
      let worth = this.#worth(id);
      if (victim !== NONE && !this.#isSooner(victim, least, id, worth)) continue;
      if (pins.has(id)) {
        id = this.#leastFree(place, pins);
        if (id === NONE) continue;
        worth = this.#worth(id);
        if (victim !== NONE && !this.#isSooner(victim, least, id, worth)) continue;
      }
      victim = id;
      least = worth;
    }
    return victim;
  }

  admits(incoming: number, victim: number): boolean {
    return !this.#selective || this.#worth(incoming) >= this.#worth(victim);
  }

  /** Worth now, discounted by the time until the expert's layer, at most one pass. */
  #worth(id: number): number {
    const ahead = this.#layerOf[id]! - this.#clock.layer;
    return worthAfter(this.#expected[id]!, (WITHIN_PASS * (ahead <= 0 ? ahead + this.#layers : ahead)) / this.#layers);
  }

  /** True if `a`, worth `p`, is worth more than `b`, worth `q`, or equally much and used later. */
  #isSooner(a: number, p: number, b: number, q: number): boolean {
    return p > q || (p === q && (this.#lastUse[a]! > this.#lastUse[b]! || (this.#lastUse[a] === this.#lastUse[b] && a > b)));
  }

  #isLess(a: number, b: number): boolean {
    const p = this.#expected[a]!;
    const q = this.#expected[b]!;
    return p < q || (p === q && (this.#lastUse[a]! < this.#lastUse[b]! || (this.#lastUse[a] === this.#lastUse[b] && a < b)));
  }

  #forget(id: number): void {
    this.#seen[this.#placeOf[id]!] = STALE;
  }

  #find(place: number): void {
    const expected = this.#expected;
    const residents = this.#residents;
    const start = this.#start[place]!;
    const end = start + this.#count[place]!;
    let least = NONE;
    let wanted = 0;
    for (let at = start; at < end; at++) {
      const id = residents[at]!;
      const value = expected[id]!;
      if (least !== NONE && (value > wanted || (value === wanted && !this.#isLess(id, least)))) continue;
      least = id;
      wanted = value;
    }
    this.#least[place] = least;
    this.#seen[place] = this.#version[this.#layer[place]!]!;
  }

  #leastFree(place: number, pins: Pins): number {
    const start = this.#start[place]!;
    const end = start + this.#count[place]!;
    let least = NONE;
    for (let at = start; at < end; at++) {
      const id = this.#residents[at]!;
      if (!pins.has(id) && (least === NONE || this.#isLess(id, least))) least = id;
    }
    return least;
  }
}

/** No version; versions are whole numbers from 0. */
const STALE = -1;

/**
 * ExpertFlow's caching: keeps predicted experts, evicts finished experts, over all layers. Learned later uses count.
 */
export const plec = policy({
  name: 'plec',
  summary: 'evicts the expert whose next use is expected last, by what is predicted of this pass and learned of later ones',
  cites: 'PLEC of ExpertFlow, arXiv 2410.17954',
  parameters: {
    selective: {
      default: true,
      description: 'stream an expert that is expected later than every resident, instead of inserting it',
    },
  },
  needs: ['expected'],
  takes: ['predicted'],
  create: (context, { selective }) => new ExpectedUsePolicy(context, selective),
});

/** Belady's rule on learned next uses, after LRB and Parrot. */
export const learnedBelady = policy({
  name: 'learned-belady',
  summary: 'evicts the expert whose next use is expected last, as learned from past uses and similar passes',
  cites: 'after LRB, NSDI 2020, and Parrot, ICML 2020',
  needs: ['expected'],
  create: (context) => new ExpectedUsePolicy(context, true),
});
