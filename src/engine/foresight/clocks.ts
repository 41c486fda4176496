import type { CostModel, HardwareSpec } from '../../hardware/door.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { Link } from '../transfer/link.js';
import type { Demand } from '../vocabulary/event.js';
import { WORK } from './demand-block.js';
import type { Floor } from './floor.js';
import type { FoundSchedules } from './found.js';

/** Floor and found schedules of a run (L19). */
export interface Limits {
  /** Null: not counted, or no proof applies. */
  readonly floor: Floor | null;
  /** Null: not counted. */
  readonly found: FoundSchedules | null;
}

/**
 * Further clocks of the same passes: all experts resident, no cache (L15), known past or future (L19); ns without idle
 * time between passes.
 */
export class Clocks implements Limits {
  allResidentNs = 0;
  noCacheNs = 0;
  passes = 0;
  readonly floor: Floor | null;
  readonly found: FoundSchedules | null;

  constructor({ floor, found }: Limits) {
    this.floor = floor;
    this.found = found;
  }

  dense(ns: number): void {
    this.allResidentNs += ns;
    this.noCacheNs += ns;
    this.floor?.dense(ns);
    this.found?.dense(ns);
  }

  passEnded(): void {
    this.passes++;
    this.floor?.passEnded();
    this.found?.passEnded();
  }
}

/** Clocks of a run on a single GPU. */
export class BoundClocks extends Clocks {
  readonly #demand: Demand;
  readonly #cost: CostModel;
  readonly #model: ModelSpec;
  /** The SSD's link if DRAM is too small, then the GPU's. */
  readonly #links: readonly Link[];
  /** True: a single lane, experts arrive in sequence. */
  readonly #inLine: boolean;
  /** `[layers, topK + 1]`: uncached event of n single-token experts, ns; 0 until computed. */
  readonly #single: Float64Array;
  readonly #width: number;
  readonly #lanesNs: readonly Float64Array[];
  readonly #onCpu: boolean;
  /** Times of single experts that `#single` was computed with. */
  #singleOf: Float64Array;
  #residentNs = 0;
  #uncachedNs = 0;

  /** @param dramHoldsAll false: uncached experts come from the SSD @param onCpu true: the CPU computes too */
  constructor(
    demand: Demand,
    model: ModelSpec,
    hardware: HardwareSpec,
    cost: CostModel,
    dramHoldsAll: boolean,
    known: Limits,
    onCpu: boolean,
  ) {
    super(known);
    this.#demand = demand;
    this.#onCpu = onCpu;
    this.#model = model;
    this.#cost = cost;
    const links = dramHoldsAll ? hardware.links.slice(0, 1) : hardware.links.toReversed();
    this.#links = links.map((link) => new Link(link, new Float64Array(0)));
    this.#lanesNs = this.#links.map((link) => new Float64Array(link.lanes));
    this.#inLine = links.length === 1 && links[0]!.lanes === 1;
    this.#width = mostTopK(model) + 1;
    this.#single = new Float64Array(model.layers.length * this.#width);
    this.#singleOf = cost.singleNs;
  }

  event(layer: number): void {
    // Durations are cached if every count is 1.
    const { counts, ids, single, size } = this.#demand;
    const at = layer * this.#width + size;
    let residentNs = size * this.#cost.singleNs[layer]!;
    if (this.#singleOf !== this.#cost.singleNs) {
      this.#singleOf = this.#cost.singleNs;
      this.#single.fill(0);
    }
    let uncachedNs = single ? this.#single[at]! : 0;
    if (uncachedNs === 0) {
      this.#price(layer, counts, size);
      uncachedNs = this.#uncachedNs;
      if (single) this.#single[at] = uncachedNs;
      else residentNs = this.#residentNs;
    }
    this.allResidentNs += residentNs;
    this.noCacheNs += uncachedNs;
    this.floor?.event(0, layer, ids, counts, size, single);
    if (this.found === null) return;
    this.found.work[WORK.gpu] = residentNs;
    this.found.work[WORK.cpu] = this.#onCpu ? cpuNs(this.#cost, layer, counts, size, single) : Number.POSITIVE_INFINITY;
    this.found.demand(0, ids, size);
    this.found.event();
  }

  /** Event on idle links: experts load in order and execute on arrival. */
  #price(layer: number, counts: Int32Array, size: number): void {
    const bytes = this.#model.layers[layer]!.expertBytes;
    const laneNs = this.#inLine ? this.#links[0]!.laneNs(0, bytes) : 0;
    for (const lanes of this.#lanesNs) lanes.fill(0);
    let computeNs = 0;
    let gpuNs = 0;
    let readyNs = 0;
    for (let i = 0; i < size; i++) {
      const ns = this.#cost.expertNs(layer, counts[i]!);
      readyNs = this.#inLine ? readyNs + laneNs : this.#loadedNs(bytes);
      gpuNs = Math.max(gpuNs, readyNs) + ns;
      computeNs += ns;
    }
    this.#residentNs = computeNs;
    this.#uncachedNs = gpuNs;
  }

  #loadedNs(bytes: number): number {
    let readyNs = 0;
    for (let l = 0; l < this.#links.length; l++) {
      const link = this.#links[l]!;
      const lanes = this.#lanesNs[l]!;
      const lane = soonest(link, lanes, bytes, readyNs);
      readyNs = Math.max(readyNs, lanes[lane]!) + link.laneNs(lane, bytes);
      lanes[lane] = readyNs;
    }
    return readyNs;
  }
}

/** All experts of an event on parallel CPU sockets, ns. @param single true: every count is 1 */
export function cpuNs(cost: CostModel, layer: number, counts: Int32Array, size: number, single: boolean): number {
  let ns = 0;
  if (single) ns = size * cost.cpuExpertNs(layer, 1);
  else for (let i = 0; i < size; i++) ns += cost.cpuExpertNs(layer, counts[i]!);
  return ns / cost.cpuQueues;
}

function soonest(link: Link, lanes: Float64Array, bytes: number, readyNs: number): number {
  let lane = 0;
  let endNs = Math.max(readyNs, lanes[0]!) + link.laneNs(0, bytes);
  for (let other = 1; other < lanes.length; other++) {
    const ns = Math.max(readyNs, lanes[other]!) + link.laneNs(other, bytes);
    if (ns > endNs || (ns === endNs && lanes[other]! >= lanes[lane]!)) continue;
    lane = other;
    endNs = ns;
  }
  return lane;
}
