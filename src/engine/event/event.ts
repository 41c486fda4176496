// One event as a GPU sees it: which of its members are hits, which are waited for, which the CPU computes. The parts of a device
// (judgement, misses, execution) hand it on to one another; the next event overwrites it.
import type { Demand } from './demand.js';

/** What becomes of the members of the running event. Members are given by their index in `demand`. */
export class DeviceEvent {
  /** The members, in the order of L3. */
  readonly demand: Demand;
  /** Members that are there: the first `hits` entries. */
  readonly hit: Int32Array;
  hits = 0;
  /** Members that are neither there nor on their way: the first `misses` entries. */
  readonly missed: Int32Array;
  misses = 0;
  /** Members that the GPU executes when they have arrived: the first `waits` entries. */
  readonly waiting: Int32Array;
  waits = 0;
  /** True where they arrive in this order: transfers of one size that were asked for at one time, and nothing else. */
  inOrder = false;
  /** When each member that is waited for can be executed, ns. */
  readonly readyNs: Float64Array;
  /** Members that the CPU computes: the first `cpuExperts` entries. */
  readonly onCpu: Int32Array;
  cpuExperts = 0;
  /** When each queue of the CPU has finished its part, ns: one a socket where sockets compute beside one another. */
  readonly cpuNs: Float64Array;

  /**
   * @param demand filled anew for every event, never with more members than its arrays have room for
   * @param cpuQueues queues of the CPU
   */
  constructor(demand: Demand, cpuQueues: number) {
    const widest = demand.ids.length;
    this.demand = demand;
    this.hit = new Int32Array(widest);
    this.missed = new Int32Array(widest);
    this.waiting = new Int32Array(widest);
    this.onCpu = new Int32Array(widest);
    this.cpuNs = new Float64Array(cpuQueues);
    this.readyNs = new Float64Array(widest);
  }
}

/** Insertion sort of members by readiness, ties in the order of L3: demands are few and mostly in order. */
export function sortByReadiness(order: Int32Array, count: number, readyNs: Float64Array): void {
  for (let k = 1; k < count; k++) {
    const i = order[k]!;
    const ns = readyNs[i]!;
    let at = k;
    for (; at > 0; at--) {
      const before = order[at - 1]!;
      if (readyNs[before]! < ns || (readyNs[before] === ns && before < i)) break;
      order[at] = before;
    }
    order[at] = i;
  }
}
