import { BeladyBound } from '../../cache/bounds/belady-bound.js';
import type { Future } from '../../cache/future.js';
import { NextUse } from '../../cache/next-use/next-use.js';
import type { Clock } from '../../cache/policy.js';
import { layerOfExperts } from '../../cache/scope.js';
import { WholeEvents } from '../../cache/whole-events.js';
import { CostModel, type LinkSpec } from '../../hardware/door.js';
import { type ExpertSplit, expertBytesTotal, expertSizes, type ModelSpec } from '../../model/door.js';
import type { PredictionTime } from '../../predict/cost.js';
import { type Predictor, trainedOn } from '../../predict/predictor.js';
import type { MissRule } from '../../system/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { foldOf } from '../event/fold-of.js';
import type { GpuParts } from '../event/parts.js';
import { Evictions } from '../event/place.js';
import { ExpectedUse } from '../lookahead/expected-use.js';
import type { PredictedUse } from '../lookahead/predicted-use.js';
import type { RunPart } from '../mechanisms/mechanism.js';
import type { GpuLayout } from '../memory/layout.js';
import type { MemoryPlan } from '../memory/plan.js';
import { copyLayer, gatherShard, type Shard } from '../memory/shard.js';
import type { Policies } from '../plan/policies.js';
import { memoryChanges, type RunPlan } from '../plan/run-plan.js';
import { PrefetchOutcomes } from '../prefetch/outcomes.js';
import { CapacityMeter } from '../vocabulary/capacity-curve.js';
import { type Demand, EventDemand, RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Hooks } from '../vocabulary/hooks.js';
import type { Recorder } from '../vocabulary/recorder.js';
import type { EarlierText } from './predictor.js';
import { aheadPart, setupOf } from './prefetch.js';
import type { SimulatedGpu } from './simulation.js';
import { buildTier, chunked, withoutLayersOf } from './tiers.js';
import { warmUp } from './warm.js';

/** Parts shared by all GPUs of a run. */
export interface CommonParts {
  readonly plan: RunPlan;
  readonly policies: Policies;
  readonly recorder: Recorder;
  readonly rules: readonly MissRule[];
  readonly mechanisms: readonly RunPart[];
  /** Gate weights of the running layer, by whole-model id; null: unused by policies. */
  readonly gates: Float32Array | null;
  /** Predictor for a GPU's experts, and predictions for policies; null: no prediction. */
  readonly predictions: ((shard: Shard | null) => { readonly predictor: Predictor; readonly predictedUse: PredictedUse | null }) | null;
  readonly time: PredictionTime;
  readonly curves: boolean;
}

/** Link of machines with every expert resident. */
const UNUSED_LINK: LinkSpec = { name: 'h2d', bandwidth: Number.POSITIVE_INFINITY, latencyNs: 0, lanes: 1, chunkBytes: null };

/** Knowledge of a GPU's policies and of its prefetches. */
function knowledgeOf(common: CommonParts, shard: Shard | null, future: Future | null, training: readonly RoutingTrace[]) {
  const { plan, policies } = common;
  const model = shard?.model ?? plan.inputs.model;
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  // A prefetch may rank victims before the first event.
  const nextUse = future === null ? null : Int32Array.from(future.first);
  const predictions = common.predictions?.(shard) ?? null;
  const expectations = expectationsOf(policies, model, shard, training);
  const gates = common.gates === null || shard === null ? common.gates : new Float32Array(model.experts);
  const popularity = policies.popularity === null || shard === null ? policies.popularity : gatherShard(policies.popularity, shard);
  const use = predictions?.predictedUse ?? null;
  const { learned } = expectations;
  const ofPolicies = {
    nextUse: nextUse ?? undefined,
    popularity: popularity ?? undefined,
    expected: learned ?? undefined,
    gates: gates ?? undefined,
    predicted: use?.predicted,
    predictedVersion: use?.version,
  };
  const knows = { model, clock, seed: plan.run.seed, ...ofPolicies };
  return { ...expectations, knows, predictions, future, gates, nextUse };
}

type Knowledge = ReturnType<typeof knowledgeOf>;

/** Tiers and prices of a GPU, whose links are `link` and `ssdLink`. */
function gpuOf(common: CommonParts, memory: MemoryPlan, known: Knowledge, link: LinkSpec, ssdLink: LinkSpec | undefined): Gpu {
  const { plan, policies, recorder, rules } = common;
  const { hardware, dense, split } = plan.layout;
  const { expectedUse, knows, learned } = known;
  const { clock, model } = knows;
  const cost = new CostModel(model, hardware, dense, split);
  cost.attending = plan.serving.attending;
  const held = withoutLayersOf(cost, policies.gpu);
  // Without a lower tier, every expert is resident before the first event.
  const whole = hardware.links.length === 0;
  const { scope } = plan.inputs.system.cache;
  const expected = expectedUse ?? learned ?? undefined;
  const gpu = buildTier({ ...knows, expected }, held, memory.wholeBytes, scope, memory.quotas, link, whole);
  const dram = policies.dram === null ? null : buildTier(knows, policies.dram, memory.dramBytes!, 'global', null, ssdLink!);
  const sizes = copiedSizes(model, split);
  const overlaps = hardware.software?.overlaps ?? true;
  return { model, cost, gpu, dram, onMiss: rules, overlaps, recorder, sizes, layerOf: layerOfExperts(model), clock };
}

