import { computesMisses, type MissRule } from '../../system/door.js';
import type { FoldPart } from '../event/parts.js';
import type { EachMiss, PlacingHooks } from '../event/place-each.js';
import { MissService } from '../event/service.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** Opens CPU queues after the hand-over. */
const QUEUES: PlacingHooks = {
  opened({ event, gpu: { cost } }, layer) {
    event.cpuNs.fill(cost.onCpu[layer] === 1 ? event.startNs : event.startNs + cost.handoverNs);
    event.cpuReadNs.fill(0);
  },
};

/** Appends member `i` to a CPU queue. @param ends of the queues' work, ns @returns end of the computation, ns */
export function queueOnCpu(placing: EachMiss, layer: number, i: number, ends: Float64Array): number {
  const { event, gpu } = placing;
  const { cost, dram } = gpu;
  const id = event.demand.ids[i]!;
  const fromNs = placing.hostNs(layer, i);
  const queue = id % cost.cpuQueues;
  const cpuStartNs = Math.max(ends[queue]!, fromNs);
  if (dram !== null) event.cpuReadNs[queue]! += cpuStartNs - ends[queue]!;
  const cpuEndNs = cpuStartNs + cost.cpuExpertNs(layer, event.demand.counts[i]!);
  ends[queue] = cpuEndNs;
  event.observer?.computedOnCpu(id, layer, cpuStartNs, cpuEndNs);
  event.onCpu[event.cpuExperts++] = i;
  return cpuEndNs;
}

/**
 * L13 `cheaper`: true if the CPU finishes member `i` before GPU load and execution, counting hand-over and queued CPU
 * work (not with `byRate`).
 */
export function cpuIsSooner(placing: EachMiss, layer: number, i: number, byRate: boolean): boolean {
  const { cpuNs: queues, demand, startNs } = placing.event;
  const { cost, dram, gpu, sizes } = placing.gpu;
  const id = demand.ids[i]!;
  const count = demand.counts[i]!;
  const bytes = placing.bytesOf(i);
  let fromNs = startNs;
  if (dram !== null) fromNs = dram.holds(id, layer) ? Math.max(startNs, dram.arrivalNs[id]!) : dram.link.peek(sizes[id]!, startNs);
  const opened = queues[id % cost.cpuQueues]! - (byRate ? cost.handoverNs : 0);
  const cpuNs = Math.max(opened, fromNs) + cost.cpuExpertNs(layer, count);
  const onGpuNs = Math.max(byRate ? 0 : placing.gpuNs, gpu.link.peek(bytes, fromNs));
  return cpuNs <= onGpuNs + cost.expertNs(layer, count);
}

/** L13 `cpu`: the CPU computes the member. */
class OnCpu extends MissService {
  serve(layer: number, i: number): boolean {
    const { placing } = this;
    queueOnCpu(placing, layer, i, placing.event.cpuNs);
    placing.passBy(i, layer);
    return true;
  }
}

/** L13 `cheaper`: the CPU computes the member, or the GPU loads it, whichever ends sooner. */
class Cheaper extends OnCpu {
  readonly #always: boolean;
  readonly #byRate: boolean;

  constructor(placing: EachMiss, { admit, byRate }: MissRule) {
    super(placing);
    this.#always = admit === 'always';
    this.#byRate = byRate === true;
  }

  override serve(layer: number, i: number): boolean {
    const { placing } = this;
    if (cpuIsSooner(placing, layer, i, this.#byRate)) return super.serve(layer, i);
    placing.bring(layer, i, true, this.#always);
    // Placed at once: the next judgement sees the link's current state.
    placing.flush(layer);
    return false;
  }
}

const ON_GPU: FoldPart = {
  placing: QUEUES,
  service(placing, rule) {
    if (rule.do === 'cpu') return new OnCpu(placing);
    return rule.do === 'cheaper' ? new Cheaper(placing, rule) : null;
  },
};

/** The CPU's services in a run. */
export const onCpu = (): RunPart => ({ on: () => ON_GPU });

/** Misses computed by the CPU, or by the sooner side. */
export const ON_CPU: Mechanism = {
  name: 'on-cpu',
  law: 'L13',
  inRun: ({ rules }) => (rules.some((rule) => computesMisses(rule) && rule.do !== 'balance') ? onCpu() : null),
};
