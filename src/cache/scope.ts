import { UserError } from '../base/errors.js';
import { byName } from '../base/objects.js';
import type { Parameters } from '../base/parameters.js';
import { Random } from '../base/random.js';
import { expertSizes, type ModelSpec } from '../model/door.js';
import { ExpertCache, isUniform } from './cache.js';
import { giveRest } from './layer-quotas.js';
import { NextUse } from './next-use/next-use.js';
import { type Clock, Pins, type PolicyDefinition, policyNeeds, UNPINNED } from './policy.js';

/** Caches of a tier: one for all layers, or one per layer with a share of the capacity (L6). */
export type Scope = 'global' | 'layer';

/** Capacity of a tier. */
export interface SplitCapacity {
  readonly bytes: number;
  /** Null: an even split, or one cache for all. */
  readonly quotas: readonly number[] | null;
}

/** Inputs of {@link buildCaches}; arrays over experts are by dense id. */
export interface CacheOptions {
  readonly model: ModelSpec;
  readonly policy: PolicyDefinition;
  readonly parameters: Parameters;
  /** Bytes for experts, over all layers. */
  readonly capacityBytes: number;
  readonly scope: Scope;
  /** Experts per MoE layer, in layer scope. */
  readonly quotas?: readonly number[];
  readonly clock: Clock;
  readonly seed: number;
  /** Pin ranks, shared with the code that pins; absent: nothing pinned. */
  readonly rank?: Int32Array;
  readonly nextUse?: Int32Array;
  readonly popularity?: Float64Array;
  readonly predicted?: Float32Array;
  /** By MoE layer; absent: predictions never change. */
  readonly predictedVersion?: Uint32Array;
  /** Nearness of next uses, with a version by MoE layer; absent: learned if the policy uses expectations. */
  readonly expected?: { readonly values: Float32Array; readonly version: Uint32Array };
  readonly gates?: Float32Array;
}

/** Caches of one tier. */
export interface Caches {
  /** Splits a smaller capacity into bytes per cache (L6). */
  readonly split: (capacityBytes: number) => readonly number[];
  readonly caches: readonly ExpertCache[];
  readonly byLayer: readonly ExpertCache[];
  readonly rank: Int32Array;
  /** Fed each event's demand before the caches. Null: not needed, or expectations are given. */
  readonly learned: NextUse | null;
}

/** @throws UserError for a missing need of the policy, or misfit quotas */
export function buildCaches(options: CacheOptions): Caches {
  const { model, capacityBytes, scope, quotas = null } = options;
  const rank = options.rank ?? new Int32Array(model.experts).fill(UNPINNED);
  const learns = options.expected === undefined && policyNeeds(options.policy, options.parameters).includes('expected');
  const learned = learns ? new NextUse(model) : null;
  const given = learned === null ? options : { ...options, expected: learned };
  const { shares, split } = divide(model, capacityBytes, scope, quotas);
  const build = (base: number, end: number, capacity: number, name: string) => buildCache(given, rank, base, end, capacity, name);
  if (scope === 'global') {
    const cache = build(0, model.experts, shares[0]!, 'all');
    return { caches: [cache], byLayer: model.layers.map(() => cache), rank, split, learned };
  }
  const caches = model.layers.map(({ experts, index, offset }, l) => build(offset, offset + experts, shares[l]!, `layer ${index}`));
  return { caches, byLayer: caches, rank, split, learned };
}

/** Divides a tier's capacity (L6). @param quotas experts per MoE layer @throws UserError for misfit quotas */
export function divide(
  model: ModelSpec,
  capacityBytes: number,
  scope: Scope,
  quotas: readonly number[] | null,
): { shares: readonly number[]; split: Caches['split'] } {
  if (scope === 'global') {
    if (quotas !== null) throw new UserError('quotas: they need one cache per layer; use --scope layer');
    return { shares: [capacityBytes], split: (bytes) => [Math.min(bytes, capacityBytes)] };
  }
  const slots = quotas === null ? evenSplit(model, capacityBytes) : checkQuotas(model, capacityBytes, quotas);
  const bytesOf = (counts: readonly number[]): number[] => counts.map((count, l) => count * model.layers[l]!.expertBytes);
  const split = (bytes: number) => bytesOf(quotas === null ? evenSplit(model, bytes, slots) : shrinkQuotas(model, bytes, slots));
  return { shares: bytesOf(slots), split };
}

