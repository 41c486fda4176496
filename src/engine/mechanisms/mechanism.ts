import type { MissRule } from '../../system/door.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import type { Policies } from '../plan/policies.js';
import type { RunPlan } from '../plan/run-plan.js';
import type { Link } from '../transfer/link.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { RunHooks } from '../vocabulary/hooks.js';

/** A run under composition, as mechanisms see it. */
interface MechanismUse {
  readonly plan: RunPlan;
  readonly policies: Pick<Policies, 'copies'>;
  readonly rules: readonly MissRule[];
}

interface LinkedGpu extends Pick<Gpu, 'cost'> {
  readonly links: readonly Link[];
}

/** A mechanism in a run. */
export interface RunPart {
  readonly hooks?: RunHooks;
  /** Part on a GPU; null: none. */
  on?(parts: GpuParts): FoldPart | null;
  composed?(gpus: readonly LinkedGpu[]): RunHooks;
}

/** A mechanism of offloading, besides caches and plain loads. */
export interface Mechanism {
  readonly name: string;
  /** Law of docs/semantics.md. */
  readonly law: string;
  /** The mechanism in a run; null: not in this run. @throws UserError if machine, model or trace lack a need */
  inRun(use: MechanismUse): RunPart | null;
}