/** On the events of a GPU. */
function boundsOf({ curves, plan }: CommonParts, { gpu, model }: Gpu, memory: MemoryPlan): Pick<SimulatedGpu, 'belady' | 'curve'> {
  const { scope } = plan.inputs.system.cache;
  const { bounds } = plan.run;
  const curve = bounds && curves ? new CapacityMeter(model, scope, memory.cacheBytes, gpu.preloaded) : null;
  // With constant capacity and an even split, the curve also counts the bound.
  const counted = curve !== null && memory.quotas === null && !memoryChanges(plan);
  return { curve, belady: bounds && !counted ? new BeladyBound(model, scope, memory.cacheBytes, memory.quotas, gpu.preloaded) : null };
}

/** @param future null: unused by policies @param earlier text seen by policies and caches */
export function composeGpu(
  common: CommonParts,
  { memory, shard }: GpuLayout,
  demand: Demand,
  future: Future | null,
  earlier: EarlierText,
): SimulatedGpu {
  const { hardware } = common.plan.layout;
  const { chunk } = common.plan.inputs.system.prefetch;
  const [link = UNUSED_LINK, ssdLink] = hardware.links.map((spec) => chunked(spec, chunk));
  const known = knowledgeOf(common, shard, future, earlier.training);
  const { expectedUse, gates, knows, learned, predictions } = known;
  const gpu = gpuOf(common, memory, known, link, ssdLink);
  const { clock, dram, model } = gpu;
  const prefetch = predictions === null ? null : setupOf(common, model, link, { ...predictions, expectedUse }, dram !== null);
  const event = new RunningEvent(demand, gpu.cost.cpuQueues);
  const parts: GpuParts = {
    ...{ memory, shard, gpu, event, knows, link },
    evictions: new Evictions(gpu, event),
    outcomes: new PrefetchOutcomes(gpu),
    expects: prefetch?.expectedUse?.values ?? learned?.values ?? null,
    ahead: { staging: null, idle: [], promoter: null },
  };
  const mechanisms = common.mechanisms.flatMap((part) => part.on?.(parts) ?? []);
  const ahead = aheadPart(parts, prefetch);
  if (earlier.warm.length > 0) warmUp({ clock, dram, expectedUse, gates, gpu: gpu.gpu, learned, model }, earlier.warm);
  const bounds = boundsOf(common, gpu, memory);
  const links = [gpu.gpu.link, ...(dram === null ? [] : [dram.link]), ...mechanisms.flatMap((part) => part.links ?? [])];
  // Extended in place: a copy would have a hidden class of its own.
  return Object.assign(gpu, {
    fold: foldOf(parts, ahead === null ? mechanisms : [...mechanisms, ahead], [
      ...witnessesOf(bounds, known, common.gates, shard),
      ...policyHooks(WholeEvents.of(gpu.gpu.byLayer, common.plan.inputs.model, shard?.own)),
    ]),
    links: hardware.links.length === 0 ? [] : links,
    prefetch,
    ...bounds,
    boundHits: () => bounds.belady?.hits ?? bounds.curve!.ownBound,
    memory,
    expertBytes: expertBytesTotal(model),
    whole: shard?.whole ?? null,
  });
}

/** Hooks of bounds and of policies' knowledge. @param all gate weights by whole-model id; null: unused by policies */
function witnessesOf(
  { belady, curve }: Pick<SimulatedGpu, 'belady' | 'curve'>,
  { future, gates, learned, nextUse }: Knowledge,
  all: Float32Array | null,
  shard: Shard | null,
): Hooks[] {
  const hooks: Hooks[] = [];
  if (all !== null && shard !== null) hooks.push({ demanded: (layer) => copyLayer(shard, layer, all, gates!) });
  if (learned !== null) hooks.push({ known: (_pass, layer, ids, size) => learned.demanded(layer, ids, size) });
  if (belady !== null) hooks.push({ demanded: (layer, ids, size) => belady.event(layer, ids, size) });
  if (curve !== null) hooks.push({ demanded: (layer, ids, size) => curve.event(layer, ids, size) });
  if (future !== null) hooks.push({ demanded: () => future.advance(nextUse!) });
  return hooks;
}

const policyHooks = (whole: WholeEvents | null): Hooks[] =>
  whole === null ? [] : [{ known: (pass, layer) => whole.demanded(layer, pass, layer * pass.topK, pass.row) }];

/** With the predictions' weight; null: unused by policies. Only a single GPU learns from training. */
function expectationsOf(policies: Policies, model: ModelSpec, shard: Shard | null, training: readonly RoutingTrace[]) {
  const learned = policies.expected ? new NextUse(model) : null;
  const expectedUse = learned !== null && policies.ranksByPredictions ? new ExpectedUse(model, learned) : null;
  if (learned === null || shard !== null) return { expectedUse, learned };
  const demand = new EventDemand(model);
  trainedOn({ observe: (pass, layer) => learned.demanded(layer, demand.ids, demand.gather(pass, layer)) }, training);
  return { expectedUse, learned };
}

function copiedSizes(model: ModelSpec, split: ExpertSplit | null): Float64Array {
  const sizes = expertSizes(model);
  if (split === null) return sizes;
  const { experts, offset } = model.layers[split.layer]!;
  return sizes.fill(split.cpu.expertBytes, offset, offset + experts);
}
