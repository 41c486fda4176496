/** Kind of the time between slices. */
export const GAP = 0;

/** A row of slices in whole ns, which touch: each kind and gaps are off by half of one at most, so an edge by (kinds + 1) / 2. */
export class Track {
  /** End of the last slice, whole ns. */
  endNs = 0;
  /** The same exactly, ns. */
  exactEndNs = 0;
  /** By kind: duration of all slices so far, exact and as given out. */
  readonly #exactNs: Float64Array;
  readonly #wholeNs: Float64Array;

  /** @param kinds kinds of slices, which are numbered from 1 */
  constructor(kinds: number) {
    this.#exactNs = new Float64Array(kinds + 1);
    this.#wholeNs = new Float64Array(kinds + 1);
  }

  /** Puts a slice after the last one. @param startNs no earlier than that one's end @returns its start in whole ns; its end is `endNs` */
  place(kind: number, startNs: number, endNs: number): number {
    this.reach(startNs);
    const start = this.endNs;
    this.endNs += this.#give(kind, endNs - startNs);
    this.exactEndNs = endNs;
    return start;
  }

  /** Leaves a gap up to a time, if that lies ahead. */
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
