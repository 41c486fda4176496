// Composes a run on one GPU from what it names: caches under policies, a predictor, links. Where there are several, `parallel/` does.
import { UserError } from '../base/errors.js';
import { BeladyBound } from '../cache/belady-bound.js';
import { DemandLog } from '../cache/demand.js';
import { Future } from '../cache/future.js';
import type { Clock } from '../cache/policy.js';
import { CostModel } from '../hardware/cost.js';
import { expertBytesTotal, type ModelSpec } from '../model/spec.js';
import type { Passes } from '../schedule/passes.js';
import type { RunSpec } from '../system/run.js';
import { Engine } from './engine.js';
import { EventDemand } from './event/demand.js';
import { Recorder } from './event/recorder.js';
import { Rerank } from './event/rerank.js';
import { faultsOf } from './faults.js';
import type { Inputs } from './inputs.js';
import type { MemoryPlan } from './memory/plan.js';
import { buildParallel } from './parallel/build.js';
import { buildTier, policiesFor, precisionFor, predictorFor, prefetchLimits } from './parts.js';
import { AdaptiveHorizon } from './prefetch/horizon.js';
import { Outlook } from './prefetch/outlook.js';
import type { Simulation } from './simulation.js';
import { Link } from './transfer/link.js';
import { BoundClocks } from './watch/bounds.js';

/**
 * Composes the engine.
 * @param running requests that run at once
 * @param dryRun gives the passes of this very run once more, for policies that know the future
 * @param logged true: the demand is recorded, for capacity curves
 * @throws UserError where a part is unknown, or needs what the trace or the machine does not have
 */
export async function buildSimulation(
  inputs: Inputs,
  run: RunSpec,
  memory: MemoryPlan,
  running: number,
  dryRun: () => Passes,
  logged = false,
): Promise<Simulation> {
  if (memory.parallel !== null) return buildParallel(inputs, run, memory.parallel, running, dryRun, logged);
  const { hardware, model, system } = inputs;
  if ((system.onMiss === 'cpu' || system.onMiss === 'cheaper') && hardware.cpu === null) {
    throw new UserError(`onMiss: ${system.onMiss} needs a CPU beside the GPU, and ${hardware.name} has none; use load`);
  }
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  const sequential = run.replay === 'sequential';
  const policies = await policiesFor(inputs, run, memory.dramBytes !== null);
  const future = policies.future ? futureOf(dryRun(), model, sequential) : null;
  // Before the first event a policy may already be asked, by prefetches: what is next is each expert's first use.
  const nextUse = future === null ? null : Int32Array.from(future.future.first);
  const outlook = policies.outlook ? new Outlook(model) : null;
  const gates = policies.gates ? new Float32Array(model.experts) : null;
  const view = { model, clock, seed: run.seed, nextUse, popularity: policies.popularity, outlook, gates };
  // Where everything is resident no link is ever used; a machine of one tier has none.
  const fastLink = hardware.links[0] ?? { name: 'h2d', bandwidth: Number.POSITIVE_INFINITY, latencyNs: 0, lanes: 1, chunkBytes: null };
  if (hardware.links.length === 0 && memory.cacheBytes < expertBytesTotal(model)) {
    throw new UserError(`${hardware.name}: has one tier of memory, so every expert must fit into it; take a machine with dram or ssd`);
  }
  const { scope } = system.cache;
  const gpu = buildTier(view, policies.gpu, memory.cacheBytes, scope, memory.quotas, fastLink);
  const dram = policies.dram === null ? null : buildTier(view, policies.dram, memory.dramBytes!, 'global', null, hardware.links[1]!);

  const cost = new CostModel(model, hardware);
  const recorder = new Recorder(model.layers.length);
  const bounds = new BoundClocks(model, hardware, cost, dram === null);
  const belady = run.bounds ? new BeladyBound(model, scope, memory.cacheBytes, memory.quotas, gpu.preloaded) : null;
  const log = run.bounds && logged ? new DemandLog(model, sequential) : null;
  const predictor = await predictorFor(inputs, run, running);
  const limits = prefetchLimits(inputs, run);
  const scores = new Float32Array(model.experts);
  const adaptive = system.predictor.horizon === 'auto' ? new AdaptiveHorizon(model.layers.length, 1e9 / fastLink.bandwidth) : null;
  const rerank = inputs.candidates === null ? null : new Rerank(model, system.rerank!);
  const writeBack = system.cache.exclusive ? new Link(fastLink, new Float64Array(model.experts)) : null;
  const faults = faultsOf(run, [hardware.links.length === 0 ? [] : [gpu.link, dram?.link, writeBack]], [cost]);
  const engine = new Engine({
    model,
    cost,
    gpu,
    dram,
    writeBack,
    faults,
    onMiss: system.onMiss,
    replay: run.replay,
    prefetch: predictor === null ? null : { predictor, limits, scores, outlook, adaptive },
    precision: precisionFor(inputs),
    rerank,
    gates,
    clock,
    future: future === null ? null : { future: future.future, nextUse: nextUse! },
    belady,
    log,
    recorder,
    bounds,
  });
  const close = (): void => {
    future?.close();
    log?.close();
    predictor?.close?.();
  };
  const gpus = [{ gpu, dram, belady, log, memory, expertBytes: expertBytesTotal(model), whole: null, adaptive }];
  return { engine, gpus, residency: gpu, recorder, bounds, faults, parallel: null, policy: policies.gpu, predictor, rerank, close };
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
