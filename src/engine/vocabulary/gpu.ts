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

/** One GPU. Arrays are indexed by dense id: of the whole model, or, if there are several GPUs, of the experts that live on this one. */
export interface Gpu {
  readonly model: ModelSpec;
  readonly cost: CostModel;
  readonly gpu: CachedTier;
  /** Low-precision copies that stay with whole experts; null: none do. */
  readonly copies: CopyPool | null;
  /** DRAM as a cache of the SSD, or this GPU's part of it; null if it holds every expert, or if there is none. */
  readonly dram: CachedTier | null;
  /** Prices the write-back of evicted experts on a link of its own direction (L14, exclusive tiers); null: nothing moves. */
  readonly writeBack: Link | null;
  /** Rules for misses: the first that holds is applied. */
  readonly onMiss: readonly MissRule[];
  /** Tokens of a pass from which on misses that the CPU would compute are streamed to the GPU; Infinity: never. */
  readonly offloadFrom: number;
  /** True: of these, only experts that the GPU computes sooner. */
  readonly offloadIfSooner: boolean;
  /** False: members of an event that are copied execute when the last of them has arrived. */
  readonly overlaps: boolean;
  /** Unimportance of the running event's members to their tokens; null: no rule uses it. */
  readonly unimportance: Unimportance | null;
  /** Finds which members copies may serve, by the classes of their tokens, and counts what they serve; null: no request has a class. */
  readonly classes: ClassPrecision | null;
  /** Finds stand-ins for misses; null: no rule uses them. */
  readonly standIns: StandIns | null;
  /** Chooses the misses that are computed one layer late; null: no rule does that. */
  readonly deferral: Deferral | null;
  readonly prefetch: PrefetchSetup | null;
  /** Shared by all GPUs: their times are summed. */
  readonly recorder: Recorder;
  /** Bytes that come over the link for each expert, and its MoE layer. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly clock: Clock;
  /** Gate weights of the running event, for policies that rank by them; null: no policy does. */
  readonly gates: Float32Array | null;
  /** Learns next uses of experts, for policies that rank by them; null: no policy does. */
  readonly learned: NextUse | null;
  /** Next use of each expert, for policies with foresight; null: no policy does. */
  readonly future: { readonly future: Future; readonly nextUse: Int32Array } | null;
  /** Counts the hits that the Belady bound has on the same events; null: bounds are off, or `curve` counts them. */
  readonly belady: BeladyBound | null;
  /** Counts hits of caches of other capacities on the same events; null: no curve is drawn. */
  readonly curve: CapacityMeter | null;
}
