// Composes a run on several GPUs: a cache, a host link and a plan of prefetches for each, one predictor for all, and what joins them.
import { UserError } from '../../base/errors.js';
import { BeladyBound } from '../../cache/belady-bound.js';
import { DemandLog } from '../../cache/demand.js';
import { Future } from '../../cache/future.js';
import type { Clock } from '../../cache/policy.js';
import { layerOfExperts } from '../../cache/scope.js';
import { CostModel } from '../../hardware/cost.js';
import { expertBytesTotal, expertSizes } from '../../model/spec.js';
import type { Passes } from '../../schedule/passes.js';
import type { RunSpec } from '../../system/run.js';
import type { MissPrecision, Precision } from '../event/precision.js';
import { Recorder } from '../event/recorder.js';
import { Rerank } from '../event/rerank.js';
import { faultsOf } from '../faults.js';
import type { Inputs } from '../inputs.js';
import { buildTier, policiesFor, precisionFor, predictorFor, prefetchLimits } from '../parts.js';
import { AdaptiveHorizon } from '../prefetch/horizon.js';
import type { SimulatedGpu, Simulation } from '../simulation.js';
import { Link } from '../transfer/link.js';
import { ParallelBounds } from './bounds.js';
import { ParallelCounters } from './counters.js';
import { Dispatch } from './dispatch.js';
import { ParallelEngine } from './engine.js';
import type { GpuParts } from './gpu.js';
import { Pipeline } from './pipeline.js';
import type { ParallelPlan } from './plan.js';
import { ShardOutlook, ShardPredictor, SharedPredictions } from './predictions.js';
import { ELSEWHERE, gatherShard, type Shard } from './shard.js';

/**
 * Composes the engine.
 * @param running requests that run at once
 * @param dryRun gives the passes of this very run once more, for policies that know the future
 * @param logged true: the demand is recorded, for capacity curves
 * @throws UserError where a part is unknown, or needs what the trace or the machine does not have
 */
