// What a sweep refuses: results that nobody with the key of the queue made, or that contradict their cell or themselves. Each cell is named
// once; a worker whose results are refused time and again is shut out.

/** Refused results of a worker after which it is shut out. */
const PATIENCE = 3;
/** Refusals of a cell after which it fails: what comes back wrong so often is no accident of the way. */
const MOST = 10;
/** Workers whose refusals are counted; names are anybody's. */
const MOST_NAMES = 10_000;

/** Counts of refusals. */
export class Refusals {
  readonly #ofCell = new Map<string, number>();
  readonly #ofWorker = new Map<string, number>();

  /**
   * Counts a refusal.
   * @param worker who says that it made the result; null: nobody with the key of the queue
   * @returns true for `named`: the cell was not refused before; `failed`: it was refused so often that it fails; `shut`: the worker is
   * shut out from now on
   */
  add(fingerprint: string, worker: string | null): { readonly named: boolean; readonly failed: boolean; readonly shut: boolean } {
    const times = (this.#ofCell.get(fingerprint) ?? 0) + 1;
    this.#ofCell.set(fingerprint, times);
    return { named: times === 1, failed: times >= MOST, shut: worker !== null && this.#countOf(worker) === PATIENCE };
  }

  /** True for a worker whose results count no more. */
  isShut(worker: string): boolean {
    return (this.#ofWorker.get(worker) ?? 0) >= PATIENCE;
  }

  #countOf(worker: string): number {
    const count = (this.#ofWorker.get(worker) ?? 0) + 1;
    if (count > 1 || this.#ofWorker.size < MOST_NAMES) this.#ofWorker.set(worker, count);
    return count;
  }
}
