import type { OverflowMemory, RuntimeSpec } from '../../../hardware/door.js';
import type { ModelSpec } from '../../../model/door.js';
import type { Accuracy } from '../../../result/result.js';
import type { PrintedCache } from '../../../runtime/door.js';
import type { Measurement } from '../../validate/rows/measurement.js';

/** Measured and predicted speed of a run, tokens/s. */
export interface CheckedSpeed {
  readonly metric: 'decode' | 'prefill';
  readonly measured: number;
  readonly expected: number;
  /** measured / expected. */
  readonly ratio: number;
  /** Null: no comparable measurement. */
  readonly band: Accuracy | null;
  /** Slower than four of five comparable runs. */
  readonly slow: boolean;
}

/** Bytes needed and present; null: unknown. */
export interface Footprint {
  readonly gpuNeeds: number;
  readonly gpuHas: number | null;
  /** Model bytes held by the operating system: the whole mapped file, else the part outside the GPU. */
  readonly hostNeeds: number;
  readonly hostHas: number | null;
  /** Bytes read per token. */
  readonly gpuTouched: number;
  readonly hostTouched: number;
  /** Sources of pages beyond host memory, and of spills from a card. */
  readonly pages: OverflowMemory;
  readonly spill: OverflowMemory;
}

/** A run with predictions and facts. */
export interface CheckCase {
  readonly row: Measurement;
  readonly model: ModelSpec | null;
  /** Further runs of the same program and model in the log. */
  readonly siblings: readonly Measurement[];
  readonly decode: CheckedSpeed | null;
  readonly prefill: CheckedSpeed | null;
  readonly footprint: Footprint | null;
  /** The expert cache; null: none was printed. */
  readonly cache: PrintedCache | null;
  /** Permitted over rated power of the card; null: unknown. */
  readonly powerShare: number | null;
  /** Settings that the predictions do not count. */
  readonly uncounted: readonly string[];
  /** Predicts the run under changed conditions. @param driven changes the runtime */
  supposed(
    change: (row: Measurement) => Measurement,
    driven?: (runtime: RuntimeSpec) => RuntimeSpec,
  ): Promise<{ readonly decode?: number; readonly prefill?: number }>;
}

/** A cause, one per file of rules/; without evidence no finding. */
export interface CauseRule {
  readonly name: string;
  readonly title: string;
  /** 0 to 1: rank among causes. */
  readonly weight: number | ((run: CheckCase) => number);
  readonly advice: string;
  /** True: predictions are of another setting, so that lighter causes have no evidence in a speed. */
  readonly unlike?: true;
  /** Null: no evidence. */
  examine(run: CheckCase): Promise<string | null> | string | null;
}

/** True if known and at most `ratio` of the expected speed. */
export const atMost = (speed: CheckCase['decode'], ratio: number): boolean => speed !== null && speed.ratio <= ratio;

/** True if a speed is as expected, or unknown. */
export function asExpected(speed: CheckCase['decode']): boolean {
  return speed === null || (speed.ratio >= NORMAL && speed.ratio <= FASTER && !speed.slow);
}

interface Likeness {
  /** Largest ratio of supposed to expected speed. */
  readonly decides: number;
  /** Largest relative distance of measured from supposed. */
  readonly near: number;
}

/** True if a supposed cause makes a run clearly slower than expected, and as slow as measured. */
export function explains(supposed: number | undefined, { expected, measured }: CheckedSpeed, { decides, near }: Likeness): boolean {
  return supposed !== undefined && supposed <= decides * expected && Math.abs(measured / supposed - 1) <= near;
}

/** Ratio above which a speed is normal; ours: half of all predictions are within some 10 %. */
const NORMAL = 0.8;
/** Ratio above which the run is not the described machine's; ours. */
const FASTER = 1.3;

/** True if a speed is outside of its band. */
export const isOutside = (speed: CheckCase['decode']): boolean =>
  speed !== null && speed.band !== null && (speed.slow || speed.ratio > speed.band.high);
