import type { CacheOptions } from '../../cache/scope.js';
import type { LinkSpec } from '../../hardware/door.js';
import type { MissCondition, MissRule } from '../../system/door.js';
import type { GpuLayout } from '../memory/layout.js';
import type { IdleWork } from '../prefetch/idle-work.js';
import type { PrefetchOutcomes } from '../prefetch/outcomes.js';
import type { Link } from '../transfer/link.js';
import type { Staging } from '../transfer/staging.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Hooks } from '../vocabulary/hooks.js';
import type { Judge } from './judge.js';
import type { Evictions, Misses } from './place.js';
import type { EachMiss, PlacingHooks, Service } from './place-each.js';
import type { Check, RuleChoice } from './rules.js';

/** Knowledge of a GPU's policies, by dense id. */
export type PolicyKnowledge = Pick<
  CacheOptions,
  'model' | 'clock' | 'seed' | 'nextUse' | 'popularity' | 'predicted' | 'predictedVersion' | 'expected' | 'gates'
>;

/** What brings experts before their demand, filled in during composition. */
export interface AheadParts {
  /** Null: prefetches take cache slots. */
  staging: Staging | null;
  readonly idle: IdleWork[];
  /** Promotes an expert after `after` misses; null: no promotion. */
  promoter: { missed(id: number, after: number): void } | null;
}

/** A GPU under composition, as mechanisms see it. */
export interface GpuParts extends GpuLayout {
  readonly gpu: Gpu;
  readonly event: RunningEvent;
  readonly evictions: Evictions;
  readonly outcomes: PrefetchOutcomes;
  readonly knows: PolicyKnowledge;
  /** Expected next use by dense id, 0..1; null: unused by the policy. */
  readonly expects: Float32Array | null;
  readonly ahead: AheadParts;
  /** Link from host memory. */
  readonly link: LinkSpec;
}

/** Part of a mechanism on a GPU. Absent members: no part in that. */
export interface FoldPart {
  readonly hooks?: readonly Hooks[];
  readonly links?: readonly Link[];
  /** True: experts come before their demand, so members may be late. */
  readonly ahead?: boolean;
  /** True: misses are placed member by member, under plain rules too. */
  readonly oneByOne?: boolean;
  /** True: events without a miss are placed too. */
  readonly always?: boolean;
  readonly placing?: PlacingHooks;
  /** Service of a rule; null: not of this mechanism. */
  service?(placing: EachMiss, rule: MissRule): Service | null;
  /** The service of a rule with the mechanism around. */
  around?(service: Service, placing: EachMiss, rule: MissRule): Service;
  checks?(when: MissCondition): readonly Check[];
  /** Judge instead of the usual one. */
  judge?(): Judge;
  /** Placement of misses instead of the usual one. @param compares true: services compare the ends of GPU and CPU */
  place?(choice: RuleChoice, compares: boolean): Misses;
}
