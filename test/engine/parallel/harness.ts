// Runs small worlds on several GPUs through the engine itself, and reads off everything that can be seen from outside.
import { BeladyBound } from '../../../src/cache/bounds/belady-bound.js';
import { layerOfExperts } from '../../../src/cache/scope.js';
import { Engine } from '../../../src/engine/event/engine.js';
import type { PrefetchSetup } from '../../../src/engine/lookahead/setup.js';
import { LowPrecisionCopies } from '../../../src/engine/mechanisms/copies.js';
import type { RunPart } from '../../../src/engine/mechanisms/mechanism.js';
import { type Shard, shardsOf } from '../../../src/engine/memory/shard.js';
import { ParallelBounds } from '../../../src/engine/parallel/bounds.js';
import { Dispatch } from '../../../src/engine/parallel/dispatch.js';
import { AllToAll } from '../../../src/engine/parallel/exchange.js';
import { Gathered } from '../../../src/engine/parallel/gathered.js';
import { ParallelGpu } from '../../../src/engine/parallel/gpu.js';
import { Pipeline } from '../../../src/engine/parallel/pipeline.js';
import { ShardPredictor, SharedPredictions } from '../../../src/engine/parallel/predictions.js';
import type { CachedTier } from '../../../src/engine/transfer/tier.js';
import type { Demand } from '../../../src/engine/vocabulary/event.js';
import type { Gpu } from '../../../src/engine/vocabulary/gpu.js';
import type { Hooks } from '../../../src/engine/vocabulary/hooks.js';
import { ParallelCounters, Recorder } from '../../../src/engine/vocabulary/recorder.js';
import { CostModel } from '../../../src/hardware/cost.js';
import type { Interconnect } from '../../../src/hardware/spec.js';
import { expertSizes } from '../../../src/model/spec.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import type { Overlap } from '../../../src/system/choices.js';
import { TraceStore } from '../../../src/trace/store.js';
import { NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';
import { foldedGpu, mechanismsOf, roomFor, scripted, scriptedTime, tierOf } from '../harness.js';
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
  readonly mechanisms: readonly RunPart[];
  /** Null: nothing is predicted. */
  readonly shared: SharedPredictions | null;
}

/** The GPU that has a shard, with what all GPUs share, and its fold. */
async function gpuOf(scenario: ParallelScenario, shard: Shard, demand: Demand, { mechanisms, recorder, shared }: Shared) {
  const { hardware, model: whole, script } = scenario;
  const { model } = shard;
  const knows = { model, clock: { event: 0, pass: 0, layer: 0 }, seed: 1 };
  const [link, ssd] = hardware.links;
  const gpu: Gpu = {
    model,
    cost: new CostModel(model, hardware),
    gpu: await tierOf(knows, scenario.policy, scenario.capacityBytes, scenario.scope, link!),
    dram: scenario.dram === null ? null : await tierOf(knows, scenario.dram.policy, scenario.dram.capacityBytes, 'global', ssd!),
    onMiss: rulesOf(scenario),
    overlaps: true,
    recorder,
    sizes: expertSizes(model),
    layerOf: layerOfExperts(model),
    clock: knows.clock,
  };
  const prefetch: PrefetchSetup | null =
    shared === null
      ? null
      : {
          predictor: new ShardPredictor(shared, shard),
          time: scriptedTime(script!, whole),
          limits: script!.limits,
          scores: new Float32Array(model.experts),
          predictedUse: null,
          expectedUse: null,
          adaptive: null,
          budget: null,
          leftOut: null,
        };
  const belady = new BeladyBound(model, scenario.scope, scenario.capacityBytes, null, false);
  const bound: Hooks = { demanded: (layer, ids, size) => belady.event(layer, ids, size) };
  const { fold } = foldedGpu(gpu, demand, { knows, memory: roomFor(0), shard, link: link!, prefetch }, mechanisms, [bound]);
  return { ...gpu, belady, fold };
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
  const mechanisms = mechanismsOf({ ...scenario, staging: 0 }, new LowPrecisionCopies(null), null);
  const gpus: Awaited<ReturnType<typeof gpuOf>>[] = [];
  for (const [g, shard] of shards.entries())
    gpus.push(await gpuOf(scenario, shard, dispatch.demands[g]!, { mechanisms, recorder, shared }));
  const pipeline = () => new Pipeline(cost, interconnect, model.hidden, overlap, dispatch);
  const counters = new ParallelCounters(count);
  const links = scenario.dram === null ? hardware.links.slice(0, 1) : hardware.links.toReversed();
  const bounds = new ParallelBounds(shards, dispatch, links, pipeline(), cost, { floor: null, found: null }, false);
  const folds = gpus.map(({ fold }) => fold);
  const each = folds.map((fold, g) => new ParallelGpu(fold, shards[g]!));
  const exchange = new AllToAll({ model, gpus: each, dispatch, pipeline: pipeline(), recorder, counters });
  const hooks = mechanisms.flatMap((part) => part.hooks ?? []);
  const engine = new Engine({ layers: model.layers.length, cost, folds, exchange, bounds, hooks, recorder, activations: null });
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
