// How a GPU prefetches: who predicts, how far and how boldly. Types only.
import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import type { PrefetchWhen, WhenFull } from '../../system/choices.js';
import type { PrefetchBudget } from './budget.js';
import type { ExpectedUse } from './expected-use.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { PredictedUse } from './predicted-use.js';

/** How far and how boldly to prefetch. */
export interface PrefetchLimits {
  /** Layers ahead that are predicted; without effect where the horizon is adaptive. */
  readonly horizon: number;
  /** Predict the remaining layers again whenever a layer's routing has become known (L12). */
  readonly correction: boolean;
  /** Experts of a smaller probability are not prefetched. */
  readonly minProbability: number;
  /** Most experts prefetched for one layer. */
  readonly perLayer: number;
  /** When a planned expert is brought: whenever the link has nothing else to do, or only where it is worth more than it costs. Absent: the former. */
  readonly when?: PrefetchWhen;
  /** False: what has been planned for a layer is brought even when its routing is known. Absent: it is cancelled (L12). */
  readonly cancel?: boolean;
  /** Fate of a prefetch that finds no slot: dropped (L11), or tried again when an event has ended. Absent: dropped. */
  readonly whenFull?: WhenFull;
}

/** How one GPU prefetches. */
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
  /** Decides how far to look; null: `limits.horizon` does. */
  readonly adaptive: AdaptiveHorizon | null;
  /** Stops prefetching where it does not pay; absent: prefetching never stops. */
  readonly budget?: PrefetchBudget;
}
