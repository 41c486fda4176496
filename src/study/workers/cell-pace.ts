// The number of cells that a process has at a time: several short ones, since each message wakes two processes, which takes as long as the
// cell's own arithmetic beside the run; one long one, since another process may be free sooner.

/** Limit of the processor time of a process's cells together, ms: another worker may wait for them as long. */
const AHEAD_MS = 480;
/** Most cells of a process. */
const MOST = 32;
/** Weight of the last cell in the mean. */
const NEWEST = 0.2;

/** Recent processor time of cells: other load of the machine does not make a cell long. */
export class CellPace {
  #meanMs = Number.POSITIVE_INFINITY;

  /** Adds the time of a cell, ms. */
  add(ms: number): void {
    this.#meanMs = Number.isFinite(this.#meanMs) ? this.#meanMs + NEWEST * (ms - this.#meanMs) : ms;
  }

  /** Adds the time so far of a cell that has not ended, ms. */
  atLeast(ms: number): void {
    this.#meanMs = Math.max(this.#meanMs, ms);
  }

  /** Cells that one process should have, from 1 on. */
  get depth(): number {
    return Math.min(MOST, Math.max(1, Math.floor(AHEAD_MS / this.#meanMs)));
  }
}
