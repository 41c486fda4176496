import { type ResolvedPolicy, resolvePolicy } from '../../cache/policies/index.js';
import { type PolicyDefinition, type PolicyNeed, policyNeeds } from '../../cache/policy.js';
import { misfit } from '../../system/door.js';
import { popularityFor } from '../inputs/profiling.js';
import { isPageCache, type RunPlan } from './run-plan.js';

/** Cache policies of a run, and their knowledge. */
export interface Policies {
  readonly gpu: ResolvedPolicy;
  /** Null: DRAM holds every expert. */
  readonly dram: ResolvedPolicy | null;
  /** Null: no low-precision copies. */
  readonly copies: ResolvedPolicy | null;
  /** Activations by dense id; null: unused by policies. */
  readonly popularity: Float64Array | null;
  /** True if a policy needs the future, or ranks by gate weights or predictions. */
  readonly future: boolean;
  readonly gates: boolean;
  readonly predictions: boolean;
  /** True if a policy ranks by expected next uses, on the GPU with the running pass's predictions. */
  readonly expected: boolean;
  readonly ranksByPredictions: boolean;
}

/** @throws UserError if a module is unusable, or a policy's need is missing in the run */
export async function policiesFor(plan: RunPlan): Promise<Policies> {
  const { inputs, layout, run } = plan;
  const { system, trace } = inputs;
  // The operating system keeps a mapped file's pages by recency, under every system policy.
  const gpu = await resolvePolicy(isPageCache(plan) ? system.dram.policy : system.cache.policy, run.folder);
  const dram = layout.total.dramBytes !== null ? await resolvePolicy(system.dram.policy, run.folder) : null;
  const copies = system.cache.copies === undefined ? null : await resolvePolicy(system.cache.copies.policy, run.folder);
  const needs = (policy: ResolvedPolicy | null): readonly PolicyNeed[] =>
    policy === null ? [] : policyNeeds(policy.definition, policy.parameters);
  if (needs(dram).includes('future'))
    throw misfit(run, 'system.dram.policy', `what DRAM is asked for depends on the GPU's cache, so its future cannot be known; use lru`);
  if (needs(copies).includes('future')) {
    const why = `which copies are asked for depends on the cache, so their future cannot be known; use lru`;
    throw misfit(run, 'system.cache.copies.policy', why);
  }
  const wanted = [...needs(gpu), ...needs(dram), ...needs(copies)];
  if (inputs.candidates !== null && wanted.includes('future')) {
    const why = `${gpu.definition.name} knows the future, and with rerank what is chosen depends on what is resident; take lru`;
    throw misfit(run, 'system.cache.policy', why);
  }
  if (system.cache.warm !== undefined && wanted.includes('future')) {
    const why = `${gpu.definition.name} knows the future of the replayed tokens, not of those before; leave it out, or take plec`;
    throw misfit(run, 'system.cache.warm', why);
  }
  if (wanted.includes('weights') && !trace.has.weights)
    throw misfit(run, 'system.cache.policy', `${gpu.definition.name} needs gate weights, which ${trace.path} does not carry; take lru`);
  if (system.prefetch.when === 'pays' && !ranksByBoth(gpu.definition)) {
    const why = `pays needs a policy that knows what a victim is worth, and ${gpu.definition.name} does not; take plec, or idle`;
    throw misfit(run, 'system.prefetch.when', why);
  }
  const predicts = system.predictor.kind.name !== 'none';
  const takesPredictions = (gpu.definition.takes ?? []).includes('predicted');
  return {
    gpu,
    dram,
    copies,
    popularity: wanted.includes('popularity') ? await popularityFor(inputs, run, system.cache.popularity) : null,
    future: wanted.includes('future'),
    gates: wanted.includes('weights'),
    predictions: predicts && (wanted.includes('predicted') || (takesPredictions && !ranksByBoth(gpu.definition))),
    expected: wanted.includes('expected'),
    ranksByPredictions: predicts && ranksByBoth(gpu.definition),
  };
}

const ranksByBoth = ({ needs = [], takes = [] }: PolicyDefinition): boolean => needs.includes('expected') && takes.includes('predicted');