/** Experts per layer (L6): floor(capacity / layers / expert bytes), the rest in turn. @param most by layer */
export function evenSplit(
  model: ModelSpec,
  capacityBytes: number,
  most: readonly number[] = model.layers.map((layer) => layer.experts),
): number[] {
  const share = capacityBytes / model.layers.length;
  const slots = model.layers.map((layer, l) => Math.min(most[l]!, Math.floor(share / layer.expertBytes)));
  return giveRest(model, capacityBytes, slots, most);
}

/** Experts per layer of a shrunk cache: proportional, at most the quota; the rest as in {@link evenSplit}. */
export function shrinkQuotas(model: ModelSpec, capacityBytes: number, quotas: readonly number[]): number[] {
  const whole = model.layers.reduce((bytes, layer, l) => bytes + quotas[l]! * layer.expertBytes, 0);
  const slots = quotas.map((quota) => (whole <= capacityBytes ? quota : Math.floor((quota * capacityBytes) / whole)));
  return giveRest(model, capacityBytes, slots, quotas);
}

function checkQuotas(model: ModelSpec, capacityBytes: number, quotas: readonly number[]): readonly number[] {
  const { layers } = model;
  if (quotas.length !== layers.length)
    throw new UserError(`quotas: ${quotas.length} numbers for ${layers.length} MoE layers; give one per layer`);
  let bytes = 0;
  for (let l = 0; l < layers.length; l++) {
    const quota = quotas[l]!;
    const { experts, expertBytes } = layers[l]!;
    if (!Number.isInteger(quota) || quota < 0 || quota > experts)
      throw new UserError(`quotas: layer ${l}: ${quota} is not a number of experts; use a whole number from 0 to ${experts}`);
    bytes += quota * expertBytes;
  }
  if (bytes > capacityBytes) throw new UserError(`quotas: they take ${bytes} bytes of a capacity of ${capacityBytes}; lower them`);
  return quotas;
}

function buildCache(options: CacheOptions, rank: Int32Array, base: number, end: number, capacityBytes: number, name: string): ExpertCache {
  const { model, policy, parameters, clock, seed } = options;
  const { nextUse, popularity, predicted, expected, gates } = options;
  const needs = policyNeeds(policy, parameters);
  for (const [need, given] of Object.entries({ future: nextUse, popularity, predicted, weights: gates })) {
    if (given === undefined && needs.some((wanted) => wanted === need)) throw new UserError(`policy ${policy.name}: needs ${NEEDS[need]}`);
  }
  const sizes = expertSizes(model).subarray(base, end);
  const created = policy.create(
    {
      experts: end - base,
      sizes,
      capacityBytes,
      uniform: isUniform(sizes),
      layerOf: layerOfExperts(model).subarray(base, end),
      layers: model.layers.length,
      clock,
      random: new Random(seed, `policy/${policy.name}/${name}`),
      nextUse: nextUse?.subarray(base, end) ?? null,
      popularity: popularity?.subarray(base, end) ?? null,
      predicted: predicted?.subarray(base, end) ?? null,
      predictedVersion: predicted === undefined ? null : (options.predictedVersion ?? new Uint32Array(model.layers.length)),
      expected: expected?.values.subarray(base, end) ?? null,
      expectedVersion: expected?.version ?? null,
      gates: gates?.subarray(base, end) ?? null,
    },
    parameters,
  );
  return new ExpertCache(base, sizes, capacityBytes, new Pins(rank.subarray(base, end)), created);
}

const NEEDS = byName<string>({
  future: 'the future of the run, which this command does not compute',
  popularity: 'the popularity of the experts; give a profiling prefix or a popularity trace',
  predicted: 'a predictor; choose one with --predictor',
  weights: 'gate weights, which only a run of a trace that has them can give',
});

/** MoE layer of each expert, by dense id. */
export function layerOfExperts(model: ModelSpec): Uint16Array {
  const layerOf = new Uint16Array(model.experts);
  for (const layer of model.layers) layerOf.fill(layer.index, layer.offset, layer.offset + layer.experts);
  return layerOf;
}
