import { NONE, type Pins } from './policy.js';

const ABSENT = Number.POSITIVE_INFINITY;

/**
 * Winner's key and id by node: node n plays the winners of 2n and 2n + 1; leaves are seats, taken by ids on arrival.
 */
const nodesOf = (count: number) => ({ key: new Float64Array(count), id: new Int32Array(count) });

/** Tournament for the smallest (key, id) among present ids. Updates stop at the first unchanged node. */
export class WinnerTree {
  protected readonly key: Float64Array;
  protected readonly id: Int32Array;
  readonly #leaf: Int32Array;
  readonly #vacant: Int32Array;
  #free: number;
  /** Leaf of a departed id, kept for the next id. 0 = none. */
  #hole = 0;
  #best = NONE;
  #least = ABSENT;

  /** @param residents most ids at once @param allocate arrays by node count */
  constructor(experts: number, residents: number = experts, allocate = nodesOf) {
    let seats = 2;
    while (seats < residents) seats *= 2;
    const { key, id } = allocate(2 * seats);
    this.key = key.fill(ABSENT);
    this.id = id.fill(NONE);
    this.#leaf = new Int32Array(experts);
    this.#vacant = Int32Array.from({ length: seats }, (_, i) => 2 * seats - 1 - i);
    this.#free = seats;
  }

  add(id: number, key: number): void {
    let leaf = this.#hole;
    if (leaf === 0) leaf = this.#vacant[--this.#free]!;
    this.#hole = 0;
    this.#leaf[id] = leaf;
    this.id[leaf] = id;
    this.play(leaf, key);
  }

  /** Raises or keeps the key of `id`; only an id that won its first match replays further matches. */
  raise(id: number, key: number): void {
    const leaf = this.#leaf[id]!;
    if (this.id[leaf >> 1] === id) this.play(leaf, key);
    else this.key[leaf] = key;
  }

  /** Lowers or keeps the key of `id`; only winners above are compared. */
  lower(id: number, key: number): void {
    const keys = this.key;
    const ids = this.id;
    const leaf = this.#leaf[id]!;
    keys[leaf] = key;
    for (let node = leaf >> 1; node > 0; node >>= 1) {
      const best = keys[node]!;
      if (best < key || (best === key && ids[node]! < id)) return;
      keys[node] = key;
      ids[node] = id;
    }
  }

  keyOf(id: number): number {
    return this.key[this.#leaf[id]!]!;
  }

  delete(id: number): void {
    this.#fillHole();
    this.#hole = this.#leaf[id]!;
  }

  /** Unpinned id with the smallest (key, id), or NONE. */
  min(pins: Pins): number {
    this.#fillHole();
    const id = this.id[1]!;
    return id === NONE || !pins.has(id) ? id : this.#minBehind(pins);
  }

  scale(factor: number): void {
    for (let node = 0; node < this.key.length; node++) this.key[node]! *= factor;
  }

  #minBehind(pins: Pins): number {
    this.#best = NONE;
    this.#least = ABSENT;
    this.#searchBelow(1, pins);
    return this.#best;
  }

  /** Searches ids beaten by the pinned winner of `top`, and below any pinned winner. */
  #searchBelow(top: number, pins: Pins): void {
    const keys = this.key;
    const ids = this.id;
    for (let node = this.#leaf[ids[top]!]!; node > top; node >>= 1) {
      const beaten = node ^ 1;
      const key = keys[beaten]!;
      const id = ids[beaten]!;
      if (key === ABSENT || key > this.#least || (key === this.#least && id > this.#best)) continue;
      if (pins.has(id)) {
        this.#searchBelow(beaten, pins);
      } else {
        this.#best = id;
        this.#least = key;
      }
    }
  }

  #fillHole(): void {
    const leaf = this.#hole;
    if (leaf === 0) return;
    this.#hole = 0;
    this.id[leaf] = NONE;
    this.#vacant[this.#free++] = leaf;
    this.play(leaf, ABSENT);
  }

  /** Sets a leaf's key and replays matches, bottom up, until unchanged. */
  protected play(leaf: number, key: number): void {
    const keys = this.key;
    const ids = this.id;
    keys[leaf] = key;
    let id = ids[leaf]!;
    for (let node = leaf; node > 1; ) {
      const other = keys[node ^ 1]!;
      if (other < key || (other === key && ids[node ^ 1]! < id)) {
        key = other;
        id = ids[node ^ 1]!;
      }
      node >>= 1;
      if (ids[node] === id && keys[node] === key) return;
      keys[node] = key;
      ids[node] = id;
    }
  }
}
