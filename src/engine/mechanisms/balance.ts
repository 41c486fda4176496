// L13 `balance`: GPU and CPU share an event and end together. A miss goes to the side with the sooner end; columns
// split the last miss (a product is a sum over inner columns). A CPU waiting for the GPU takes hits too: DRAM holds
// their weights.
import { kernelFormat, type ModelSpec } from '../../model/door.js';
import { type MissRule, misfit } from '../../system/door.js';
import type { AheadParts, GpuParts } from '../event/parts.js';
import { TieredMisses } from '../event/place.js';
import { sortByReadiness } from '../vocabulary/event.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** Members of a GPU's events, shared with the CPU. */
class BalancedMisses extends TieredMisses {
  readonly #ahead: AheadParts;
  /** By MoE layer: pieces of an expert. */
  readonly #pieces: Int32Array;
  /** End of the GPU's work so far, ns. */
  #gpuNs = 0;

  constructor({ ahead, event, evictions, gpu }: GpuParts) {
    super(gpu, event, evictions);
    this.#ahead = ahead;
    this.#pieces = piecesOf(gpu.model);
  }

  override place(layer: number, size: number): void {
    const { cost, dram, gpu } = this.gpu;
    const { event } = this;
    const { counts, ids } = event.demand;
    const { base, resident } = gpu.byLayer[layer]!;
    event.shared = -1;
    event.cpuNs.fill(cost.onCpu[layer] === 1 ? event.startNs : event.startNs + cost.handoverNs);
    event.cpuReadNs.fill(0);
    if (dram !== null) this.pinInDram();
    this.#gpuNs = event.startNs;
    for (let k = 0; k < event.hits; k++) this.#gpuNs += cost.expertNs(layer, counts[event.hit[k]!]!);
    sortByReadiness(event.waiting, event.waits, event.readyNs);
    for (let k = 0; k < event.waits; k++) this.#executed(layer, event.waiting[k]!);
    let left = event.misses;
    for (let i = 0; i < size; i++) {
      // Members are distinct and pinned: residency stays as judged until a member's turn.
      if (resident[ids[i]! - base] === 1) gpu.byLayer[layer]!.touch(ids[i]! - base);
      else this.#miss(layer, i, --left === 0);
    }
    if (cost.onCpu[layer] === 0) this.#takeOver(layer);
  }

