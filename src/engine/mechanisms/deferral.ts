import { CostModel, usesCpu } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { deferring, misfit, type RunSpec } from '../../system/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import type { EachMiss, PlacingHooks, Service } from '../event/place-each.js';
import { Around } from '../event/service.js';
import type { RunPlan } from '../plan/run-plan.js';
import type { RunHooks } from '../vocabulary/hooks.js';
import type { Recorder } from '../vocabulary/recorder.js';
import type { Mechanism, RunPart } from './mechanism.js';
import { queueOnCpu } from './on-cpu.js';

/** Place of an expert never deferred. */
const NEVER = 0xffff;

/** L13 `defer` on a GPU: results needed a layer later, during the next layer's dense work. */
class Deferral implements RunHooks, PlacingHooks {
  /** By CPU queue: end of deferred work, ns. */
  readonly busyNs: Float64Array;
  /** Arrival of earlier layers' deferred results, ns. */
  awaitedNs = 0;
  #pendingNs = 0;
  #recorder: Recorder | null = null;
  /** Deferred members of the event. */
  readonly #later: number[] = [];
  #count = 0;
  readonly #model: ModelSpec;
  /** By dense id: place among a token's choices, from 1 at the last choice; the largest over tokens. */
  readonly #fromEnd: Uint16Array;

  constructor(model: ModelSpec, cpuQueues: number) {
    this.#model = model;
    this.busyNs = new Float64Array(cpuQueues);
    this.#fromEnd = new Uint16Array(model.experts);
  }

  /** The last layer defers no results. */
  judge({ choices, row, tokens, topK }: Pass, layer: number): void {
    this.awaitedNs = this.#pendingNs;
    const { experts, offset } = this.#model.layers[layer]!;
    const last = layer === this.#model.layers.length - 1;
    this.#fromEnd.fill(last ? NEVER : 0, offset, offset + experts);
    for (let token = 0; token < tokens && !last; token++) {
      const from = token * row + layer * topK;
      for (let i = from + topK - 1, place = 1; i >= from; i--) {
        if (choices[i] === NULL_EXPERT) continue;
        const id = offset + choices[i]!;
        this.#fromEnd[id] = Math.max(this.#fromEnd[id]!, place++);
      }
    }
  }

  /** True if `id` is among the last `most` choices of all its tokens. */
  defers(id: number, most: number): boolean {
    return this.#fromEnd[id]! <= most;
  }

  add(endNs: number): void {
    this.#pendingNs = Math.max(this.#pendingNs, endNs);
  }

  /** Joins a GPU, whose `recorder` counts waits. */
  onGpu({ gpu: { recorder }, event }: Pick<GpuParts, 'event' | 'gpu'>): FoldPart {
    this.#recorder = recorder;
    const judged = (): void => {
      event.awaitedNs = this.awaitedNs;
    };
    return {
      hooks: [{ judged }],
      placing: this,
      around: (service, placing, rule) =>
        rule.do === 'cpu' && rule.defer > 0 ? new Deferred(service, placing, this, rule.defer) : service,
    };
  }

  /** CPU queues are free after deferred work of earlier events. */
  opened({ event }: EachMiss): void {
    for (const [queue, ns] of this.busyNs.entries()) event.cpuNs[queue] = Math.max(event.cpuNs[queue]!, ns);
  }

  later(i: number): void {
    this.#later[this.#count++] = i;
  }

  /** Deferred members follow all others on the CPU. */
  closed(placing: EachMiss, layer: number): void {
    if (this.#count === 0) return;
    const { event, gpu } = placing;
    this.busyNs.set(event.cpuNs);
    for (let k = 0; k < this.#count; k++) {
      const i = this.#later[k]!;
      this.add(queueOnCpu(placing, layer, i, this.busyNs));
      gpu.recorder.deferredActivations += event.demand.counts[i]!;
    }
    event.deferred = this.#count;
    this.#count = 0;
  }

  /** Awaits remaining results as part of the last layer. */
  layersEnded(nowNs: number): number {
    const { layers, phase } = this.#recorder!;
    const waitedNs = Math.max(0, this.#pendingNs - nowNs);
    layers.stallNs[this.#model.layers.length - 1]! += waitedNs;
    phase.stallNs += waitedNs;
    phase.cpuStallNs += waitedNs;
    return nowNs + waitedNs;
  }
}

/** Service of members whose results may come a layer late. */
class Deferred extends Around {
  readonly #deferral: Deferral;
  readonly #most: number;

  constructor(cpu: Service, placing: EachMiss, deferral: Deferral, most: number) {
    super(cpu, placing);
    this.#deferral = deferral;
    this.#most = most;
  }

  serve(layer: number, i: number): boolean {
    const { placing } = this;
    if (!this.#deferral.defers(placing.event.demand.ids[i]!, this.#most)) return this.inner.serve(layer, i);
    placing.passBy(i, layer);
    this.#deferral.later(i);
    return true;
  }
}

/** @throws UserError if deferral saves no waiting, or parallel dense work is unknown */
function refuse(run: RunSpec, { dense, several, split, total }: RunPlan['layout']): void {
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

/** Deferral in a run. */
export function deferral(model: ModelSpec, cpuQueues: number): RunPart {
  const deferred = new Deferral(model, cpuQueues);
  return { hooks: deferred, on: (parts) => deferred.onGpu(parts) };
}

/** Results of the CPU a layer late. */
export const DEFERRAL: Mechanism = {
  name: 'deferral',
  law: 'L13',
  inRun({ plan: { inputs, layout, run }, rules }) {
    if (!deferring({ rules })) return null;
    refuse(run, layout);
    return deferral(inputs.model, new CostModel(inputs.model, layout.hardware).cpuQueues);
  },
};
