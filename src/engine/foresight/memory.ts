// One memory of a run that knows the future: who is resident, since when, and who is asked for last.
import { LateSet } from './late-set.js';

/** Residents of one memory; demands are numbered as in their block. */
export class ForesightMemory {
  /** By dense id: 1 where it is resident. */
  readonly resident: Uint8Array;
  /** When a resident is there, ns. */
  readonly arrivalNs: Float64Array;
  readonly #sizes: Float64Array;
  readonly #capacityBytes: number;
  #usedBytes = 0;
  /** Next demands of all residents, and demands that are past: those are never the largest that anybody asks for. */
  #late: LateSet;
  /** Expert of each demand of the block; behind them each expert has a number of its own: it is not asked for again. */
  #ids: ArrayLike<number> = [];
  #demands = 0;

  /** @param sizes bytes of each expert */
  constructor(sizes: Float64Array, capacityBytes: number) {
    this.resident = new Uint8Array(sizes.length);
    this.arrivalNs = new Float64Array(sizes.length);
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
    this.#late = new LateSet(0);
  }

  /**
   * A block of demands begins.
   * @param first by dense id: its first demand in the block, or `demands` + id
   */
  begin(ids: ArrayLike<number>, demands: number, first: Int32Array): void {
    this.#ids = ids;
    this.#demands = demands;
    this.#late = new LateSet(demands + first.length);
    for (let id = 0; id < first.length; id++) if (this.resident[id] === 1) this.#late.add(first[id]!);
  }

  /** Expert `id`, if it is resident, is asked for next by demand `next`. The demand that it stood at is past, and may stay in the set. */
  nextIs(id: number, next: number): void {
    if (this.resident[id] === 1) this.#late.add(next);
  }

  /**
   * Makes room for an expert at the cost of those that are asked for last.
   * @param before only who is asked for by this demand or later may leave
   * @param nowNs only what has arrived by then may leave
   * @returns false: there is no room
   */
  makeRoom(id: number, before: number, nowNs: number): boolean {
    const bytes = this.#sizes[id]!;
    while (this.#usedBytes + bytes > this.#capacityBytes) {
      const demand = this.#late.max();
      if (demand < before) return false;
      const victim = demand >= this.#demands ? demand - this.#demands : this.#ids[demand]!;
      if (this.arrivalNs[victim]! > nowNs) return false;
      this.resident[victim] = 0;
      this.#usedBytes -= this.#sizes[victim]!;
      this.#late.delete(demand);
    }
    return true;
  }

  /** Expert `id`, for which there is room, is there at `arrivalNs`, and asked for next by demand `next`. */
  insert(id: number, next: number, arrivalNs: number): void {
    this.resident[id] = 1;
    this.arrivalNs[id] = arrivalNs;
    this.#usedBytes += this.#sizes[id]!;
    this.#late.add(next);
  }
}