  #executed(layer: number, i: number): void {
    const { cost } = this.gpu;
    const { demand, readyNs } = this.event;
    this.#gpuNs = Math.max(this.#gpuNs, readyNs[i]!) + cost.expertNs(layer, demand.counts[i]!);
  }

  #miss(layer: number, i: number, last: boolean): void {
    const { event } = this;
    const share = this.#shareOf(layer, i, last);
    if (share === 0) {
      this.#load(layer, i);
      return;
    }
    const id = event.demand.ids[i]!;
    const { base, policy } = this.gpu.gpu.byLayer[layer]!;
    policy.streamed?.(id - base);
    if (this.gpu.onMiss[0]!.admit === 'background') this.#ahead.promoter!.missed(id, this.gpu.onMiss[0]!.after);
    const fromNs = this.gpu.dram === null ? event.startNs : this.inDram(id, layer);
    this.#compute(layer, i, share, fromNs);
    if (share < 1) this.#stream(layer, i, share, fromNs);
  }

  /** CPU's share of the missed member `i`, 0..1, for the event's earliest end. */
  #shareOf(layer: number, i: number, last: boolean): number {
    const { cost, dram, gpu, sizes } = this.gpu;
    const { startNs, cpuNs, demand } = this.event;
    const id = demand.ids[i]!;
    const count = demand.counts[i]!;
    const bytes = sizes[id]!;
    const readNs = dram === null || dram.holds(id, layer) ? (dram?.arrivalNs[id] ?? 0) : dram.link.peek(bytes, startNs);
    const fromNs = Math.max(startNs, readNs);
    const cpuFromNs = Math.max(cpuNs[id % cost.cpuQueues]!, fromNs);
    const onCpuNs = (share: number): number => cpuFromNs + cost.cpuExpertNs(layer, count, share);
    const onGpuNs = (share: number): number => {
      const readyNs = gpu.link.peek(Math.ceil((1 - share) * bytes), fromNs);
      return Math.max(this.#gpuNs, readyNs) + cost.expertNs(layer, count, 1 - share);
    };
    const [cpuEndNs, gpuEndNs] = [onCpuNs(1), onGpuNs(0)];
    let best = cpuEndNs <= gpuEndNs ? 1 : 0;
    const pieces = this.#pieces[layer]!;
    if (!last || pieces === 1) return best;
    // The CPU's end rises with the share, the GPU's falls: the best is next to their crossing.
    let low = 0;
    for (let high = pieces; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (onCpuNs(middle / pieces) < onGpuNs(middle / pieces)) low = middle;
      else high = middle;
    }
    let soonestNs = Math.min(cpuEndNs, gpuEndNs);
    for (const piece of [low, low + 1]) {
      if (piece === 0 || piece === pieces) continue;
      const endNs = Math.max(onCpuNs(piece / pieces), onGpuNs(piece / pieces));
      if (endNs >= soonestNs) continue;
      best = piece / pieces;
      soonestNs = endNs;
    }
    return best;
  }

  #load(layer: number, i: number): void {
    const { dram, gpu, onMiss } = this.gpu;
    const { event, evictions } = this;
    const id = event.demand.ids[i]!;
    evictions.slotFreeNs = event.startNs;
    const admitted = gpu.admit(id, layer, true, 0, onMiss[0]!.admit === 'always');
    evictions.account(event.startNs);
    if (!admitted) this.countStreamed(layer, 1);
    event.readyNs[i] = admitted ? evictions.slotFreeNs : event.startNs;
    if (dram !== null) {
      event.readNs[i] = this.inDram(id, layer);
      event.readyNs[i] = Math.max(event.readyNs[i]!, event.readNs[i]!);
    }
    this.#bring(layer, i, this.gpu.sizes[id]!);
    this.#executed(layer, i);
  }

  /** Streams the GPU's part of member `i`, in DRAM at `fromNs`. */
  #stream(layer: number, i: number, share: number, fromNs: number): void {
    const { event } = this;
    const { demand, readNs, readyNs } = event;
    event.shared = i;
    event.cpuShare = share;
    readNs[i] = fromNs;
    readyNs[i] = fromNs;
    this.gpu.recorder.sharedExperts++;
    this.countStreamed(layer, 1);
    this.#bring(layer, i, Math.ceil((1 - share) * this.gpu.sizes[demand.ids[i]!]!));
    this.#gpuNs = Math.max(this.#gpuNs, readyNs[i]!) + this.gpu.cost.expertNs(layer, demand.counts[i]!, 1 - share);
  }

  #bring(layer: number, i: number, bytes: number): void {
    const { gpu, recorder } = this.gpu;
    const { event } = this;
    event.readyNs[i] = gpu.link.demand(event.demand.ids[i]!, bytes, event.readyNs[i]!);
    event.waiting[event.waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
  }

  #compute(layer: number, i: number, share: number, fromNs: number): void {
    const { cost, dram } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const queue = id % cost.cpuQueues;
    const startNs = Math.max(event.cpuNs[queue]!, fromNs);
    if (dram !== null) event.cpuReadNs[queue]! += startNs - event.cpuNs[queue]!;
    event.cpuNs[queue] = startNs + cost.cpuExpertNs(layer, event.demand.counts[i]!, share);
    event.observer?.computedOnCpu(id, layer, startNs, event.cpuNs[queue]!);
    event.onCpu[event.cpuExperts++] = i;
  }

  /** Gives hits to the CPU while the event ends sooner. Exclusive tiers hold hits on the GPU alone. */
  #takeOver(layer: number): void {
    const { cost, dram, recorder } = this.gpu;
    const { event } = this;
    const { counts, ids } = event.demand;
    while (event.hits > 0 && !this.evictions.delay) {
      const i = event.hit[event.hits - 1]!;
      const id = ids[i]!;
      if (dram !== null && !dram.holds(id, layer)) return;
      const fromNs = Math.max(event.startNs, dram?.arrivalNs[id] ?? 0);
      const endNs = Math.max(event.cpuNs[id % cost.cpuQueues]!, fromNs) + cost.cpuExpertNs(layer, counts[i]!);
      if (endNs >= this.#gpuNs) return;
      event.hits--;
      recorder.takenOver++;
      this.#gpuNs -= cost.expertNs(layer, counts[i]!);
      this.#compute(layer, i, 1, fromNs);
    }
  }
}

/** By MoE layer: whole blocks along an expert's inner width; 1 if width or storage is unknown. */
const piecesOf = ({ anatomy, layers }: ModelSpec): Int32Array =>
  Int32Array.from(layers, ({ formats = [] }) => {
    const blocks = formats.map(({ format }) => kernelFormat(format)?.weights ?? Number.POSITIVE_INFINITY);
    return Math.max(1, Math.floor((anatomy?.expertWidth ?? 1) / Math.max(1, ...blocks)));
  });

/** Balance in a run. */
export const balance = (): RunPart => ({ on: (parts) => ({ always: true, place: () => new BalancedMisses(parts) }) });

/** True if GPU and CPU share all members, hits included. */
export const balances = (rules: readonly MissRule[]): boolean => rules[0]!.do === 'balance';

/** Events shared by GPU and CPU. */
export const BALANCE: Mechanism = {
  name: 'balance',
  law: 'L13',
  inRun({ plan: { inputs, run }, rules }) {
    if (!balances(rules)) return null;
    if (inputs.system.prefetch.staging === undefined) return balance();
    throw misfit(run, 'system.prefetch.staging', 'is of misses that are served one by one, and balance shares them; leave it out');
  },
};
