import { computesMisses } from '../../system/door.js';
import type { PrefetchBudget } from '../lookahead/budget.js';
import { IDLE } from '../transfer/link.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Hooks } from '../vocabulary/hooks.js';

/** Weight of the newest event in a miss's mean cost. Ours. */
const NEWEST = 1 / 64;

/** L8, counted and charged to the budget: in time, late, or evicted unused. */
export class PrefetchOutcomes {
  /** Null: no budget. */
  budget: PrefetchBudget | null = null;
  readonly #gpu: Gpu;
  readonly #besideCpu: boolean;
  /** Mean saving per avoided miss, over events with no other wait, ns; NaN: unknown. */
  #missNs = Number.NaN;
  /** Misses of the running event, 0 if prefetches delay the event; wait for running transfers, ns. */
  #misses = 0;
  #delayNs = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#besideCpu = gpu.onMiss.some(computesMisses);
  }

  /** First demand of a prefetched expert arriving in `waitNs`; 0: already present. */
  used(id: number, waitNs: number): void {
    const { gpu, recorder, sizes } = this.#gpu;
    const transferNs = gpu.link.transferNs(sizes[id]!);
    if (waitNs === 0) recorder.prefetchUseful++;
    else recorder.prefetchLate++;
    recorder.prefetchAvoidedNs += Math.max(0, transferNs - waitNs);
    this.budget?.used(id, this.#costNs(transferNs) - waitNs);
  }

  wasted(id: number): void {
    const { gpu, recorder, sizes } = this.#gpu;
    gpu.unused[id] = 0;
    recorder.prefetchWasted++;
    recorder.prefetchWastedBytes += sizes[id]!;
    this.budget?.wasted(id);
  }

  /** Unused prefetched victims of the GPU's last admissions. */
  evicted(): number {
    const { victimCount, victims, unused } = this.#gpu.gpu;
    for (let k = 0; k < victimCount; k++) if (unused[victims[k]!] === 1) this.wasted(victims[k]!);
    return 0;
  }

  /** Charges of events to the budget. */
  charges(budget: PrefetchBudget): Hooks {
    this.budget = budget;
    return { judged: (event) => this.#missed(event, budget), executed: (event, layer) => this.#executed(event, layer) };
  }

  #missed(event: RunningEvent, budget: PrefetchBudget): void {
    this.#misses = event.waits > 0 ? 0 : event.misses;
    if (event.misses === 0) return;
    const { gpu, onMiss, sizes } = this.#gpu;
    const { link } = gpu;
    const { demand, startNs } = event;
    const { ids } = demand;
    const bytes = sizes[ids[event.missed[0]!]!]!;
    const transferNs = link.transferNs(bytes);
    const waitNs = onMiss.every((rule) => rule.do === 'cpu') ? 0 : link.peek(bytes, startNs) - startNs - transferNs;
    this.#delayNs = Math.max(0, waitNs);
    const running = link.prefetching.reduce((sum, id) => (id === IDLE ? sum : sum + 1), 0);
    if (waitNs > 0) for (const id of link.prefetching) if (id !== IDLE) budget.delayed(id, waitNs / running);
    for (let k = 0; k < event.misses; k++) {
      const i = event.missed[k]!;
      budget.missed(ids[i]!, this.#costNs(transferNs), gpu.unused);
    }
  }

  #executed({ stallNs }: RunningEvent, layer: number): void {
    if (this.#misses === 0) return;
    const { cost } = this.#gpu;
    const waitedNs = Math.max(0, stallNs - this.#delayNs);
    let ns = waitedNs / this.#misses;
    // CPU and GPU work in parallel: an avoided miss ends the CPU's work sooner, the GPU's later.
    if (this.#besideCpu) ns = Math.min(waitedNs - cost.expertNs(layer, 1), cost.cpuExpertNs(layer, 1));
    this.#missNs = Number.isNaN(this.#missNs) ? ns : this.#missNs + NEWEST * (ns - this.#missNs);
  }

  /** Cost of a miss, ns: the smaller of transfer time and recent miss cost. */
  #costNs(transferNs: number): number {
    return Number.isNaN(this.#missNs) ? transferNs : Math.min(transferNs, this.#missNs);
  }
}
