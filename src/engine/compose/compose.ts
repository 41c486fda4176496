import { BeladyBound } from '../../cache/bounds/belady-bound.js';
import type { Future } from '../../cache/future.js';
import { NextUse } from '../../cache/next-use/next-use.js';
import type { ResolvedPolicy } from '../../cache/policies/index.js';
import { type Clock, UNPINNED } from '../../cache/policy.js';
import { buildCaches, type CacheOptions, layerOfExperts, type Scope } from '../../cache/scope.js';
import { CostModel, type HardwareSpec, type LinkSpec } from '../../hardware/door.js';
import { type ExpertSplit, expertBytesTotal, expertSizes, type ModelSpec } from '../../model/door.js';
import type { PredictionTime } from '../../predict/cost.js';
import { type Predictor, trainedOn } from '../../predict/predictor.js';
import { copyShare, misfit, rulesOn, type SystemSpec, stagingBuffers } from '../../system/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { LayerJudge } from '../event/judge.js';
import { PrefetchBudget } from '../lookahead/budget.js';
import { ExpectedUse } from '../lookahead/expected-use.js';
import { AdaptiveHorizon } from '../lookahead/horizon.js';
import type { PredictedUse } from '../lookahead/predicted-use.js';
import type { PrefetchLimits, PrefetchSetup } from '../lookahead/setup.js';
import { copyPool } from '../memory/copies.js';
import type { GpuLayout } from '../memory/layout.js';
import { gatherShard, NOT_HERE, type Shard } from '../memory/shard.js';
import type { CopyPool } from '../transfer/copies.js';
import { Link } from '../transfer/link.js';
import { Staging } from '../transfer/staging.js';
import { CachedTier } from '../transfer/tier.js';
import type { Buddies, StandIns } from '../vocabulary/buddies.js';
import { CapacityMeter } from '../vocabulary/capacity-curve.js';
import type { ClassPrecision } from '../vocabulary/class-precision.js';
import type { Deferral } from '../vocabulary/deferral.js';
import { EventDemand } from '../vocabulary/event.js';
import type { Recorder } from '../vocabulary/recorder.js';
import type { Unimportance } from '../vocabulary/unimportance.js';
import { memoryChanges, type RunPlan } from './plan.js';
import type { Policies } from './policies.js';
import type { EarlierText } from './predictor.js';
import type { SimulatedGpu } from './simulation.js';
import { warmUp } from './warm.js';

/** Parts shared by all GPUs of a run. */
export interface CommonParts {
  readonly plan: RunPlan;
  readonly policies: Policies;
  readonly recorder: Recorder;
  /** Of the whole model's experts; null: unused by miss rules. */
  readonly unimportance: Unimportance | null;
  /** Null: no request classes, or several GPUs share experts. */
  readonly classes: ClassPrecision | null;
  /** Null: unused by miss rules. */
  readonly buddies: Buddies | null;
  /** Null: unused by miss rules. */
  readonly deferral: Deferral | null;
  readonly judges: readonly LayerJudge[];
  /** Predictor for a GPU's experts, and predictions for policies; null: no prediction. */
  readonly predictions: ((shard: Shard | null) => { readonly predictor: Predictor; readonly predictedUse: PredictedUse | null }) | null;
  readonly time: PredictionTime;
  readonly curves: boolean;
}

/** Link of machines with every expert resident. */
const UNUSED_LINK: LinkSpec = { name: 'h2d', bandwidth: Number.POSITIVE_INFINITY, latencyNs: 0, lanes: 1, chunkBytes: null };

