// Evicts the expert whose next use is expected to be farthest, of whatever layer: slots so go to layers in proportion to what they are expected
// to demand. What `plec` and `learned-belady` have in common; they differ in what is expected.
import { DISCOUNT } from '../next-use/next-use.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyContext } from '../policy.js';

/** Ranks residents by what is expected of them. */
export class ExpectedUsePolicy implements CachePolicy {
  readonly #expected: Float32Array;
  readonly #version: Uint32Array;
  readonly #clock: Clock;
  readonly #layerOf: Uint16Array;
  /** By layers from the running one to an expert's own, less one: what a use then is worth. */
  readonly #discount: Float64Array;
  /** Use count of the whole cache at each expert's last use: ties go to the expert that was not used for longest. */
  readonly #lastUse: Float64Array;
  #uses = 0;
  readonly #resident: Uint8Array;
  readonly #selective: boolean;
  /** First expert of each layer that has one here, and the end; the layer itself. */
  readonly #start: Int32Array;
  readonly #layer: Int32Array;
  /** By place in `#layer`: the least wanted resident, NONE = no resident, and the version that it is of; STALE = to be found again. */
  readonly #least: Int32Array;
  readonly #seen: Float64Array;

  constructor({ clock, expected, expectedVersion, experts, layerOf, layers }: PolicyContext, selective: boolean) {
    this.#expected = expected!;
    this.#version = expectedVersion!;
    this.#clock = clock;
    this.#layerOf = layerOf;
    this.#discount = Float64Array.from({ length: layers }, (_, ahead) => DISCOUNT ** ((ahead + 1) / layers));
    this.#selective = selective;
    this.#lastUse = new Float64Array(experts);
    this.#resident = new Uint8Array(experts);
    const starts: number[] = [];
    for (let id = 0; id < experts; id++) if (id === 0 || layerOf[id] !== layerOf[id - 1]) starts.push(id);
    this.#layer = Int32Array.from(starts, (id) => layerOf[id]!);
    this.#start = Int32Array.of(...starts, experts);
    this.#least = new Int32Array(starts.length).fill(NONE);
    this.#seen = new Float64Array(starts.length).fill(STALE);
  }

  touch(id: number): void {
    this.#lastUse[id] = ++this.#uses;
    this.#forget(id);
  }

  insert(id: number, used: boolean): void {
    this.#resident[id] = 1;
    if (used) this.#lastUse[id] = ++this.#uses;
    this.#forget(id);
  }

  remove(id: number): void {
    this.#resident[id] = 0;
    this.#forget(id);
  }

  victim(_incoming: number, pins: Pins): number {
    let victim = NONE;
    for (let place = 0; place < this.#least.length; place++) {
      if (this.#seen[place] !== this.#version[this.#layer[place]!]) this.#find(place);
      let id = this.#least[place]!;
      if (id === NONE) continue;
      if (victim !== NONE && !this.#isSooner(victim, id)) continue;
      if (pins.has(id)) {
        id = this.#leastFree(place, pins);
        if (id === NONE || (victim !== NONE && !this.#isSooner(victim, id))) continue;
      }
      victim = id;
    }
    return victim;
  }

  /** An expert that is expected later than all residents is not worth a slot. */
  admits(incoming: number, victim: number): boolean {
    return !this.#selective || this.#worth(incoming) >= this.#worth(victim);
  }

  /** What an expert is worth now: its layer comes sooner or later, within a pass from now. */
  #worth(id: number): number {
    const layers = this.#discount.length;
    return this.#expected[id]! * this.#discount[(this.#layerOf[id]! - this.#clock.layer - 1 + layers) % layers]!;
  }

  /** True where `a`, of whatever layer, is worth more than `b`, or as much and was used later. */
  #isSooner(a: number, b: number): boolean {
    const p = this.#worth(a);
    const q = this.#worth(b);
    return p > q || (p === q && (this.#lastUse[a]! > this.#lastUse[b]! || (this.#lastUse[a] === this.#lastUse[b] && a > b)));
  }

  /** True where `a` is wanted less than `b`, of the same layer. */
  #isLess(a: number, b: number): boolean {
    const p = this.#expected[a]!;
    const q = this.#expected[b]!;
    return p < q || (p === q && (this.#lastUse[a]! < this.#lastUse[b]! || (this.#lastUse[a] === this.#lastUse[b] && a < b)));
  }

  /** A resident's rank has changed: its layer is searched again when the next victim is asked for. */
  #forget(id: number): void {
    let low = 0;
    let high = this.#layer.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#start[middle]! <= id) low = middle;
      else high = middle;
    }
    this.#seen[low] = STALE;
  }

  #find(place: number): void {
    let least = NONE;
    for (let id = this.#start[place]!; id < this.#start[place + 1]!; id++) {
      if (this.#resident[id] === 1 && (least === NONE || this.#isLess(id, least))) least = id;
    }
    this.#least[place] = least;
    this.#seen[place] = this.#version[this.#layer[place]!]!;
  }

  #leastFree(place: number, pins: Pins): number {
    let least = NONE;
    for (let id = this.#start[place]!; id < this.#start[place + 1]!; id++) {
      if (this.#resident[id] === 1 && !pins.has(id) && (least === NONE || this.#isLess(id, least))) least = id;
    }
    return least;
  }
}

/** No version of an expectation: versions are whole numbers from 0. */
const STALE = -1;
