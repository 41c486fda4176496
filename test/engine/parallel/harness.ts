// Runs small worlds on several GPUs through the engine itself, and reads off everything that can be seen from outside.
import { BeladyBound } from '../../../src/cache/bounds/belady-bound.js';
import { parsePolicy, resolvePolicy } from '../../../src/cache/policies/index.js';
import { UNPINNED } from '../../../src/cache/policy.js';
import { buildCaches, layerOfExperts, type Scope } from '../../../src/cache/scope.js';
import { standInsOf, unimportanceOf } from '../../../src/engine/compose/compose.js';
import { type Shard, shardsOf } from '../../../src/engine/memory/shard.js';
import { ParallelBounds } from '../../../src/engine/parallel/bounds.js';
import { Dispatch } from '../../../src/engine/parallel/dispatch.js';
import { ParallelEngine } from '../../../src/engine/parallel/engine.js';
import { Gathered } from '../../../src/engine/parallel/gathered.js';
import { Pipeline } from '../../../src/engine/parallel/pipeline.js';
import { ShardPredictor, SharedPredictions } from '../../../src/engine/parallel/predictions.js';
import { Link } from '../../../src/engine/transfer/link.js';
import { CachedTier } from '../../../src/engine/transfer/tier.js';
import { Buddies } from '../../../src/engine/vocabulary/buddies.js';
import type { Gpu } from '../../../src/engine/vocabulary/gpu.js';
import { ParallelCounters, Recorder } from '../../../src/engine/vocabulary/recorder.js';
import { TokenUnimportance } from '../../../src/engine/vocabulary/unimportance.js';
import { CostModel } from '../../../src/hardware/cost.js';
import type { Interconnect, LinkSpec } from '../../../src/hardware/spec.js';
import { expertSizes } from '../../../src/model/spec.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import type { Overlap } from '../../../src/system/choices.js';
import { TraceStore } from '../../../src/trace/store.js';
import { NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';
import { scripted, scriptedTime } from '../harness.js';
import { rulesOf, type Scenario } from '../scenario.js';

/** A scenario on several GPUs. Token i of every pass is one of request i, and all passes have as many tokens. */
export interface ParallelScenario extends Scenario {
  readonly gpus: number;
  /** By dense id: GPU, or EVERYWHERE. */
  readonly homes: Int32Array;
  readonly interconnect: Interconnect;
  readonly overlap: Overlap;
  /** True: events may gather weights in place of sending activations. */
  readonly adaptive: boolean;
}

/** A trace of as many requests as a pass has tokens, one after another. */
function traceOfRequests({ model, passes, topK }: Scenario): RoutingTrace {
  const store = new TraceStore({ path: 'scenario', layers: model.layers.length, topK });
  for (let request = 0; request < passes[0]!.length; request++) {
    for (const [position, pass] of passes.entries()) {
      store.seek(store.rows);
      for (const { index } of model.layers) {
        for (let rank = 0; rank < topK; rank++) store.ids[store.idsAt + index * topK + rank] = pass[request]![index]![rank] ?? NULL_EXPERT;
      }
      store.addRow(request, position, 1);
    }
  }
  return store.finish(
    model.layers.map(({ experts }) => experts),
    { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} },
  );
}

/** What all GPUs of a scenario share. */
interface Shared {
  readonly recorder: Recorder;
  readonly unimportance: TokenUnimportance;
  readonly buddies: Buddies;
  /** Null: nothing is predicted. */
  readonly shared: SharedPredictions | null;
}