/** Composes a GPU. @param future null: unused by policies @param earlier text seen by policies and caches */
export function composeGpu(
  common: CommonParts,
  { memory, shard }: GpuLayout,
  future: Future | null,
  { training, warm }: EarlierText,
): SimulatedGpu {
  const { plan, policies, recorder } = common;
  const { inputs, layout, run } = plan;
  const { system } = inputs;
  const { exclusive, scope } = system.cache;
  const [link = UNUSED_LINK, ssdLink] = layout.hardware.links.map((spec) => chunked(spec, system.prefetch.chunk));
  const model = shard?.model ?? inputs.model;
  const cost = new CostModel(model, layout.hardware, layout.dense, layout.split);
  cost.attending = plan.serving.attending;
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  // A prefetch may rank victims before the first event: each expert's next use is then its first use.
  const nextUse = future === null ? null : Int32Array.from(future.first);
  const predictions = common.predictions?.(shard) ?? null;
  const { expectedUse, learned } = expectationsOf(policies, model, shard, training);
  const gates = policies.gates ? new Float32Array(model.experts) : null;
  const popularity = policies.popularity === null || shard === null ? policies.popularity : gatherShard(policies.popularity, shard);
  const use = predictions?.predictedUse ?? null;
  const ofPolicies = { predicted: use?.predicted ?? null, predictedVersion: use?.version ?? null };
  const knows = { model, clock, seed: run.seed, nextUse, popularity, ...ofPolicies, expected: learned, gates };
  // Without a lower tier, every expert is resident before the first event.
  const whole = layout.hardware.links.length === 0;
  const held = withoutLayersOf(cost, policies.gpu);
  const expected = expectedUse ?? learned;
  const layerOf = layerOfExperts(model);
  const staging = predictions === null ? null : stagingOf(system, model, layerOf);
  const copies = copiesOn(common, knows, memory.copyBytes);
  const gpu = buildTier({ ...knows, expected }, held, memory.wholeBytes, scope, memory.quotas, link, { whole, staging, copies });
  const dram = policies.dram === null ? null : buildTier(knows, policies.dram, memory.dramBytes!, 'global', null, ssdLink!);
  if (warm.length > 0) warmUp({ clock, dram, expectedUse, gates, gpu, learned, model }, warm);
  const curve = run.bounds && common.curves ? new CapacityMeter(model, scope, memory.cacheBytes, gpu.preloaded) : null;
  // With constant capacity and an even split, the curve also counts the bound.
  const counted = curve !== null && memory.quotas === null && !memoryChanges(plan);
  const belady = run.bounds && !counted ? new BeladyBound(model, scope, memory.cacheBytes, memory.quotas, gpu.preloaded) : null;
  return {
    model,
    cost,
    gpu,
    copies,
    dram,
    writeBack: exclusive ? new Link(link, new Float64Array(model.experts)) : null,
    onMiss: rulesOn(layout.hardware, system.onMiss.rules),
    offloadFrom: offloadFrom(layout.hardware, model),
    offloadIfSooner: layout.hardware.software?.offloadIfSooner === true,
    overlaps: layout.hardware.software?.overlaps ?? true,
    ...missesSeen(common, shard),
    prefetch: predictions === null ? null : setupOf(common, model, link, { ...predictions, expectedUse }, dram !== null),
    recorder,
    sizes: copiedSizes(model, layout.split),
    layerOf,
    clock,
    gates,
    learned,
    future: future === null ? null : { future, nextUse: nextUse! },
    belady,
    curve,
    boundHits: () => belady?.hits ?? curve!.ownBound,
    memory,
    expertBytes: expertBytesTotal(model),
    whole: shard?.whole ?? null,
  };
}

/**
 * Expected uses of a GPU's experts, and the predictions' weight; null: unused by policies. Only a single GPU learns
 * from training.
 */
function expectationsOf(policies: Policies, model: ModelSpec, shard: Shard | null, training: readonly RoutingTrace[]) {
  const learned = policies.expected ? new NextUse(model) : null;
  const expectedUse = learned !== null && policies.ranksByPredictions ? new ExpectedUse(model, learned) : null;
  if (learned === null || shard !== null) return { expectedUse, learned };
  const demand = new EventDemand(model);
  trainedOn({ observe: (pass, layer) => learned.demanded(layer, demand.ids, demand.gather(pass, layer)) }, training);
  return { expectedUse, learned };
}

/** Static placement without experts of CPU layers (first) and split layer. */
function withoutLayersOf({ onCpu, splitLayer }: CostModel, policy: ResolvedPolicy): ResolvedPolicy {
  const held = Math.max(onCpu.lastIndexOf(1), splitLayer) + 1;
  if (held === 0) return policy;
  const { cpuLayers = 0 } = policy.parameters;
  return { ...policy, parameters: { ...policy.parameters, cpuLayers: Math.max(held, Number(cpuLayers)) } };
}

function copiedSizes(model: ModelSpec, split: ExpertSplit | null): Float64Array {
  const sizes = expertSizes(model);
  if (split === null) return sizes;
  const { experts, offset } = model.layers[split.layer]!;
  return sizes.fill(split.cpu.expertBytes, offset, offset + experts);
}

