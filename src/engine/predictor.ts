// The predictor of a run, trained, and what its predictions take.
import { findProfile } from '../base/profiles.js';
import type { PredictionTime } from '../predict/cost.js';
import { createPredictor, predictionTime } from '../predict/create.js';
import type { Predictor } from '../predict/predictor.js';
import type { RunSpec } from '../system/run.js';
import { openTrace } from '../trace/open.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { Inputs } from './inputs.js';
import type { RunPlan } from './plan.js';

/** What its predictions take. */
export function timeOf({ inputs: { model, system }, layout, run }: RunPlan): PredictionTime {
  return predictionTime(system.predictor.kind, model, layout.hardware, run.folder);
}

/**
 * The predictor that the system names, trained; null: none.
 * @throws UserError where it lacks what it needs
 */
export async function predictorFor({ model, system, trace }: Inputs, run: RunSpec, running: number): Promise<Predictor | null> {
  const { kind: chosen, train } = system.predictor;
  const training: RoutingTrace[] = [];
  try {
    for (const path of train) training.push(await openTrace(findProfile('traces', path, run.folder), { model }));
    const { folder, seed } = run;
    return await createPredictor({ chosen, model, trace, slots: running, seed, training, folder });
  } finally {
    for (const used of training) used.close();
  }
}
