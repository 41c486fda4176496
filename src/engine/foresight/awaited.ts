/** Experts of one event that are still on their way when the demand of the event becomes known. Their arrivals, in order. */
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

  /** Executes them as they arrive, and forgets them. @param fromNs when the GPU is free @param expertNs time of one @returns the end, ns */
  execute(fromNs: number, expertNs: number): number {
    let endNs = fromNs;
    for (let i = 0; i < this.#count; i++) endNs = Math.max(endNs, this.#readyNs[i]!) + expertNs;
    this.#count = 0;
    return endNs;
  }
}
