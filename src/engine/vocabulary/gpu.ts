import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import type { Future } from '../../cache/future.js';
import type { NextUse } from '../../cache/next-use/next-use.js';
import type { Clock } from '../../cache/policy.js';
import type { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { MissRule } from '../../system/door.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { CopyPool } from '../transfer/copies.js';
import type { Link } from '../transfer/link.js';
import type { CachedTier } from '../transfer/tier.js';
import type { StandIns } from './buddies.js';
import type { CapacityMeter } from './capacity-curve.js';
import type { ClassPrecision } from './class-precision.js';
import type { Deferral } from './deferral.js';
import type { Recorder } from './recorder.js';
import type { Unimportance } from './unimportance.js';

/** A GPU. Dense ids index arrays: of the whole model, or of the GPU's experts if GPUs are several. */
export interface Gpu {
  readonly model: ModelSpec;
  readonly cost: CostModel;
  readonly gpu: CachedTier;
  /** Low-precision copies kept with whole experts; null: no copies. */
  readonly copies: CopyPool | null;
  /** DRAM as a cache of the SSD, or the GPU's part; null: DRAM holds every expert, or no DRAM. */
  readonly dram: CachedTier | null;
  /** Link for write-back of evicted experts (L14, exclusive tiers); null: no write-back. */
  readonly writeBack: Link | null;
  /** Miss rules: the first valid rule applies. */
  readonly onMiss: readonly MissRule[];
  /** Tokens of a pass from which CPU misses are streamed to the GPU; Infinity: never. */
  readonly offloadFrom: number;
  /** True: streams only experts computed sooner by the GPU. */
  readonly offloadIfSooner: boolean;
  /** False: copied members execute after the last arrival. */
  readonly overlaps: boolean;
  /** Null: unused by rules. */
  readonly unimportance: Unimportance | null;
  /** Members open to copies by their tokens' classes, with counts; null: no classes. */
  readonly classes: ClassPrecision | null;
  /** Null: unused by rules. */
  readonly standIns: StandIns | null;
  /** Null: unused by rules. */
  readonly deferral: Deferral | null;
  readonly prefetch: PrefetchSetup | null;
  /** Times are summed over all GPUs. */
  readonly recorder: Recorder;
  /** By expert: bytes over the link, and MoE layer. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly clock: Clock;
  /** Gate weights of the running event for policies; null: unused. */
  readonly gates: Float32Array | null;
  /** Null: unused by policies. */
  readonly learned: NextUse | null;
  /** Null: no policy with foresight. */
  readonly future: { readonly future: Future; readonly nextUse: Int32Array } | null;
  /** Belady bound on the same events; null: no bounds, or counted by `curve`. */
  readonly belady: BeladyBound | null;
  /** Hits at several capacities on the same events; null: no curve. */
  readonly curve: CapacityMeter | null;
}
