import { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { CommonParts } from '../compose/compose.js';
import { computesOnCpu, knownOf } from '../compose/knowledge.js';
import type { RunFold, SimulatedGpu } from '../compose/simulation.js';
import { Engine } from '../event/engine.js';
import type { Layout } from '../memory/layout.js';
import { NOT_HERE } from '../memory/shard.js';
import type { RunPlan } from '../plan/run-plan.js';
import type { RunHooks } from '../vocabulary/hooks.js';
import { ParallelCounters } from '../vocabulary/recorder.js';
import { ParallelBounds } from './bounds.js';
import { Dispatch } from './dispatch.js';
import { AllToAll } from './exchange.js';
import { Gathered } from './gathered.js';
import { ParallelGpu } from './gpu.js';
import { Pipeline } from './pipeline.js';

type Homes = NonNullable<Layout['several']>;

/** Distribution of work over GPUs. */
export function dispatchOf(model: ModelSpec, { homes, shards }: Homes, gathered: Gathered | null = null): Dispatch {
  const offsets = Int32Array.from(model.layers, (layer) => layer.offset);
  return new Dispatch(shards, homes, offsets, gathered);
}

/** Several GPUs of a run. */
export class Several {
  readonly #plan: RunPlan;
  readonly #homes: Homes;
  readonly #cost: CostModel;
  readonly #dispatch: Dispatch;

  constructor(plan: RunPlan, homes: Homes) {
    const { model, system } = plan.inputs;
    const { interconnect, shards } = homes;
    const cost = new CostModel(model, plan.layout.hardware);
    cost.attending = plan.serving.attending;
    const gathered = system.parallelism === 'adaptive' ? new Gathered(model, cost, interconnect, shards) : null;
    this.#plan = plan;
    this.#homes = homes;
    this.#cost = cost;
    this.#dispatch = dispatchOf(model, homes, gathered);
  }

  /** By GPU: demand of the running event. */
  get demands(): Dispatch['demands'] {
    return this.#dispatch.demands;
  }

  /** Fold over events. */
  fold({ policies, recorder }: CommonParts, gpus: readonly SimulatedGpu[], hooks: readonly RunHooks[]): RunFold {
    const plan = this.#plan;
    const { model, system } = plan.inputs;
    const { interconnect, shards } = this.#homes;
    const cost = this.#cost;
    const dispatch = this.#dispatch;
    const pipeline = () => new Pipeline(cost, interconnect, model.hidden, system.overlap ?? 1, dispatch);
    const [hostLink, ssdLink] = plan.layout.hardware.links;
    const links = policies.dram === null ? [hostLink!] : [ssdLink!, hostLink!];
    const known = knownOf(plan, gpus);
    const bounds = new ParallelBounds(shards, dispatch, links, pipeline(), cost, known, computesOnCpu(plan, gpus[0]!));
    const parallel = new ParallelCounters(gpus.length);
    const folds = gpus.map(({ fold }) => fold);
    const each = folds.map((fold, g) => new ParallelGpu(fold, shards[g]!));
    const exchange = new AllToAll({ model, gpus: each, dispatch, pipeline: pipeline(), recorder, counters: parallel });
    const layers = model.layers.length;
    const engine = new Engine({ layers, cost, folds, exchange, bounds, hooks, recorder, activations: null });
    const residency = {
      holds: (id: number, layer: number) =>
        gpus.some(({ gpu }, g) => shards[g]!.own[id] !== NOT_HERE && gpu.holds(shards[g]!.own[id]!, layer)),
    };
    return { engine, bounds, residency, parallel };
  }
}
