import type { OverflowMemory, RuntimeSpec } from '../../../hardware/door.js';
import type { ModelSpec } from '../../../model/door.js';
import type { Accuracy } from '../../../result/result.js';
import type { Measurement } from '../../validate/rows/measurement.js';

/** A speed of a run and its prediction, tokens a second. */
export interface CheckedSpeed {
  readonly metric: 'decode' | 'prefill';
  readonly measured: number;
  readonly expected: number;
  /** measured / expected. */
  readonly ratio: number;
  /** How far comparable measurements lay from their predictions; null: none is comparable. */
  readonly band: Accuracy | null;
  /** Slower than four of five comparable runs. */
  readonly slow: boolean;
}

/** Bytes that a run needs and has; null: unknown. */
export interface Footprint {
  readonly gpuNeeds: number;
  readonly gpuHas: number | null;
  /** Bytes of the model that the operating system holds: the whole file if it is mapped, else what the GPU does not have. */
  readonly hostNeeds: number;
  readonly hostHas: number | null;
  /** Bytes of either that one token reads. */
  readonly gpuTouched: number;
  readonly hostTouched: number;
  /** Sources of pages without room in memory, and of those without room on a card. */
  readonly pages: OverflowMemory;
  readonly spill: OverflowMemory;
}

/** A run with its predictions and its facts. */
export interface CheckCase {
  readonly row: Measurement;
  readonly model: ModelSpec | null;
  /** Other runs of the same log: the same program and model. */
  readonly siblings: readonly Measurement[];
  readonly decode: CheckedSpeed | null;
  readonly prefill: CheckedSpeed | null;
  readonly footprint: Footprint | null;
  /** Watts that the card may draw over its rated watts; null: not seen. */
  readonly powerShare: number | null;
  /** Predicts the run under other conditions. @param driven its runtime, changed; absent: as it is */
  supposed(
    change: (row: Measurement) => Measurement,
    driven?: (runtime: RuntimeSpec) => RuntimeSpec,
  ): Promise<{ readonly decode?: number; readonly prefill?: number }>;
}

/** The contract of a cause, one per file of rules/. It sees speeds, expected speeds and facts; without its evidence it finds nothing. */
export interface CauseRule {
  readonly name: string;
  readonly title: string;
  /** 0 to 1: rank among several causes. */
  readonly weight: number | ((run: CheckCase) => number);
  readonly advice: string;
  /** The evidence in the log or the machine, a sentence; null: there is none. */
  examine(run: CheckCase): Promise<string | null> | string | null;
}

/** True if a speed is known and at most `ratio` of the expected one. */
export const atMost = (speed: CheckCase['decode'], ratio: number): boolean => speed !== null && speed.ratio <= ratio;

/** True if a speed is as expected, or is unknown. */
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

/** True if a supposed cause makes a run clearly slower than expected, and as slow as measured. */
export function explains(supposed: number | undefined, { expected, measured }: CheckedSpeed, { decides, near }: Likeness): boolean {
  return supposed !== undefined && supposed <= decides * expected && Math.abs(measured / supposed - 1) <= near;
}

/** Ratio above which a speed is normal: half of all predictions are within some 10 %. */
const NORMAL = 0.8;
/** Ratio above which the described machine is not the one that ran. */
const FASTER = 1.3;
