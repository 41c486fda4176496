import { UserError } from '../base/errors.js';
import { expertBytesTotal } from '../model/door.js';
import type { Predictor } from '../predict/predictor.js';
import { computesMisses, isWord, misfit, rulesOn } from '../system/door.js';
import { type CommonParts, composeGpu } from './compose/compose.js';
import { computesOnCpu, knownOf } from './compose/knowledge.js';
import { runNotes } from './compose/notes.js';
import { pathForecastOf, predictorFor, timeOf, withEarlierText } from './compose/predictor.js';
import type { ReadMechanisms, RunFold, SimulatedGpu, Simulation } from './compose/simulation.js';
import { Engine, OneGpu } from './event/engine.js';
import { BoundClocks } from './foresight/clocks.js';
import { type Futures, recordFutures, walkOfOne, walkOfSeveral } from './future.js';
import { PredictedUse } from './lookahead/predicted-use.js';
import { LowPrecisionCopies } from './mechanisms/copies.js';
import { Faults } from './mechanisms/faults.js';
import { MECHANISMS } from './mechanisms/index.js';
import { ClassPrecision } from './mechanisms/request-classes.js';
import { Rerank } from './mechanisms/rerank.js';
import { dispatchOf, Several } from './parallel/build.js';
import { sharedPredictions } from './parallel/predictions.js';
import { buildPasses } from './passes.js';
import { type Policies, policiesFor } from './plan/policies.js';
import type { RunPlan } from './plan/run-plan.js';
import { EventDemand, gatherGates } from './vocabulary/event.js';
import type { RunHooks } from './vocabulary/hooks.js';
import { Recorder } from './vocabulary/recorder.js';

/** @param curves true: counted @throws UserError if a part is unknown, or trace or machine lack a requirement */
export async function buildSimulation(plan: RunPlan, curves = false): Promise<Simulation> {
  const { inputs, layout, run, serving } = plan;
  const { model, system } = inputs;
  refuse(plan);
  const policies = await policiesFor(plan);
  const recorded = policies.future ? await futuresOf(plan) : null;
  const predictor = await predictorFor(inputs, run, serving.running);
  const paths = await pathForecastOf(plan);
  const rules = rulesOn(layout.hardware, system.onMiss.rules);
  const mechanisms = MECHANISMS.flatMap((mechanism) => mechanism.inRun({ plan, policies, rules }) ?? []);
  const common: CommonParts = {
    plan,
    policies,
    recorder: new Recorder(model.layers.length),
    rules,
    mechanisms,
    gates: policies.gates ? new Float32Array(model.experts) : null,
    predictions: predictionsOf(plan, predictor, policies),
    time: timeOf(plan),
    curves,
  };
  const several = layout.several === null ? null : new Several(plan, layout.several);
  const whole = new EventDemand(model);
  const demands = several?.demands ?? [whole];
  const gpus = await withEarlierText(inputs, run, async (earlier) =>
    layout.gpus.map((gpu, g) => composeGpu(common, gpu, demands[g]!, recorded?.futures[g] ?? null, earlier)),
  );
  refuseNeverFilled(plan, policies, gpus);
  const hooks = runHooks(common, gpus);
  const fold = several === null ? oneGpu(common, gpus[0]!, whole, hooks) : several.fold(common, gpus, hooks);
  return {
    ...fold,
    ...readBack(common, hooks),
    gpus,
    recorder: common.recorder,
    policy: policies.gpu,
    predictor,
    paths,
    notes: runNotes(gpus),
    close: () => {
      recorded?.close();
      paths?.close();
      predictor?.close?.();
    },
  };
}

/** Gate weights first, then the mechanisms' hooks. */
function runHooks({ gates, mechanisms, plan }: CommonParts, gpus: readonly SimulatedGpu[]): RunHooks[] {
  const { layers } = plan.inputs.model;
  const weights: RunHooks[] = gates === null ? [] : [{ judge: (pass, layer) => gatherGates(pass, layer, layers[layer]!, gates) }];
  return [...weights, ...mechanisms.flatMap((part) => part.composed?.(gpus) ?? part.hooks ?? [])];
}

function readBack({ mechanisms }: CommonParts, hooks: readonly RunHooks[]): ReadMechanisms {
  return {
    faults: hooks.find((hook) => hook instanceof Faults) ?? null,
    rerank: hooks.find((hook) => hook instanceof Rerank) ?? null,
    classes: hooks.find((hook) => hook instanceof ClassPrecision) ?? null,
    copies: mechanisms.find((part) => part instanceof LowPrecisionCopies)?.pools ?? [],
  };
}

