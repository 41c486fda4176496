import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import type { SystemSpec } from '../../system/door.js';
import type { PrefetchBudget } from './budget.js';
import type { ExpectedUse } from './expected-use.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { PredictedUse } from './predicted-use.js';

/** Prefetch limits of a system. Defaults: only idle links; plans may be cancelled or dropped, and end with the pass. */
export interface PrefetchLimits
  extends Pick<SystemSpec['predictor'], 'correction'>,
    Pick<SystemSpec['prefetch'], 'minProbability'>,
    Partial<Pick<SystemSpec['prefetch'], 'cancel' | 'when' | 'whenFull'>> {
  /** Predicted layers ahead; unused with an adaptive horizon. */
  readonly horizon: number;
  /** True: the next pass's experts are brought too. */
  readonly across?: boolean;
  readonly perLayer: number;
}

/** Prefetching of a GPU: predictor, horizon and limits. Types only. */
export interface PrefetchSetup {
  readonly predictor: Predictor;
  readonly time: PredictionTime;
  readonly limits: PrefetchLimits;
  /** By dense id, filled by the predictor. */
  readonly scores: Float32Array;
  /** Null: unused by policies. */
  readonly predictedUse: PredictedUse | null;
  /** Predictions included; null: unused by policies. */
  readonly expectedUse: ExpectedUse | null;
  /** Null: fixed `limits.horizon`. */
  readonly adaptive: AdaptiveHorizon | null;
  /** Null: prefetching never stops. */
  readonly budget: PrefetchBudget | null;
  /** Missing requirement of `across: auto`, which brings nothing then; null: nothing missing, or not wanted. */
  readonly leftOut: string | null;
}
