// Knowledge of the future by part of a finished run (L17).
import { policyKnows } from '../../cache/policy.js';
import { predictorKnows } from '../../predict/predictors/create.js';
import { type KnowingPart, knowledgeOfParts, type RunKnowledge } from '../../result/knowledge.js';
import { schedulerKnows } from '../../schedule/scheduler.js';
import type { Finished } from './finished.js';
import { profileOf } from './profile.js';

/** The knowledge of a run, by part. Miss actions, placements and limits of prefetches know only the past. */
export function knowledgeOfRun(finished: Finished): RunKnowledge {
  const { inputs, serving, simulation } = finished;
  const { predictor } = inputs.system;
  const { definition, parameters } = simulation.policy;
  const parts: KnowingPart[] = [
    { part: 'predictor', name: predictor.kind.name, ...predictorKnows(predictor.kind, inputs.trace) },
    { part: 'cache.policy', name: definition.name, ...policyKnows(definition, parameters) },
    { part: 'scheduler', name: serving.scheduler.name, ...schedulerKnows(serving.scheduler, serving.parameters) },
    // Counts of the very tokens that are replayed.
    { part: 'cache.popularity', name: 'of the replayed tokens', knows: profileOf(finished)?.replayed === true ? 'future' : 'nothing' },
  ];
  return knowledgeOfParts(parts);
}
