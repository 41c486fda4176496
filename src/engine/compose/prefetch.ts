import type { LinkSpec } from '../../hardware/door.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import { misfit } from '../../system/door.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import { PrefetchBudget } from '../lookahead/budget.js';
import { AdaptiveHorizon } from '../lookahead/horizon.js';
import type { PrefetchLimits, PrefetchSetup } from '../lookahead/setup.js';
import type { RunPlan } from '../plan/run-plan.js';
import { Prefetcher } from '../prefetch/prefetcher.js';

/** Prefetches on a GPU, and transfers on idle links; null: neither. @param setup null: no prediction */
export function aheadPart({ ahead, evictions, gpu, outcomes }: GpuParts, setup: PrefetchSetup | null): FoldPart | null {
  const { idle, staging } = ahead;
  if (setup === null) {
    const advance = (untilNs: number): void => {
      for (const work of idle) work.advance(untilNs, null);
    };
    return idle.length === 0 ? null : { hooks: [{ advance }] };
  }
  const prefetcher = new Prefetcher(gpu, setup, (nowNs) => evictions.free(nowNs), staging, idle);
  return { ahead: true, hooks: [prefetcher, ...(setup.budget === null ? [] : [outcomes.charges(setup.budget)])] };
}

/** @throws UserError if `across` lacks a need */
export function setupOf(
  { plan, time }: { readonly plan: RunPlan; readonly time: PredictionTime },
  model: ModelSpec,
  { bandwidth }: LinkSpec,
  predicts: Pick<PrefetchSetup, 'predictor' | 'predictedUse' | 'expectedUse'>,
  fromDisk: boolean,
): PrefetchSetup {
  const { predictor, prefetch } = plan.inputs.system;
  const lack = lackAcross(plan, predicts.predictor, fromDisk);
  if (prefetch.across === true && lack !== null)
    throw misfit(plan.run, 'system.prefetch.across', `needs ${lack}; take auto, which leaves it out where it cannot be`);
  // With several batches in turn, the next pass belongs to a different batch and is not predicted.
  const others = plan.serving.running > plan.run.workload.batch ? 'one batch, and several take turns; say true to have it anyway' : null;
  const leftOut = prefetch.across === 'auto' ? (lack ?? others) : null;
  // A spread would give a hidden class dependent on V8's history, and slow reading loops.
  return {
    predictor: predicts.predictor,
    predictedUse: predicts.predictedUse,
    expectedUse: predicts.expectedUse,
    time,
    limits: limitsOf(plan, prefetch.across !== false && leftOut === null),
    scores: new Float32Array(model.experts),
    adaptive: predictor.horizon === 'auto' ? new AdaptiveHorizon(model.layers.length, 1e9 / bandwidth) : null,
    budget: prefetch.budget === 'pays' ? new PrefetchBudget(model.experts) : null,
    leftOut,
  };
}

/** Missing requirement for bringing the next pass's experts; null: nothing missing. */
function lackAcross({ inputs, layout }: RunPlan, predictor: Predictor, fromDisk: boolean): string | null {
  const { staging, when } = inputs.system.prefetch;
  if (fromDisk) return 'all experts in host memory';
  if (when !== 'pays' || staging !== undefined) return 'when: pays, and no staging';
  if (layout.several !== null) return 'one GPU';
  return predictor.next === undefined ? 'a predictor of the next pass, such as path-retrieval or oracle' : null;
}

function limitsOf({ inputs: { model, system }, run }: RunPlan, across: boolean): PrefetchLimits {
  const { correction, horizon } = system.predictor;
  const widest = mostTopK(model);
  const { cancel, minProbability, when, whenFull } = system.prefetch;
  const perLayer = system.prefetch.perLayer ?? widest * run.workload.batch * (1 + (run.workload.speculation?.draft ?? 0));
  const layers = typeof horizon === 'number' ? horizon : model.layers.length;
  return { horizon: layers, correction, minProbability, perLayer, when, whenFull, cancel, across };
}
