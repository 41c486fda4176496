// The prefetching of a GPU: predictor, horizon and limits. Types only.

import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import type { PrefetchWhen, WhenFull } from '../../system/door.js';
import type { PrefetchBudget } from './budget.js';
import type { ExpectedUse } from './expected-use.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { PredictedUse } from './predicted-use.js';

/** Limits of prefetching. */
export interface PrefetchLimits {
  /** Layers ahead that are predicted; without effect where the horizon is adaptive. */
  readonly horizon: number;
  /** Predict the remaining layers again whenever a layer's routing has become known (L12). */
  readonly correction: boolean;
  /** Least probability of a prefetched expert. */
  readonly minProbability: number;
  /** Most experts prefetched for one layer. */
  readonly perLayer: number;
  /** The condition of a prefetch: an idle link, or also a saving above its cost. Absent: the former. */
  readonly when?: PrefetchWhen;
  /** False: experts planned for a layer are transferred even when its routing is known. Absent: they are cancelled (L12). */
  readonly cancel?: boolean;
  /** Fate of a prefetch that finds no slot: dropped (L11), or tried again when an event has ended. Absent: dropped. */
  readonly whenFull?: WhenFull;
}

/** The prefetching of one GPU. */
export interface PrefetchSetup {
  readonly predictor: Predictor;
  /** Time of its predictions. */
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
  /** Stops prefetching where it does not pay; absent: prefetching never stops. */
  readonly budget?: PrefetchBudget;
}
