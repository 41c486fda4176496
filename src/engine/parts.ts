// The parts that a run names, made ready: policies, what they need to know, predictors, limits. One GPU and several are composed of the same.
import { resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { splitSpec } from '../base/parameters.js';
import { findProfile, isPath } from '../base/profiles.js';
import { type ResolvedPolicy, resolvePolicy } from '../cache/policies/index.js';
import { type Clock, type PolicyNeed, policyNeeds, UNPINNED } from '../cache/policy.js';
import { buildCaches, type Scope } from '../cache/scope.js';
import type { LinkSpec } from '../hardware/spec.js';
import type { ModelSpec } from '../model/spec.js';
import { createPredictor } from '../predict/create.js';
import type { Predictor } from '../predict/predictor.js';
import type { RunSpec } from '../system/run.js';
import { openPopularity, openTrace } from '../trace/open.js';
import { type Popularity, popularityOf } from '../trace/popularity.js';
import type { RoutingTrace } from '../trace/trace.js';
import { MissPrecision } from './event/precision.js';
import type { Inputs } from './inputs.js';
import type { Outlook } from './prefetch/outlook.js';
import type { PrefetchLimits } from './prefetch/prefetcher.js';
import { CachedTier } from './transfer/tier.js';

/** The policies of a run, and what they need. */
export interface Policies {
  readonly gpu: ResolvedPolicy;
  /** Null where DRAM holds every expert. */
  readonly dram: ResolvedPolicy | null;
  /** Activations by dense id; null: no policy asks. */
  readonly popularity: Float64Array | null;
  /** True where a policy knows the future, ranks by gate weights, or ranks by what is predicted. */
  readonly future: boolean;
  readonly gates: boolean;
  readonly outlook: boolean;
}

/**
 * Resolves the policies of a run.
 * @param cachesSsd true where DRAM is a cache of the SSD
 * @throws UserError where one is unknown, or needs what the run does not have
 */
export async function policiesFor(inputs: Inputs, run: RunSpec, cachesSsd: boolean): Promise<Policies> {
  const { model, system, trace } = inputs;
  const gpu = await resolvePolicy(system.cache.policy, run.folder);
  const dram = cachesSsd ? await resolvePolicy(system.dram.policy, run.folder) : null;
  const needs = (policy: ResolvedPolicy | null): readonly PolicyNeed[] =>
    policy === null ? [] : policyNeeds(policy.definition, policy.parameters);
  if (needs(dram).includes('future')) {
    throw new UserError(`dram.policy: what DRAM is asked for depends on the GPU's cache, so its future cannot be known; use lru`);
  }
  const wanted = [...needs(gpu), ...needs(dram)];
  if (inputs.candidates !== null && wanted.includes('future')) {
    throw new UserError(
      `cache.policy ${system.cache.policy}: knows the future, and with rerank what is chosen depends on what is resident; take lru`,
    );
  }
  if (wanted.includes('weights') && !trace.has.weights) {
    throw new UserError(`cache.policy ${system.cache.policy}: needs gate weights, which ${trace.path} does not carry`);
  }
  const ranksByPrediction = wanted.includes('predicted') || (gpu.definition.takes ?? []).includes('predicted');
  return {
    gpu,
    dram,
    popularity: wanted.includes('popularity') ? await popularityFor(model, trace, system.cache.popularity, run) : null,
    future: wanted.includes('future'),
    gates: wanted.includes('weights'),
    outlook: splitSpec(system.predictor.kind).name !== 'none' && ranksByPrediction,
  };
}

/** What the policies of one GPU know. Arrays are indexed by dense id. */
export interface PolicyView {
  readonly model: ModelSpec;
  readonly clock: Clock;
  readonly seed: number;
  readonly nextUse: Int32Array | null;
  readonly popularity: Float64Array | null;
  readonly outlook: Outlook | null;
  readonly gates: Float32Array | null;
}

/** A tier, with what is resident from the start. */
export function buildTier(
  { outlook, ...view }: PolicyView,
  { definition: policy, parameters }: ResolvedPolicy,
  capacityBytes: number,
  scope: Scope,
  quotas: readonly number[] | null,
  link: LinkSpec,
): CachedTier {
  const rank = new Int32Array(view.model.experts).fill(UNPINNED);
  const predictions = { predicted: outlook?.predicted ?? null, predictedVersion: outlook?.version ?? null };
  const caches = buildCaches({ ...view, ...predictions, policy, parameters, capacityBytes, scope, quotas, rank });
  for (const cache of caches.caches) cache.preload();
  return new CachedTier(caches, rank, link);
}

/** How far and how boldly a run prefetches. */
export function prefetchLimits({ model, system }: Inputs, run: RunSpec): PrefetchLimits {
  const { correction, horizon } = system.predictor;
  const { minProbability, perLayer, whenFull } = system.prefetch;
  const widest = model.layers.reduce((most, layer) => Math.max(most, layer.topK), 0);
  return {
    horizon: typeof horizon === 'number' ? horizon : model.layers.length,
    correction,
    minProbability,
    perLayer: perLayer ?? widest * run.workload.batch,
    whenFull,
  };
}

/**
 * Activations by dense id, from the first tokens of the trace itself or from a file.
 * @throws UserError where the file cannot be read or does not fit the model
 */
export async function popularityFor(model: ModelSpec, trace: RoutingTrace, from: number | string, run: RunSpec): Promise<Float64Array> {
  let popularity: Popularity;
  if (typeof from === 'number') popularity = popularityOf(trace, 0, Math.min(from, trace.tokens));
  else popularity = await openPopularity(isPath(from) ? resolve(run.folder, from) : findProfile('traces', from), { model });
  const byId = new Float64Array(model.experts);
  if (popularity.counts.length !== model.layers.length) {
    throw new UserError(
      `${popularity.path}: counts ${popularity.counts.length} layers, ${model.name} has ${model.layers.length} MoE layers`,
    );
  }
  for (const { index, offset, experts } of model.layers) {
    const counts = popularity.counts[index]!;
    if (counts.length > experts)
      throw new UserError(`${popularity.path}: layer ${index}: counts ${counts.length} experts, ${model.name} has ${experts}`);
    byId.set(counts, offset);
  }
  return byId;
}

/**
 * The predictor that the system names, trained; null: none.
 * @throws UserError where it is unknown, or lacks what it needs
 */
export async function predictorFor({ model, system, trace }: Inputs, run: RunSpec, running: number): Promise<Predictor | null> {
  const { kind, parameters, train } = system.predictor;
  const training: RoutingTrace[] = [];
  try {
    for (const path of train) training.push(await openTrace(findProfile('traces', path, run.folder), { model }));
    const { folder, seed } = run;
    return await createPredictor({ kind, parameters, model, trace, slots: running, seed, training, folder });
  } finally {
    for (const used of training) used.close();
  }
}

/**
 * Two sizes of an expert, where the system has them.
 * @throws UserError where that contradicts the rest of the system, or the trace has no gate weights
 */
export function precisionFor({ model, system, trace }: Inputs): MissPrecision | null {
  const { precision } = system;
  if (precision === undefined) return null;
  if (system.onMiss !== 'load')
    throw new UserError(`precision: degrades misses that are loaded; it cannot be combined with onMiss: ${system.onMiss}`);
  if (precision.by === 'weights' && !trace.has.weights) {
    throw new UserError(`precision.by: needs gate weights, which ${trace.path} does not carry; use rank`);
  }
  return new MissPrecision(model, precision);
}
