// The predictor of a run, trained, and the time that its predictions take.

import { findProfile } from '../../base/profiles.js';
import type { PredictionTime } from '../../predict/cost.js';
import type { Predictor } from '../../predict/predictor.js';
import { createPredictor, predictionTime } from '../../predict/predictors/create.js';
import type { RunSpec } from '../../system/door.js';
import { openTrace } from '../../trace/open/open.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { Inputs } from '../inputs/inputs.js';
import type { RunPlan } from './plan.js';

/** Time of its predictions. */
export function timeOf({ inputs: { model, system }, layout, run }: RunPlan): PredictionTime {
  return predictionTime(system.predictor.kind, model, layout.hardware, run.folder);
}

/**
 * Opens the traces that a run learns from beforehand, as long as they are used.
 * @throws UserError where one cannot be read
 */
export async function withTraining<T>(
  { model, system }: Inputs,
  run: RunSpec,
  use: (training: readonly RoutingTrace[]) => Promise<T>,
): Promise<T> {
  const training: RoutingTrace[] = [];
  try {
    for (const path of system.predictor.train) training.push(await openTrace(findProfile('traces', path, run.folder), { model }));
    return await use(training);
  } finally {
    for (const used of training) used.close();
  }
}

/**
 * The predictor that the system names, trained; null: none.
 * @throws UserError where it lacks what it needs
 */
export async function predictorFor(inputs: Inputs, run: RunSpec, running: number): Promise<Predictor | null> {
  const { model, system, trace } = inputs;
  const { folder, seed, workload } = run;
  const drafts = workload.speculation !== undefined;
  return await withTraining(inputs, run, (training) =>
    createPredictor({ chosen: system.predictor.kind, model, trace, slots: running, seed, training, folder, drafts }),
  );
}
