import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** No neighbour in the request, or the neighbour is gone. */
export const NOWHERE = -1;

/** Newest paths with neighbours, and bits of each expert's users. A place is an index below `capacity`. */
export class PathRing {
  readonly capacity: number;
  count = 0;
  /** `[capacity, layers, topK]`: experts within the layer. */
  readonly paths: Uint16Array;
  /** Input token id of each path, -1: unknown. */
  readonly tokenIds: Int32Array;
  /** Place of the request's path before and after, or {@link NOWHERE}. */
  readonly previous: Int32Array;
  readonly successor: Int32Array;
  #next = 0;
  /** By dense id, `rowBytes` each: bit `place & 7` of byte `place >> 3`. */
  readonly #users: Uint8Array;
  readonly #rowBytes: number;
  readonly #offsets: readonly number[];
  readonly #topK: number;

  /** @param paths `[capacity, layers, topK]`, the oldest is replaced @param users `[experts, rowBytes]` bits, zero */
  constructor({ layers }: Pick<ModelSpec, 'layers'>, topK: number, paths: Uint16Array, users: Uint8Array, rowBytes: number) {
    const capacity = paths.length / (layers.length * topK);
    this.capacity = capacity;
    this.#topK = topK;
    this.#users = users;
    this.#rowBytes = rowBytes;
    this.#offsets = layers.map(({ offset }) => offset);
    this.paths = paths.fill(NULL_EXPERT);
    this.tokenIds = new Int32Array(capacity).fill(-1);
    this.previous = new Int32Array(capacity).fill(NOWHERE);
    this.successor = new Int32Array(capacity).fill(NOWHERE);
  }

  /** @param previous place of the path before @returns the kept path's place */
  keep(pass: Pass, token: number, previous: number): number {
    const place = this.#next;
    if (this.count === this.capacity) this.#forget(place);
    else this.count++;
    this.#next = place + 1 === this.capacity ? 0 : place + 1;
    this.paths.set(pass.choices.subarray(token * pass.row, (token + 1) * pass.row), place * pass.row);
    this.#mark(place, true);
    this.tokenIds[place] = pass.tokenId === null ? -1 : pass.tokenId[token]!;
    // A path replaced now is no predecessor.
    this.previous[place] = previous === place ? NOWHERE : previous;
    if (this.previous[place] !== NOWHERE) this.successor[previous] = place;
    return place;
  }

  #forget(place: number): void {
    this.#mark(place, false);
    const { previous, successor } = this;
    if (successor[place] !== NOWHERE) previous[successor[place]!] = NOWHERE;
    if (previous[place] !== NOWHERE) successor[previous[place]!] = NOWHERE;
    successor[place] = NOWHERE;
    previous[place] = NOWHERE;
  }

  #mark(place: number, used: boolean): void {
    const users = this.#users;
    const rowBytes = this.#rowBytes;
    const byte = place >> 3;
    const bit = 1 << (place & 7);
    const topK = this.#topK;
    for (let layer = 0, at = place * this.#offsets.length * topK; layer < this.#offsets.length; layer++) {
      const offset = this.#offsets[layer]!;
      for (const end = at + topK; at < end; at++) {
        const expert = this.paths[at]!;
        if (expert === NULL_EXPERT) continue;
        const row = (offset + expert) * rowBytes + byte;
        users[row] = used ? users[row]! | bit : users[row]! & ~bit;
      }
    }
  }
}
