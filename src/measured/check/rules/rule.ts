// The contract of a cause: each file of rules/ is one, with the evidence that it needs. Without that evidence a rule finds nothing.
import type { CheckCase, CheckedSpeed } from './case.js';

/** A likely cause of a run's speed. */
export interface Finding {
  /** Evidence in the log or the machine: a sentence. */
  readonly evidence: string;
  /** Advice: a sentence. */
  readonly advice: string;
  /** 0 to 1: rank among several causes. */
  readonly weight: number;
}

/** A cause. */
export interface CauseRule {
  readonly name: string;
  /** A few words. */
  readonly title: string;
  examine(run: CheckCase): Promise<Finding | null> | Finding | null;
}

/** True where a speed is known and at most `ratio` of the expected one. */
export function atMost(speed: CheckCase['decode'], ratio: number): boolean {
  return speed !== null && speed.ratio <= ratio;
}

/** True where a speed is as expected, or is unknown. */
export function asExpected(speed: CheckCase['decode']): boolean {
  return speed === null || (speed.ratio >= NORMAL && speed.ratio <= FASTER && !speed.slow);
}

/** Thresholds for a supposed cause to explain a speed. */
interface Likeness {
  /** Largest ratio of the supposed speed to the expected one. */
  readonly decides: number;
  /** Largest relative distance of the measured speed from the supposed one. */
  readonly near: number;
}

/** True where a supposed cause makes a run clearly slower than expected, and as slow as measured. */
export function explains(supposed: number | undefined, { expected, measured }: CheckedSpeed, { decides, near }: Likeness): boolean {
  return supposed !== undefined && supposed <= decides * expected && Math.abs(measured / supposed - 1) <= near;
}

/** Ratio above which a speed is normal: half of all predictions are within some 10 %. */
const NORMAL = 0.8;
/** Ratio above which the described machine is not the one that ran. */
const FASTER = 1.3;

/** A share of 1 in percent. */
export function percentText(share: number): string {
  return `${Math.round(100 * share)} %`;
}
