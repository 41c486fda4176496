// The contract of a cause: each file of rules/ is one, with the evidence that it needs. Without that evidence a rule finds nothing.
import type { CheckCase, CheckedSpeed } from './case.js';

/** A likely cause of a run's speed. */
export interface Finding {
  /** Evidence in the log or the machine: a sentence. */
  readonly evidence: string;
  /** Advice: a sentence. */
  readonly advice: string;
  /** 0 to 1: which of several causes is named first. */
  readonly weight: number;
}

/** A cause. */
export interface CauseRule {
  readonly name: string;
  /** In a few words. */
  readonly title: string;
  examine(run: CheckCase): Promise<Finding | null> | Finding | null;
}

/** True where a speed is there and at most so large a part of what was expected. */
export function atMost(speed: CheckCase['decode'], ratio: number): boolean {
  return speed !== null && speed.ratio <= ratio;
}

/** True where a speed is as expected, or is not told. */
export function asExpected(speed: CheckCase['decode']): boolean {
  return speed === null || (speed.ratio >= NORMAL && speed.ratio <= FASTER && !speed.slow);
}

/** When a supposed cause explains a speed. */
interface Likeness {
  /** The cause must cost at least so much: supposed speed over expected. */
  readonly decides: number;
  /** How near the measured speed must be to the supposed one, as a part of it. */
  readonly near: number;
}

/** True where a run with a supposed cause is clearly slower than expected, and as fast as what was measured. */
export function explains(supposed: number | undefined, { expected, measured }: CheckedSpeed, { decides, near }: Likeness): boolean {
  return supposed !== undefined && supposed <= decides * expected && Math.abs(measured / supposed - 1) <= near;
}

/** From here on a speed is no sign of anything: half of all predictions are within some 10 %. */
const NORMAL = 0.8;
/** Beyond this the machine is not the one that was described. */
const FASTER = 1.3;

/** A share of 1 in percent. */
export function percentText(share: number): string {
  return `${Math.round(100 * share)} %`;
}
