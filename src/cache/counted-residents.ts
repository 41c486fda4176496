// The common part of policies that score residents by how often each was used lately, among other things.
import { DecayedCounts } from './decayed-counts.js';
import type { Pins, PolicyContext } from './policy.js';
import { ScoredResidents } from './scored-residents.js';

/** Residents by scores that depend on decayed counts of uses. */
export abstract class CountedResidents extends ScoredResidents {
  protected readonly counts: DecayedCounts;

  /** @param halfLife passes after which a use counts half */
  constructor({ clock, experts }: PolicyContext, halfLife: number) {
    super(experts);
    this.counts = new DecayedCounts(experts, halfLife, clock);
  }

  touch(id: number): void {
    this.counts.settle();
    this.counts.add(id);
  }

  override victim(incoming: number, pins: Pins): number {
    this.counts.settle();
    return super.victim(incoming, pins);
  }
}