/** Parts of the GPU that has a shard, with what all GPUs share. */
async function gpuOf(scenario: ParallelScenario, shard: Shard, { buddies, recorder, shared, unimportance }: Shared): Promise<Gpu> {
  const { hardware, model, script } = scenario;
  const own = shard.model;
  const clock = { event: 0, pass: 0, layer: 0 };
  const tier = async (spec: string, capacityBytes: number, scope: Scope, link: LinkSpec): Promise<CachedTier> => {
    const { definition: policy, parameters } = await resolvePolicy(parsePolicy(spec));
    const rank = new Int32Array(own.experts).fill(UNPINNED);
    const caches = buildCaches({ model: own, policy, parameters, capacityBytes, scope, clock, seed: 1, rank });
    for (const cache of caches.caches) cache.preload();
    return new CachedTier(caches, rank, link);
  };
  return {
    model: own,
    cost: new CostModel(own, hardware),
    gpu: await tier(scenario.policy, scenario.capacityBytes, scenario.scope, hardware.links[0]!),
    copies: null,
    dram: scenario.dram === null ? null : await tier(scenario.dram.policy, scenario.dram.capacityBytes, 'global', hardware.links[1]!),
    writeBack: scenario.exclusive ? new Link(hardware.links[0]!, new Float64Array(own.experts)) : null,
    onMiss: rulesOf(scenario),
    offloadFrom: Number.POSITIVE_INFINITY,
    offloadIfSooner: false,
    overlaps: true,
    unimportance: unimportanceOf(unimportance, shard),
    classes: null,
    deferral: null,
    standIns: standInsOf(buddies, shard),
    prefetch:
      shared === null
        ? null
        : {
            predictor: new ShardPredictor(shared, shard),
            time: scriptedTime(script!, model),
            limits: script!.limits,
            scores: new Float32Array(own.experts),
            predictedUse: null,
            expectedUse: null,
            adaptive: null,
          },
    recorder,
    sizes: expertSizes(own),
    layerOf: layerOfExperts(own),
    clock,
    gates: null,
    future: null,
    belady: new BeladyBound(own, scenario.scope, scenario.capacityBytes, null, false),
    curve: null,
    learned: null,
  };
}

/** Composes an engine for a scenario. */
export async function composeParallel(scenario: ParallelScenario) {
  const { adaptive, gpus: count, hardware, homes, interconnect, model, overlap, script } = scenario;
  const shards = shardsOf(model, homes, count);
  const cost = new CostModel(model, hardware);
  const gathered = adaptive ? new Gathered(model, cost, interconnect, shards) : null;
  const offsets = Int32Array.from(model.layers, ({ offset }) => offset);
  const dispatch = new Dispatch(shards, homes, offsets, gathered);
  const shared = script === null ? null : new SharedPredictions(scripted(script, scenario), model, false);
  const recorder = new Recorder(model.layers.length);
  const unimportance = new TokenUnimportance(model, ['rank']);
  const buddies = new Buddies(model);
  const gpus: Gpu[] = [];
  for (const shard of shards) gpus.push(await gpuOf(scenario, shard, { buddies, recorder, shared, unimportance }));
  const pipeline = () => new Pipeline(cost, interconnect, model.hidden, overlap, dispatch);
  const counters = new ParallelCounters(count);
  const links = scenario.dram === null ? hardware.links.slice(0, 1) : hardware.links.toReversed();
  const bounds = new ParallelBounds(shards, dispatch, links, pipeline(), cost, { floor: null, found: null }, false);
  const engine = new ParallelEngine({
    model,
    cost,
    gpus,
    shards,
    dispatch,
    pipeline: pipeline(),
    judges: [unimportance, buddies],
    gates: null,
    faults: null,
    rerank: null,
    recorder,
    counters,
    bounds,
  });
  return { engine, gpus, shards, recorder, counters, bounds, cost };
}

/** One pass: when it ended, and what lies on each GPU then, by dense id of the whole model. */
export interface ParallelPass {
  readonly endNs: number;
  readonly resident: readonly (readonly number[])[];
}

/** Runs a scenario. */
export async function runParallel(scenario: ParallelScenario, watch?: (composed: Awaited<ReturnType<typeof composeParallel>>) => void) {
  const composed = await composeParallel(scenario);
  watch?.(composed);
  const { engine, gpus, shards } = composed;
  const { passes } = scenario;
  const width = passes[0]!.length;
  const pass = new Pass(traceOfRequests(scenario), width);
  const requests = Array.from(
    { length: width },
    (_, index) => new Request({ index, start: index * passes.length, prefill: 0, decode: passes.length, arrivalNs: 0 }),
  );
  // As rooms for KV caches deal them out.
  for (const request of requests) request.gpu = request.index % scenario.gpus;
  const outcomes = passes.map((): ParallelPass => {
    const shares = requests.map((request) => ({ request, tokens: 1 }));
    pass.fill(shares);
    engine.run(pass);
    pass.advance(shares);
    return { endNs: engine.nowNs, resident: gpus.map(({ gpu }, g) => residentsOf(gpu, shards[g]!)) };
  });
  return { ...composed, outcomes };
}

function residentsOf(tier: CachedTier, { whole }: Shard): number[] {
  const ids = tier.caches.flatMap((cache) =>
    [...cache.resident.keys()].filter((id) => cache.resident[id] === 1).map((id) => id + cache.base),
  );
  return ids.map((id) => whole[id]!).sort((a, b) => a - b);
}
