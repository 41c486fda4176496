// Statistics profiled before a run, and the tokens that they come from, as the result says it.
import { policyNeeds } from '../../cache/policy.js';
import { profiledPart } from '../inputs/profiling.js';
import { replayedOf } from '../inputs/replayed-source.js';
import type { Finished } from './finished.js';

/** The tokens that a placement or a split was profiled on. */
interface Profile {
  readonly words: string;
  /** True: on tokens that are replayed. */
  readonly replayed: boolean;
}

/** The tokens that the run's placement or split was profiled on; null: neither was profiled. */
export function profileOf({ inputs, layout, run, simulation }: Finished): Profile | null {
  const { definition, parameters } = simulation.policy;
  const { popularity, quotas } = inputs.system.cache;
  const split = quotas === 'proportional' || quotas === 'optimal' || layout.several?.profiled === true;
  if (!split && !policyNeeds(definition, parameters).includes('popularity')) return null;
  if (typeof popularity === 'string') return { words: popularity, replayed: replayedOf(popularity, run, inputs) };
  return { words: profiledPart(inputs, popularity).words, replayed: false };
}
