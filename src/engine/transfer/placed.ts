interface PlacedPrefetch {
  readonly id: number;
  readonly lane: number;
  readonly startNs: number;
  readonly endNs: number;
}

/** Uninterruptible: placed like demands (L12, cancel: off), or run again after losing a lane (L10). */
export class PlacedPrefetches {
  all: PlacedPrefetch[] = [];

  /** @param ns duration on the lane */
  add(id: number, lane: number, endNs: number, ns: number): void {
    this.all.push({ id, lane, startNs: endNs - ns, endNs });
  }

  remove(id: number): void {
    if (this.all.length > 0) this.all = this.all.filter((copy) => copy.id !== id);
  }

  /** @returns their experts */
  landed(nowNs: number): number[] {
    const landed = this.all.filter(({ endNs }) => endNs <= nowNs);
    this.all = this.all.filter(({ endNs }) => endNs > nowNs);
    return landed.map(({ id }) => id);
  }

  /** Last arrival on a lane, at least `nowNs`, ns. */
  lastNs(lane: number, nowNs: number): number {
    return this.all.reduce((latest, copy) => (copy.lane === lane ? Math.max(latest, copy.endNs) : latest), nowNs);
  }

  /** Prefetches of a lane ending in (fromNs, untilNs]: between chunks of the transfer running then. */
  within(lane: number, fromNs: number, untilNs: number): PlacedPrefetch[] {
    return this.all.filter((copy) => copy.lane === lane && copy.endNs > fromNs && copy.endNs <= untilNs);
  }

  /** Lane time after `nowNs` of prefetches ending in (fromNs, untilNs], ns. */
  afterNs(lane: number, nowNs: number, fromNs = 0, untilNs = Number.POSITIVE_INFINITY): number {
    return this.within(lane, fromNs, untilNs).reduce((ns, { endNs, startNs }) => ns + Math.max(0, endNs - Math.max(nowNs, startNs)), 0);
  }
}
