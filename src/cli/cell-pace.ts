// How many cells a process has at a time. Of short ones several, since each message wakes two processes, which takes as long as the cell's
// own arithmetic beside the run; of long ones one, since another process may be free sooner.

/** Cells that a process has together should not take more processor time, ms: so long another worker may wait for them. */
const AHEAD_MS = 240;
/** Most cells of a process. */
const MOST = 16;
/** Weight of the last cell in the mean. */
const NEWEST = 0.2;

/** How long cells take, lately, in processor time: what else the machine does makes none of them a long one. */
export class CellPace {
  #meanMs = Number.POSITIVE_INFINITY;

  /** A cell took so long, ms. */
  add(ms: number): void {
    this.#meanMs = Number.isFinite(this.#meanMs) ? this.#meanMs + NEWEST * (ms - this.#meanMs) : ms;
  }

  /** A cell takes so long already, ms, and has not ended. */
  atLeast(ms: number): void {
    this.#meanMs = Math.max(this.#meanMs, ms);
  }

  /** Cells that one process should have, from 1 on. */
  get depth(): number {
    return Math.min(MOST, Math.max(1, Math.floor(AHEAD_MS / this.#meanMs)));
  }
}
