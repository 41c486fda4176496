import { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { CommonParts } from '../compose/compose.js';
import { computesOnCpu, knownOf } from '../compose/knowledge.js';
import type { RunFold, SimulatedGpu, Simulation } from '../compose/simulation.js';
import type { Layout } from '../memory/layout.js';
import { NOT_HERE } from '../memory/shard.js';
import { ParallelCounters } from '../vocabulary/recorder.js';
import { ParallelBounds } from './bounds.js';
import { Dispatch } from './dispatch.js';
import { ParallelEngine } from './engine.js';
import { Gathered } from './gathered.js';
import { Pipeline } from './pipeline.js';

type Several = NonNullable<Layout['several']>;

/** Distribution of work over GPUs. */
export function dispatchOf(model: ModelSpec, { homes, shards }: Several, gathered: Gathered | null = null): Dispatch {
  const offsets = Int32Array.from(model.layers, (layer) => layer.offset);
  return new Dispatch(shards, homes, offsets, gathered);
}

/** Fold over events of several GPUs. */
export function severalGpus(
  { judges, plan, policies, recorder }: CommonParts,
  several: Several,
  gpus: readonly SimulatedGpu[],
  strikes: Pick<Simulation, 'faults' | 'rerank'>,
): RunFold {
  const { model, system } = plan.inputs;
  const { hardware } = plan.layout;
  const { interconnect, shards } = several;
  const cost = new CostModel(model, hardware);
  cost.attending = plan.serving.attending;
  const gathered = system.parallelism === 'adaptive' ? new Gathered(model, cost, interconnect, shards) : null;
  const dispatch = dispatchOf(model, several, gathered);
  const pipeline = () => new Pipeline(cost, interconnect, model.hidden, system.overlap ?? 1, dispatch);
  const [hostLink, ssdLink] = hardware.links;
  const links = policies.dram === null ? [hostLink!] : [ssdLink!, hostLink!];
  const bounds = new ParallelBounds(shards, dispatch, links, pipeline(), cost, knownOf(plan, gpus), computesOnCpu(plan, gpus[0]!));
  const parallel = new ParallelCounters(gpus.length);
  const engine = new ParallelEngine({
    model,
    cost,
    gpus,
    shards,
    dispatch,
    pipeline: pipeline(),
    judges,
    gates: policies.gates ? new Float32Array(model.experts) : null,
    recorder,
    counters: parallel,
    bounds,
    ...strikes,
  });
  const residency = {
    holds: (id: number, layer: number) =>
      gpus.some(({ gpu }, g) => shards[g]!.own[id] !== NOT_HERE && gpu.holds(shards[g]!.own[id]!, layer)),
  };
  return { engine, bounds, residency, parallel };
}
