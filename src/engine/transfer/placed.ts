interface PlacedPrefetch {
  readonly id: number;
  readonly lane: number;
  readonly startNs: number;
  readonly endNs: number;
}

/** Prefetches on a link that no demand interrupts: placed like demands (L12, cancel: off), or run again because their lane was lost (L10). */
export class PlacedPrefetches {
  all: PlacedPrefetch[] = [];

  /** @param ns its duration there */
  add(id: number, lane: number, endNs: number, ns: number): void {
    this.all.push({ id, lane, startNs: endNs - ns, endNs });
  }

  /** One has become a demand. */
  remove(id: number): void {
    if (this.all.length > 0) this.all = this.all.filter((copy) => copy.id !== id);
  }

  /** Removes those that have arrived by `nowNs`; @returns their experts */
  landed(nowNs: number): number[] {
    const landed = this.all.filter(({ endNs }) => endNs <= nowNs);
    this.all = this.all.filter(({ endNs }) => endNs > nowNs);
    return landed.map(({ id }) => id);
  }

  /** When the last one of a lane arrives, `nowNs` at least, ns. */
  lastNs(lane: number, nowNs: number): number {
    return this.all.reduce((latest, copy) => (copy.lane === lane ? Math.max(latest, copy.endNs) : latest), nowNs);
  }

  /** Those of a lane that end in (fromNs, untilNs]: between the chunks of what runs in that time, and not right after it. */
  within(lane: number, fromNs: number, untilNs: number): PlacedPrefetch[] {
    return this.all.filter((copy) => copy.lane === lane && copy.endNs > fromNs && copy.endNs <= untilNs);
  }

  /** Time for which those of a lane that end in (fromNs, untilNs] hold it after `nowNs`, ns. */
  afterNs(lane: number, nowNs: number, fromNs = 0, untilNs = Number.POSITIVE_INFINITY): number {
    return this.within(lane, fromNs, untilNs).reduce((ns, { endNs, startNs }) => ns + Math.max(0, endNs - Math.max(nowNs, startNs)), 0);
  }
}
