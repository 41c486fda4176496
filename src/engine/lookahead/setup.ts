import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import type { SystemSpec } from '../../system/door.js';
import type { PrefetchBudget } from './budget.js';
import type { ExpectedUse } from './expected-use.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { PredictedUse } from './predicted-use.js';

/** Limits of prefetching, of the system. By default the link must be idle, and plans can be cancelled or dropped and end with the pass. */
export interface PrefetchLimits
  extends Pick<SystemSpec['predictor'], 'correction'>,
    Pick<SystemSpec['prefetch'], 'minProbability'>,
    Partial<Pick<SystemSpec['prefetch'], 'cancel' | 'when' | 'whenFull'>> {
  /** Layers ahead that are predicted; without effect if the horizon is adaptive. */
  readonly horizon: number;
  /** What the next pass will demand is brought as well. */
  readonly across?: boolean;
  /** Most experts prefetched for one layer. */
  readonly perLayer: number;
}

/** The prefetching of a GPU: predictor, horizon and limits. Types only. */
export interface PrefetchSetup {
  readonly predictor: Predictor;
  readonly time: PredictionTime;
  readonly limits: PrefetchLimits;
  /** Score of each expert by dense id; filled by the predictor. */
  readonly scores: Float32Array;
  /** Predictions as policies see them; null: no policy uses them. */
  readonly predictedUse: PredictedUse | null;
  /** Expected next uses for policies, with predictions; null: no policy uses them. */
  readonly expectedUse: ExpectedUse | null;
  /** Adapts the horizon; null: it is `limits.horizon`. */
  readonly adaptive: AdaptiveHorizon | null;
  /** Stops prefetching if it does not pay; null or absent: prefetching never stops. */
  readonly budget?: PrefetchBudget | null;
  /** What `across: auto` lacks, so that nothing is brought for the next pass; null or absent: it lacks nothing, or is not wanted. */
  readonly leftOut?: string | null;
}
