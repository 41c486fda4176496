// A run that is checked: its speeds, the speeds that it should have, and the facts that rules look at. Rules see figures only, no notes or
// labels.
import type { RuntimeSpec } from '../../../hardware/door.js';
import type { ModelSpec } from '../../../model/door.js';
import type { Accuracy } from '../../../result/result.js';
import type { Measurement } from '../../validate/rows/measurement.js';

/** A speed of a run beside its prediction, tokens a second. */
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
  /** Bytes of the model that the operating system holds: the whole file where it is mapped, else what the GPU does not have. */
  readonly hostNeeds: number;
  readonly hostHas: number | null;
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
  /**
   * Predicts the run under other conditions: a slot with fewer lanes, a program that takes no time of its own.
   * @param driven its runtime, changed; absent: as it is
   */
  supposed(
    change: (row: Measurement) => Measurement,
    driven?: (runtime: RuntimeSpec) => RuntimeSpec,
  ): Promise<{ readonly decode?: number; readonly prefill?: number }>;
}