function oneGpu({ plan, recorder }: CommonParts, gpu: SimulatedGpu, demand: EventDemand, hooks: readonly RunHooks[]): RunFold {
  const { cost, fold, model } = gpu;
  const known = knownOf(plan, [gpu]);
  const computes = computesOnCpu(plan, gpu);
  const bounds = new BoundClocks(demand, model, plan.layout.hardware, cost, gpu.dram === null, known, computes);
  const engine = new Engine({
    layers: model.layers.length,
    cost,
    folds: [fold],
    exchange: new OneGpu(fold, demand),
    bounds,
    hooks,
    recorder,
    activations: plan.run.replay === 'sequential' ? demand : null,
  });
  return { engine, bounds, residency: gpu.gpu, parallel: null };
}

/** @throws UserError if the machine lacks a part needed by the system or the number of GPUs */
function refuse({ inputs: { model, system }, layout, run }: RunPlan): void {
  const { hardware, several, split, total } = layout;
  if (system.cache.warm !== undefined && several !== null)
    throw misfit(run, 'system.cache.warm', 'is of a machine whose experts live on one GPU; leave it out');
  const rules = rulesOn(hardware, system.onMiss.rules);
  const onCpu = rules.find(computesMisses);
  if (onCpu !== undefined && hardware.cpu === null) {
    const beside = several === null ? 'GPU' : 'GPUs';
    throw misfit(run, 'system.onMiss', `${onCpu.do} needs a CPU beside the ${beside}, and ${hardware.name} has none; use load`);
  }
  if (split !== null && !isWord({ rules }, 'cpu'))
    throw misfit(run, 'memory.splitLayer', `the CPU of ${hardware.name} computes no experts; leave it out`);
  if (split !== null && total.dramBytes !== null)
    throw misfit(run, 'memory.splitLayer', 'is of experts that DRAM holds, and here it is a cache of the SSD; leave it out');
  if (hardware.links.length > 0) return;
  if (several !== null)
    throw new UserError(`${hardware.name}: several GPUs need a dram tier that experts are kept in; add it, and the link to it`);
  const what = `${hardware.name} has one tier of memory, which every expert stays in`;
  if (total.kvGrowth !== 'static') throw misfit(run, 'memory.kvGrowth', `${what}; leave it out, or take a machine with dram or ssd`);
  if (run.faults?.some(({ gpuMemory }) => gpuMemory !== undefined))
    throw misfit(run, 'faults', `${what}; leave out what takes memory, or take a machine with dram or ssd`);
  if (total.cacheBytes < expertBytesTotal(model))
    throw new UserError(`${hardware.name}: has one tier of memory, so every expert must fit into it; take a machine with dram or ssd`);
}

/** @throws UserError for a cache empty for ever: empty start, no prefetches, no admitted misses */
function refuseNeverFilled({ inputs: { system }, run }: RunPlan, { gpu: policy }: Policies, gpus: readonly SimulatedGpu[]): void {
  const { definition, parameters } = policy;
  const still = definition.name === 'static';
  const [{ onMiss }] = gpus as [SimulatedGpu];
  const remedy = "say system.onMiss='{ do: cpu, admit: background }', or take a static policy, which places experts before the run";
  if (still && parameters.preload !== false) {
    if (!onMiss.some(({ admit }) => admit === 'background')) return;
    throw misfit(
      run,
      'system.onMiss',
      'promotes nothing in the background, since a static placement never changes; take lfu-decay, or leave admit out',
    );
  }
  if (system.predictor.kind.name !== 'none' || onMiss.some(({ admit }) => admit !== 'never')) return;
  const room = gpus.some(({ gpu }) => gpu.caches.some(({ capacityBytes, sizes }) => sizes.some((bytes) => bytes <= capacityBytes)));
  if (!room || gpus.some(({ gpu }) => gpu.preloaded)) return;
  throw misfit(
    run,
    'system.onMiss',
    `no expert ever enters the cache: ${definition.name} begins with an empty one, and no miss is admitted; ${remedy}`,
  );
}

async function futuresOf(plan: RunPlan): Promise<Futures> {
  const { inputs, layout, run, serving } = plan;
  const { model } = inputs;
  const forecast = await pathForecastOf(plan);
  const passes = buildPasses(plan, serving.workload(), null, forecast);
  const walk = layout.several === null ? walkOfOne(model, run.replay) : walkOfSeveral(dispatchOf(model, layout.several));
  const models = layout.gpus.map(({ shard }) => shard?.model ?? model);
  try {
    return recordFutures(passes, models, run.replay, walk);
  } finally {
    forecast?.close();
  }
}

function predictionsOf({ inputs, layout }: RunPlan, predictor: Predictor | null, policies: Policies): CommonParts['predictions'] {
  if (predictor === null) return null;
  if (layout.several !== null) return sharedPredictions(predictor, inputs.model, policies.predictions);
  return () => ({ predictor, predictedUse: policies.predictions ? new PredictedUse(inputs.model) : null });
}