export async function buildParallel(
  inputs: Inputs,
  run: RunSpec,
  plan: ParallelPlan,
  running: number,
  dryRun: () => Passes,
  logged: boolean,
): Promise<Simulation> {
  const { model, system } = inputs;
  const { hardware, homes, interconnect, memory, shards } = plan;
  const [hostLink, ssdLink] = hardware.links;
  if (hostLink === undefined) {
    throw new UserError(`${hardware.name}: several GPUs need a dram tier that experts are kept in; add it, and the link to it`);
  }
  if ((system.onMiss === 'cpu' || system.onMiss === 'cheaper') && hardware.cpu === null) {
    throw new UserError(`onMiss: ${system.onMiss} needs a CPU beside the GPUs, and ${hardware.name} has none; use load`);
  }
  const policies = await policiesFor(inputs, run, memory[0]!.dramBytes !== null);
  const offsets = Int32Array.from(model.layers, (layer) => layer.offset);
  const dispatch = new Dispatch(shards, homes, offsets);
  const futures = policies.future ? futuresOf(dryRun(), shards, new Dispatch(shards, homes, offsets)) : null;
  const predictor = await predictorFor(inputs, run, running);
  const shared = predictor === null ? null : new SharedPredictions(predictor, model, policies.outlook);
  const precision = precisionFor(inputs);
  const cost = new CostModel(model, hardware);
  const recorder = new Recorder(model.layers.length);
  const limits = prefetchLimits(inputs, run);

  const gpus = shards.map((shard, g): GpuParts & SimulatedGpu => {
    const own = shard.model;
    const clock: Clock = { event: 0, pass: 0, layer: 0 };
    const future = futures?.[g] ?? null;
    const outlook = shared?.outlook == null ? null : new ShardOutlook(shared.outlook, shard);
    const gates = policies.gates ? new Float32Array(own.experts) : null;
    const popularity = policies.popularity === null ? null : gatherShard(policies.popularity, shard);
    const view = { model: own, clock, seed: run.seed, nextUse: future?.nextUse ?? null, popularity, outlook, gates };
    const { cacheBytes, dramBytes, quotas } = memory[g]!;
    const gpu = buildTier(view, policies.gpu, cacheBytes, system.cache.scope, quotas, hostLink);
    const dram = policies.dram === null ? null : buildTier(view, policies.dram, dramBytes!, 'global', null, ssdLink!);
    const adaptive = system.predictor.horizon === 'auto' ? new AdaptiveHorizon(own.layers.length, 1e9 / hostLink.bandwidth) : null;
    const scores = new Float32Array(own.experts);
    return {
      shard,
      model: own,
      cost: new CostModel(own, hardware),
      gpu,
      dram,
      writeBack: system.cache.exclusive ? new Link(hostLink, new Float64Array(own.experts)) : null,
      onMiss: system.onMiss,
      precision: precision === null ? null : precisionOf(precision, shard),
      prefetch: shared === null ? null : { predictor: new ShardPredictor(shared, shard), limits, scores, outlook, adaptive },
      prefetches: shared !== null,
      recorder,
      sizes: expertSizes(own),
      layerOf: layerOfExperts(own),
      seen: new Uint8Array(own.experts),
      clock,
      gates,
      future,
      belady: run.bounds ? new BeladyBound(own, system.cache.scope, cacheBytes, quotas, gpu.preloaded) : null,
      log: run.bounds && logged ? new DemandLog(own) : null,
      memory: memory[g]!,
      expertBytes: expertBytesTotal(own),
      whole: shard.whole,
      adaptive,
    };
  });

  const pipeline = () => new Pipeline(cost, interconnect, model.hidden, system.overlap ?? 1, dispatch.exchanges);
  const counters = new ParallelCounters(gpus.length);
  const links = policies.dram === null ? [hostLink] : [ssdLink!, hostLink];
  const bounds = new ParallelBounds(shards, dispatch, links, pipeline());
  const gates = policies.gates ? new Float32Array(model.experts) : null;
  const rerank = inputs.candidates === null ? null : new Rerank(model, system.rerank!);
  const faults = faultsOf(
    run,
    gpus.map(({ dram, gpu, writeBack }) => [gpu.link, dram?.link, writeBack]),
    gpus.map((gpu) => gpu.cost),
  );
  const engine = new ParallelEngine({
    model,
    cost,
    gpus,
    dispatch,
    pipeline: pipeline(),
    precision,
    gates,
    faults,
    rerank,
    recorder,
    counters,
    bounds,
  });
  const residency = {
    holds: (id: number, layer: number) => gpus.some(({ gpu, shard }) => shard.own[id] !== ELSEWHERE && gpu.holds(shard.own[id]!, layer)),
  };
  const close = (): void => {
    for (const future of futures ?? []) future.close();
    for (const { log } of gpus) log?.close();
    predictor?.close?.();
  };
  return { engine, gpus, residency, recorder, bounds, faults, parallel: counters, policy: policies.gpu, predictor, rerank, close };
}

/** Which misses are degraded, by a shard's own ids. */
function precisionOf(precision: MissPrecision, { whole }: Shard): Precision {
  return { limits: precision.limits, of: (id) => precision.of(whole[id]!) };
}

/** The future of one GPU. */
interface ShardFuture {
  readonly future: Future;
  readonly nextUse: Int32Array;
  close(): void;
}

/** Records what is demanded of each GPU without running it, and looks back over it from the end. */
function futuresOf(passes: Passes, shards: readonly Shard[], dispatch: Dispatch): ShardFuture[] {
  const logs = shards.map(({ model }) => new DemandLog(model));
  for (let start = passes.next(0); start >= 0; start = passes.next(0)) {
    const { pass } = passes;
    for (let layer = 0; layer < pass.layers; layer++) {
      dispatch.gather(pass, layer);
      for (const [g, { ids, size }] of dispatch.demands.entries()) if (size > 0) logs[g]!.append(layer, ids, size);
    }
    passes.done(0);
  }
  return logs.map((log) => {
    const future = new Future(log);
    return {
      future,
      nextUse: Int32Array.from(future.first),
      close: () => {
        future.close();
        log.close();
      },
    };
  });
}
