import type { Clock } from '../../cache/policy.js';
import type { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { MissRule } from '../../system/door.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Recorder } from './recorder.js';

/** A GPU. Dense ids index arrays: of the whole model, or of the GPU's experts if GPUs are several. */
export interface Gpu {
  readonly model: ModelSpec;
  readonly cost: CostModel;
  readonly gpu: CachedTier;
  /** DRAM as a cache of the SSD, or the GPU's part; null: DRAM holds every expert, or no DRAM. */
  readonly dram: CachedTier | null;
  /** Miss rules: the first valid rule applies. */
  readonly onMiss: readonly MissRule[];
  /** False: copied members execute after the last arrival. */
  readonly overlaps: boolean;
  /** Times are summed over all GPUs. */
  readonly recorder: Recorder;
  /** By expert: bytes over the link, and MoE layer. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly clock: Clock;
}
