import { findProfile, splitRows } from '../../base/profiles.js';
import { policyKnows, policyNeeds } from '../../cache/policy.js';
import { predictorKnows } from '../../predict/predictors/create.js';
import { type KnowingPart, knowledgeOfParts, type RunKnowledge } from '../../result/knowledge.js';
import { schedulerKnows } from '../../schedule/door.js';
import type { RunSpec } from '../../system/door.js';
import { rangeOfRows } from '../../trace/selection.js';
import type { Inputs } from '../inputs/inputs.js';
import { profiledPart } from '../inputs/profiling.js';
import type { Finished } from './finished.js';

interface Profile {
  readonly words: string;
  /** True: replayed or later tokens of the trace. */
  readonly future: boolean;
}

/** Profiled tokens of the run's placement or split; null: no profile. */
export function profileOf({ inputs, layout, run, simulation }: Finished): Profile | null {
  const { definition, parameters } = simulation.policy;
  const { popularity, quotas } = inputs.system.cache;
  const split = quotas === 'proportional' || quotas === 'optimal' || layout.several?.profiled === true;
  if (!split && !policyNeeds(definition, parameters).includes('popularity')) return null;
  if (inputs.counted !== undefined) return { words: inputs.counted.path, future: false };
  if (typeof popularity === 'string') return { words: popularity, future: isFuture(popularity, run, inputs) };
  return { words: profiledPart(inputs, popularity).words, future: false };
}

/** True if `source` (a file or bundled name, rows optional) names replayed or later rows. */
function isFuture(source: string, { folder, trace }: Pick<RunSpec, 'folder' | 'trace'>, { replayed }: Pick<Inputs, 'replayed'>): boolean {
  const counted = partOf(source, folder);
  return trace.some((named, i) => {
    if (named === 'synthetic') return false;
    const { file, start } = partOf(named, folder);
    return file === counted.file && counted.end > start + replayed[i]!.from;
  });
}

function partOf(named: string, folder: string): { readonly file: string; readonly start: number; readonly end: number } {
  const { path, rows } = splitRows(named);
  const [start, end] = rangeOfRows(rows, Number.POSITIVE_INFINITY);
  return { file: path === '-' ? path : findProfile('traces', path, folder), start, end };
}

/** Knowledge by part. Miss actions, placements and prefetch limits use only the past. */
export function knowledgeOfRun(finished: Finished): RunKnowledge {
  const { inputs, run, serving, simulation } = finished;
  const { cache, predictor } = inputs.system;
  const { definition, parameters } = simulation.policy;
  const taught = simulation.predictor !== null && predictor.train.some((source) => isFuture(source, run, inputs));
  const parts: KnowingPart[] = [
    { part: 'predictor', name: predictor.kind.name, ...predictorKnows(predictor.kind, inputs.trace) },
    { part: 'cache.policy', name: definition.name, ...policyKnows(definition, parameters) },
    { part: 'scheduler', name: serving.scheduler.name, ...schedulerKnows(serving.scheduler, serving.parameters) },
    { part: 'predictor.train', name: 'on the replayed tokens or later ones', knows: taught ? 'future' : 'nothing' },
    {
      part: 'cache.warm',
      name: 'by the replayed tokens or later ones',
      knows: typeof cache.warm === 'string' && isFuture(cache.warm, run, inputs) ? 'future' : 'nothing',
    },
    {
      part: 'cache.popularity',
      name: 'of the replayed tokens or later ones',
      knows: profileOf(finished)?.future === true ? 'future' : 'nothing',
    },
  ];
  return knowledgeOfParts(parts);
}
