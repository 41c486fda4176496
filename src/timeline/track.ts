/** Kind of time between slices. */
export const GAP = 0;

/** Row of adjacent slices in whole ns: the error per kind is at most 0.5 ns, so an edge's at most (kinds + 1) / 2. */
export class Track {
  /** End of the last slice, whole ns. */
  endNs = 0;
  exactEndNs = 0;
  /** By kind: total duration, exact and rounded. */
  readonly #exactNs: Float64Array;
  readonly #wholeNs: Float64Array;

  /** @param kinds number of kinds, from 1 */
  constructor(kinds: number) {
    this.#exactNs = new Float64Array(kinds + 1);
    this.#wholeNs = new Float64Array(kinds + 1);
  }

  /** Appends a slice. @param startNs not before the last end @returns start, whole ns */
  place(kind: number, startNs: number, endNs: number): number {
    this.reach(startNs);
    const start = this.endNs;
    this.endNs += this.#give(kind, endNs - startNs);
    this.exactEndNs = endNs;
    return start;
  }

  reach(ns: number): void {
    if (ns <= this.exactEndNs) return;
    this.endNs += this.#give(GAP, ns - this.exactEndNs);
    this.exactEndNs = ns;
  }

  #give(kind: number, ns: number): number {
    this.#exactNs[kind]! += ns;
    const whole = Math.round(this.#exactNs[kind]!);
    const given = whole - this.#wholeNs[kind]!;
    this.#wholeNs[kind] = whole;
    return given;
  }
}
