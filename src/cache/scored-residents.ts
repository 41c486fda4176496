// The common part of policies that score every resident anew for each victim, by what its uses so far and the clock say: the lowest leaves.
import type { CachePolicy, Pins } from './policy.js';
import { ResidentSet } from './resident-set.js';

/** Residents by their scores. */
export abstract class ScoredResidents extends ResidentSet implements CachePolicy {
  /** Score of a resident, as in {@link ResidentSet.lowest}. */
  protected abstract readonly score: (id: number, least: number) => number;

  /** A use of `id`, resident or not. */
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
