// Composes an engine from what a run names: caches under policies, a predictor, links. The only place that knows all the parts.
import { resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { splitSpec } from '../base/parameters.js';
import { findProfile, isPath } from '../base/profiles.js';
import { DemandLog } from '../cache/demand.js';
import { Future } from '../cache/future.js';
import { type ResolvedPolicy, resolvePolicy } from '../cache/policies/index.js';
import { type Clock, UNPINNED } from '../cache/policy.js';
import { buildCaches, type Scope } from '../cache/scope.js';
import { CostModel } from '../hardware/cost.js';
import type { LinkSpec } from '../hardware/spec.js';
import { expertBytesTotal, type ModelSpec } from '../model/spec.js';
import { createPredictor } from '../predict/create.js';
import type { Predictor } from '../predict/predictor.js';
import type { Passes } from '../schedule/passes.js';
import type { RunSpec } from '../system/run.js';
import { openPopularity, openTrace } from '../trace/open.js';
import { type Popularity, popularityOf } from '../trace/popularity.js';
import type { RoutingTrace } from '../trace/trace.js';
import { BoundClocks } from './bounds.js';
import { EventDemand } from './demand.js';
import { Engine } from './engine.js';
import { AdaptiveHorizon } from './horizon.js';
import type { Inputs } from './inputs.js';
import { Link } from './link.js';
import type { MemoryPlan } from './memory.js';
import { Outlook } from './outlook.js';
import { MissPrecision } from './precision.js';
import { Recorder } from './recorder.js';
import { Rerank } from './rerank.js';
import { CachedTier } from './tier.js';

/** An engine and the parts of it that a result is read from. */
export interface Simulation {
  readonly engine: Engine;
  readonly gpu: CachedTier;
  readonly dram: CachedTier | null;
  readonly recorder: Recorder;
  readonly bounds: BoundClocks;
  /** Demand of the run, recorded for the Belady bound; null where bounds are off. */
  readonly log: DemandLog | null;
  /** Named policy, resolved. */
  readonly policy: ResolvedPolicy;
  /** Null: nothing is predicted. */
  readonly predictor: Predictor | null;
  /** Null: the horizon does not move. */
  readonly adaptive: AdaptiveHorizon | null;
  /** Null: tokens choose as recorded. */
  readonly rerank: Rerank | null;
  /** Removes temporary files. */
  close(): void;
}

/**
 * Composes the engine.
 * @param running requests that run at once
 * @param dryRun gives the passes of this very run once more, for policies that know the future
 * @throws UserError where a part is unknown, or needs what the trace or the machine does not have
 */
export async function buildSimulation(
  inputs: Inputs,
  run: RunSpec,
  memory: MemoryPlan,
  running: number,
  dryRun: () => Passes,
): Promise<Simulation> {
  const { hardware, model, system, trace } = inputs;
  if ((system.onMiss === 'cpu' || system.onMiss === 'cheaper') && hardware.cpu === null) {
    throw new UserError(`onMiss: ${system.onMiss} needs a CPU beside the GPU, and ${hardware.name} has none; use load`);
  }
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  const sequential = run.replay === 'sequential';
  const scores = new Float32Array(model.experts);
  const policy = await resolvePolicy(system.cache.policy, run.folder);
  const dramPolicy = memory.dramBytes === null ? null : await resolvePolicy(system.dram.policy, run.folder);
  const needs = (resolved: ResolvedPolicy | null): readonly string[] =>
    resolved === null ? [] : (resolved.definition.needsWith?.(resolved.parameters) ?? resolved.definition.needs);
  if (needs(dramPolicy).includes('future')) {
    throw new UserError(`dram.policy: what DRAM is asked for depends on the GPU's cache, so its future cannot be known; use lru`);
  }
  const wanted = [...needs(policy), ...needs(dramPolicy)];
  const popularity = wanted.includes('popularity') ? await popularityFor(model, trace, system.cache.popularity, run) : null;
  if (inputs.candidates !== null && wanted.includes('future')) {
    throw new UserError(
      `cache.policy ${system.cache.policy}: knows the future, and with rerank what is chosen depends on what is resident; take lru`,
    );
  }
  const future = wanted.includes('future') ? futureOf(dryRun(), model, sequential) : null;
  // Before the first event a policy may already be asked, by prefetches: what is next is each expert's first use.
  const nextUse = future === null ? null : Int32Array.from(future.future.first);
  const predicts = splitSpec(system.predictor.kind).name !== 'none';
  const ranksByPrediction = wanted.includes('predicted') || (policy.definition.takes ?? []).includes('predicted');
  const outlook = predicts && ranksByPrediction ? new Outlook(model) : null;
  const gates = wanted.includes('weights') ? new Float32Array(model.experts) : null;
  if (gates !== null && !trace.has.weights) {
    throw new UserError(`cache.policy ${system.cache.policy}: needs gate weights, which ${trace.path} does not carry`);
  }

  const tier = (resolved: ResolvedPolicy, capacityBytes: number, scope: Scope, quotas: readonly number[] | null, link: LinkSpec) => {
    const rank = new Int32Array(model.experts).fill(UNPINNED);
    const { definition, parameters } = resolved;
    const shared = {
      clock,
      seed: run.seed,
      rank,
      nextUse,
      popularity,
      predicted: outlook?.predicted ?? null,
      predictedVersion: outlook?.version ?? null,
      gates,
    };
    const caches = buildCaches({ model, policy: definition, parameters, capacityBytes, scope, quotas, ...shared });
    for (const cache of caches.caches) cache.preload();
    return new CachedTier(caches, rank, link);
  };
  // Where everything is resident no link is ever used; a machine of one tier has none.
  const fastLink = hardware.links[0] ?? { name: 'h2d', bandwidth: Number.POSITIVE_INFINITY, latencyNs: 0, lanes: 1, chunkBytes: null };
  if (hardware.links.length === 0 && memory.cacheBytes < expertBytesTotal(model)) {
    throw new UserError(`${hardware.name}: has one tier of memory, so every expert must fit into it; take a machine with dram or ssd`);
  }
  const gpu = tier(policy, memory.cacheBytes, system.cache.scope, memory.quotas, fastLink);
  const dram = dramPolicy === null ? null : tier(dramPolicy, memory.dramBytes!, 'global', null, hardware.links[1]!);

  const cost = new CostModel(model, hardware);
  const recorder = new Recorder(model.layers.length);
  const bounds = new BoundClocks(model, hardware, cost, dram === null);
  const log = run.bounds ? new DemandLog(model, sequential) : null;
  const predictor = await predictorFor(inputs, run, running);
  const { horizon, correction } = system.predictor;
  const widest = model.layers.reduce((most, layer) => Math.max(most, layer.topK), 0);
  const limits = {
    horizon: typeof horizon === 'number' ? horizon : model.layers.length,
    correction,
    minProbability: system.prefetch.minProbability,
    perLayer: system.prefetch.perLayer ?? widest * run.workload.batch,
    whenFull: system.prefetch.whenFull,
  };
  const adaptive = horizon === 'auto' ? new AdaptiveHorizon(model.layers.length, 1e9 / fastLink.bandwidth) : null;
  const rerank = inputs.candidates === null ? null : new Rerank(model, system.rerank!);
  const engine = new Engine({
    model,
    cost,
    gpu,
    dram,
    writeBack: system.cache.exclusive ? new Link(fastLink, new Float64Array(model.experts)) : null,
    onMiss: system.onMiss,
    replay: run.replay,
    prefetch: predictor === null ? null : { predictor, limits, scores, outlook, adaptive },
    precision: precisionFor(inputs),
    rerank,
    gates,
    clock,
    future: future === null ? null : { future: future.future, nextUse: nextUse! },
    log,
    recorder,
    bounds,
  });
  const close = (): void => {
    future?.close();
    log?.close();
    predictor?.close?.();
  };
  return { engine, gpu, dram, recorder, bounds, log, policy, predictor, adaptive, rerank, close };
}

/** Records the demand of the run without running it, and looks back over it from the end. */
function futureOf(passes: Passes, model: ModelSpec, sequential: boolean): { future: Future; close: () => void } {
  const log = new DemandLog(model, sequential);
  const demand = new EventDemand(model);
  const single = new Int32Array(1);
  for (let start = passes.next(0); start >= 0; start = passes.next(0)) {
    const { pass } = passes;
    for (let layer = 0; layer < pass.layers; layer++) {
      if (sequential) {
        const count = demand.list(pass, layer);
        for (let at = 0; at < count; at++) {
          single[0] = demand.listed[at]!;
          log.append(layer, single, 1);
        }
      } else {
        const size = demand.gather(pass, layer);
        if (size > 0) log.append(layer, demand.ids, size);
      }
    }
    passes.done(0);
  }
  const future = new Future(log);
  return {
    future,
    close: () => {
      future.close();
      log.close();
    },
  };
}

/** Activations by dense id, from the first tokens of the trace itself or from a file. */
async function popularityFor(model: ModelSpec, trace: RoutingTrace, from: number | string, run: RunSpec): Promise<Float64Array> {
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

async function predictorFor({ model, system, trace }: Inputs, run: RunSpec, running: number): Promise<Predictor | null> {
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

/** Two sizes of an expert, where the system has them. */
function precisionFor({ model, system, trace }: Inputs): MissPrecision | null {
  const { precision } = system;
  if (precision === undefined) return null;
  if (system.onMiss !== 'load')
    throw new UserError(`precision: degrades misses that are loaded; it cannot be combined with onMiss: ${system.onMiss}`);
  if (precision.by === 'weights' && !trace.has.weights) {
    throw new UserError(`precision.by: needs gate weights, which ${trace.path} does not carry; use rank`);
  }
  return new MissPrecision(model, precision);
}
