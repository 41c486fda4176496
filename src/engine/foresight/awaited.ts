/** An event's experts in flight at its known demand: arrivals, in order. */
export class Awaited {
  readonly #readyNs: Float64Array;
  #count = 0;

  constructor(most: number) {
    this.#readyNs = new Float64Array(most);
  }

  add(ns: number): void {
    const ready = this.#readyNs;
    let at = this.#count++;
    for (; at > 0 && ready[at - 1]! > ns; at--) ready[at] = ready[at - 1]!;
    ready[at] = ns;
  }

  /**
   * Executes experts on arrival, then forgets them. @param fromNs GPU free @param expertNs per expert @returns end, ns
   */
  execute(fromNs: number, expertNs: number): number {
    let endNs = fromNs;
    for (let i = 0; i < this.#count; i++) endNs = Math.max(endNs, this.#readyNs[i]!) + expertNs;
    this.#count = 0;
    return endNs;
  }
}
