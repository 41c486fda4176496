import { UserError } from '../base/errors.js';
import { CostModel, usesCpu } from '../hardware/door.js';
import { expertBytesTotal } from '../model/door.js';
import type { Predictor } from '../predict/predictor.js';
import { anyMiss, computesMisses, deferring, gateWays, isWord, misfit, type RunSpec, rulesOn } from '../system/door.js';
import { type CommonParts, composeGpu } from './compose/compose.js';
import { computesOnCpu, knownOf } from './compose/knowledge.js';
import { runNotes } from './compose/notes.js';
import type { RunPlan } from './compose/plan.js';
import { type Policies, policiesFor } from './compose/policies.js';
import { pathForecastOf, predictorFor, timeOf, withEarlierText } from './compose/predictor.js';
import type { RunFold, SimulatedGpu, Simulation } from './compose/simulation.js';
import { Engine } from './event/engine.js';
import { BoundClocks } from './foresight/clocks.js';
import { type Futures, recordFutures, walkOfOne, walkOfSeveral } from './future.js';
import { PredictedUse } from './lookahead/predicted-use.js';
import { dispatchOf, severalGpus } from './parallel/build.js';
import { sharedPredictions } from './parallel/predictions.js';
import { buildPasses } from './passes.js';
import { faultsOf } from './transfer/faults.js';
import { Buddies } from './vocabulary/buddies.js';
import { ClassPrecision } from './vocabulary/class-precision.js';
import { Deferral } from './vocabulary/deferral.js';
import { Recorder } from './vocabulary/recorder.js';
import { Rerank } from './vocabulary/rerank.js';
import { TokenUnimportance } from './vocabulary/unimportance.js';

/**
 * Composes a run. @param curves true: capacity curves are counted @throws UserError if a part is unknown, or trace or
 * machine lack a requirement
 */
export async function buildSimulation(plan: RunPlan, curves = false): Promise<Simulation> {
  const { inputs, layout, run, serving } = plan;
  refuse(plan);
  const policies = await policiesFor(plan);
  const recorded = policies.future ? await futuresOf(plan) : null;
  const predictor = await predictorFor(inputs, run, serving.running);
  const paths = await pathForecastOf(plan);
  const recorder = new Recorder(inputs.model.layers.length);
  const common = {
    plan,
    policies,
    recorder,
    ...judgesOf(plan),
    predictions: predictionsOf(plan, predictor, policies),
    time: timeOf(plan),
    curves,
  };
  const gpus = await withEarlierText(inputs, run, async (earlier) =>
    layout.gpus.map((gpu, g) => composeGpu(common, gpu, recorded?.futures[g] ?? null, earlier)),
  );
  refuseNeverFilled(plan, policies, gpus);
  const rerank = inputs.candidates === null ? null : new Rerank(inputs.model, inputs.system.rerank!);
  const faults = faultsOf(
    run,
    gpus.map(({ dram, gpu, writeBack }) => (layout.hardware.links.length === 0 ? [] : [gpu.link, dram?.link, writeBack])),
    gpus.map(({ cost }) => cost),
  );
  const strikes = { faults, rerank };
  const fold = layout.several === null ? oneGpu(common, gpus[0]!, strikes) : severalGpus(common, layout.several, gpus, strikes);
  return {
    ...fold,
    ...strikes,
    gpus,
    recorder,
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

function oneGpu({ judges, plan }: CommonParts, gpu: SimulatedGpu, strikes: Pick<Simulation, 'faults' | 'rerank'>): RunFold {
  const bounds = new BoundClocks(
    gpu.model,
    plan.layout.hardware,
    gpu.cost,
    gpu.dram === null,
    knownOf(plan, [gpu]),
    computesOnCpu(plan, gpu),
  );
  const engine = new Engine({ gpu, replay: plan.run.replay, bounds, judges, ...strikes });
  return { engine, bounds, residency: gpu.gpu, parallel: null };
}

/** @throws UserError if the machine lacks a part needed by the system or the number of GPUs */
function refuse({ inputs: { model, system }, layout, run }: RunPlan): void {
  const { hardware, several, split, total } = layout;
  if (system.cache.warm !== undefined && several !== null)
    throw misfit(run, 'system.cache.warm', 'is of a machine whose experts live on one GPU; leave it out');
  const rules = rulesOn(hardware, system.onMiss.rules);
  if (rules[0]!.do === 'balance' && system.prefetch.staging !== undefined)
    throw misfit(run, 'system.prefetch.staging', 'is of misses that are served one by one, and balance shares them; leave it out');
  const onCpu = rules.find(computesMisses);
  if (onCpu !== undefined && hardware.cpu === null) {
    const beside = several === null ? 'GPU' : 'GPUs';
    throw misfit(run, 'system.onMiss', `${onCpu.do} needs a CPU beside the ${beside}, and ${hardware.name} has none; use load`);
  }
  if (deferring({ rules })) refuseDeferral(run, layout);
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

/** @throws UserError if deferral saves no waiting, or parallel dense work is unknown */
function refuseDeferral(run: RunSpec, { dense, several, split, total }: RunPlan['layout']): void {
  const what =
    several !== null
      ? 'is of a machine with one GPU'
      : total.dramBytes !== null
        ? 'is of experts that DRAM holds, and here it is a cache of the SSD'
        : usesCpu(dense) || split !== null
          ? 'needs a CPU that does nothing beside experts, and here it has layers, KV caches or parts of experts of its own'
          : run.replay === 'sequential'
            ? 'needs the choices of a layer at once, which replay: sequential does not have'
            : null;
  if (what !== null) throw misfit(run, 'system.onMiss', `defer ${what}; leave it out`);
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

/** Parts for miss rules. @throws UserError if the trace lacks needed gate weights */
function judgesOf(plan: RunPlan): Pick<CommonParts, 'buddies' | 'classes' | 'deferral' | 'judges' | 'unimportance'> {
  const { inputs, layout, run } = plan;
  const { model, system, trace } = inputs;
  const ways = gateWays(system.onMiss);
  if (ways.has('weights') && !trace.has.weights)
    throw misfit(run, 'system.onMiss', `gate by weights needs gate weights, which ${trace.path} does not carry; take by: rank`);
  const unimportance = ways.size === 0 ? null : new TokenUnimportance(model, ways);
  const buddies = anyMiss(system.onMiss, 'substitute') ? new Buddies(model) : null;
  const rules = rulesOn(layout.hardware, system.onMiss.rules);
  const deferral = deferring({ rules }) ? new Deferral(model, new CostModel(model, layout.hardware).cpuQueues) : null;
  const classes = classesOf(plan);
  const judges = [unimportance, classes, buddies, deferral].filter((judge) => judge !== null);
  return { unimportance, classes, buddies, deferral, judges };
}

/** Counters by request class; null: no copies and substitutes, or no classes. */
function classesOf({ inputs: { model, system }, layout, run, serving }: RunPlan): ClassPrecision | null {
  if (serving.requestClass === null || !anyMiss(system.onMiss, 'low-precision', 'substitute')) return null;
  if (layout.several !== null || run.replay === 'sequential') return null;
  return new ClassPrecision(model, serving.requestClass, new Map([...serving.budgets].map(([name, { copy }]) => [name, copy])));
}