/** Tokens of a pass from which the GPU, not the CPU, serves misses; Infinity: never. */
function offloadFrom({ software }: HardwareSpec, { layers }: ModelSpec): number {
  if (software === undefined || software.offloadFrom === null) return Number.POSITIVE_INFINITY;
  if (software.offloadCounts === 'pass') return software.offloadFrom;
  const { experts, topK } = layers[layers.length >> 1]!;
  return (software.offloadFrom * experts) / topK;
}

/** Knowledge of a GPU's policies, by dense id. */
type PolicyKnowledge = Pick<
  CacheOptions,
  'model' | 'clock' | 'seed' | 'nextUse' | 'popularity' | 'predicted' | 'predictedVersion' | 'expected' | 'gates'
>;

function copiesOn({ plan, policies }: CommonParts, knows: PolicyKnowledge, roomBytes: number): CopyPool | null {
  const { cache, onMiss } = plan.inputs.system;
  if (cache.copies === undefined || roomBytes === 0) return null;
  const spec = cache.copies;
  const scope = spec.scope ?? cache.scope;
  return copyPool({ ...knows, scope, spec, policy: policies.copies!, copyBytes: copyShare(onMiss), roomBytes });
}

interface Besides {
  readonly whole: boolean;
  readonly staging: Staging | null;
  readonly copies: CopyPool | null;
}

function buildTier(
  knows: PolicyKnowledge,
  { definition: policy, parameters }: ResolvedPolicy,
  capacityBytes: number,
  scope: Scope,
  quotas: readonly number[] | null,
  link: LinkSpec,
  { copies, staging, whole }: Besides = { copies: null, staging: null, whole: false },
): CachedTier {
  const rank = new Int32Array(knows.model.experts).fill(UNPINNED);
  const caches = buildCaches({ ...knows, policy, parameters, capacityBytes, scope, quotas, rank });
  for (const cache of caches.caches) {
    if (whole) cache.preloadAll();
    else cache.preload();
  }
  const tier = new CachedTier(copies?.beside(caches) ?? caches, rank, link, staging);
  copies?.lieIn(tier);
  return tier;
}

function stagingOf({ prefetch }: SystemSpec, model: ModelSpec, layerOf: Uint16Array): Staging | null {
  const buffers = prefetch.staging === undefined ? 0 : stagingBuffers(prefetch.staging, model);
  return buffers === 0 ? null : new Staging(buffers, layerOf);
}

/**
 * Link with interruptible prefetches: chunks of the system, or the machine's smaller chunks; links of several paths
 * have no chunks.
 */
function chunked(link: LinkSpec, chunk: number | undefined): LinkSpec {
  if (chunk === undefined || link.paths !== undefined) return link;
  return { ...link, chunkBytes: Math.min(chunk, link.chunkBytes ?? chunk) };
}

function setupOf(
  { plan, time }: CommonParts,
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
  // A spread would give the object a hidden class dependent on V8's history, and slow the loops reading it.
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
  const widest = model.layers.reduce((most, layer) => Math.max(most, layer.topK), 0);
  const { cancel, minProbability, when, whenFull } = system.prefetch;
  const perLayer = system.prefetch.perLayer ?? widest * run.workload.batch * (1 + (run.workload.speculation?.draft ?? 0));
  const layers = typeof horizon === 'number' ? horizon : model.layers.length;
  return { horizon: layers, correction, minProbability, perLayer, when, whenFull, cancel, across };
}

function missesSeen(
  { buddies, classes, deferral, unimportance }: CommonParts,
  shard: Shard | null,
): Pick<SimulatedGpu, 'classes' | 'deferral' | 'standIns' | 'unimportance'> {
  return {
    classes,
    deferral,
    unimportance: unimportance === null || shard === null ? unimportance : unimportanceOf(unimportance, shard),
    standIns: buddies === null || shard === null ? buddies : standInsOf(buddies, shard),
  };
}

/** Unimportance of a shard's experts, by the shard's ids. */
export function unimportanceOf(unimportance: Unimportance, { whole }: Shard): Unimportance {
  return { of: (by, id) => unimportance.of(by, whole[id]!) };
}

/** Substitutes among a shard's experts, by the shard's ids. */
export const standInsOf = (buddies: StandIns, { own: idOf, whole }: Shard): StandIns => ({
  of: (id, layer, may) => {
    const buddy = buddies.of(whole[id]!, layer, (other) => idOf[other] !== NOT_HERE && may(idOf[other]!));
    return buddy < 0 ? buddy : idOf[buddy]!;
  },
});
