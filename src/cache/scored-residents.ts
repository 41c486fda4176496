import { DecayedCounts } from './decayed-counts.js';
import type { CachePolicy, Pins, PolicyContext } from './policy.js';
import { ResidentSet } from './resident-set.js';

/** Scores every resident for each victim, by uses and clock; the lowest leaves. */
export abstract class ScoredResidents extends ResidentSet implements CachePolicy {
  /** Score as in {@link ResidentSet.lowest}. */
  protected abstract readonly score: (id: number, least: number) => number;

  abstract touch(id: number): void;

  streamed(id: number): void {
    this.touch(id);
  }

  override insert(id: number, used: boolean): void {
    if (used) this.touch(id);
    super.insert(id, used);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.lowest(pins, this.score);
  }
}

/** Residents scored by decayed counts of uses. */
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
