import type { BestPlaces } from './best-places.js';
import { NOWHERE, type PathRing } from './path-ring.js';

/** Last search's places: current similarities are a lower limit of the next search. */
export class PathHints {
  readonly #most: number;
  /** `[rows, most]` places. */
  readonly #places: Int32Array;
  readonly #counts: Int32Array;

  constructor(rows: number, most: number) {
    this.#most = most;
    this.#places = new Int32Array(rows * most);
    this.#counts = new Int32Array(rows);
  }

  found(row: number, best: BestPlaces): void {
    this.#places.set(best.places, row * this.#most);
    this.#counts[row] = best.count;
  }

  /** Places of a full row, valid until the row changes; null: fewer than `most`. */
  full(row: number): Int32Array | null {
    return this.#counts[row] === this.#most ? this.#places : null;
  }

  /** Starts a row with the successors of row `from`'s paths; `from` -1: empty. */
  follow(row: number, from: number, { successor }: PathRing): void {
    const most = this.#most;
    const places = this.#places;
    const count = from < 0 ? 0 : this.#counts[from]!;
    for (let i = 0; i < count; i++) {
      const place = places[from * most + i]!;
      const after = successor[place]!;
      places[row * most + i] = after === NOWHERE ? place : after;
    }
    this.#counts[row] = count;
  }

  copy(from: number, to: number): void {
    const most = this.#most;
    this.#places.copyWithin(to * most, from * most, (from + 1) * most);
    this.#counts[to] = this.#counts[from]!;
  }
}
