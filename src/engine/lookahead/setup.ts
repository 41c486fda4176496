import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import type { SystemSpec } from '../../system/door.js';
import type { PrefetchBudget } from './budget.js';
import type { ExpectedUse } from './expected-use.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { PredictedUse } from './predicted-use.js';

/**
 * A system's limits of prefetching. By default the link must be idle, and plans can be cancelled, dropped, and end with
 * the pass.
 */
export interface PrefetchLimits
  extends Pick<SystemSpec['predictor'], 'correction'>,
    Pick<SystemSpec['prefetch'], 'minProbability'>,
    Partial<Pick<SystemSpec['prefetch'], 'cancel' | 'when' | 'whenFull'>> {
  /** Predicted layers ahead; ignored if adaptive. */
  readonly horizon: number;
  /** True: the next pass's experts, too. */
  readonly across?: boolean;
  /** Most prefetches for a layer. */
  readonly perLayer: number;
}

/** Predictor, horizon and limits of a GPU's prefetching. Types only. */
export interface PrefetchSetup {
  readonly predictor: Predictor;
  readonly time: PredictionTime;
  readonly limits: PrefetchLimits;
  /** Score by dense id, from the predictor. */
  readonly scores: Float32Array;
  /** Predictions for policies; null: unused. */
  readonly predictedUse: PredictedUse | null;
  /** Expected next uses with predictions, for policies; null: unused. */
  readonly expectedUse: ExpectedUse | null;
  /** Adapts the horizon; null: `limits.horizon`. */
  readonly adaptive: AdaptiveHorizon | null;
  /** Stops prefetching at a loss; null or absent: never. */
  readonly budget?: PrefetchBudget | null;
  /**
   * What `across: auto` lacks, so that no expert is brought for the next pass; null or absent: nothing, or unwanted.
   */
  readonly leftOut?: string | null;
}
