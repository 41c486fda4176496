import { Link } from '../transfer/link.js';
import { Awaited } from './awaited.js';
import type { DemandBlock } from './demand-block.js';
import { type KnowingGpu, type KnowingMachine, TIME } from './knowing-clock.js';
import { Lanes } from './lanes.js';
import { BeladyMemory, type DramStore, LruMemory, LruStore, type OnDemandMemory } from './on-demand-memory.js';

/** GPU on demand. */
export class OnDemandGpu implements KnowingGpu {
  readonly #block: DemandBlock;
  readonly #times: Float64Array;
  readonly #sizes: Float64Array;
  /** Duration of a load in sequence, ns; 0: loads differ. */
  readonly #loadNs: number;
  readonly #memory: OnDemandMemory;
  readonly #lanes: Lanes;
  readonly #dram: DramStore | null = null;
  readonly #ssd: Lanes | null = null;
  readonly #handoverNs: number;
  readonly #awaited: Awaited;

  /** @param times as {@link TIME} @param knows knowledge behind evictions */
  constructor(block: DemandBlock, times: Float64Array, machine: KnowingMachine, knows: 'past' | 'future') {
    const { capacityBytes, dram, handoverNs, link, preloaded, sizes } = machine;
    this.#times = times;
    this.#loadNs = loadNsOf(machine);
    this.#block = block;
    this.#sizes = sizes;
    const past = knows === 'past';
    this.#memory = past ? new LruMemory(block, sizes, capacityBytes) : new BeladyMemory(block, sizes, capacityBytes, preloaded);
    this.#lanes = new Lanes(link);
    if (dram !== null) {
      this.#dram = past ? new LruStore(block, sizes, dram.capacityBytes) : new BeladyMemory(block, sizes, dram.capacityBytes, false);
      this.#ssd = new Lanes(dram.link);
    }
    this.#handoverNs = handoverNs;
    this.#awaited = new Awaited(sizes.length);
  }

  begin(): void {
    this.#memory.begin();
    this.#dram?.begin?.();
  }

  end(until: number): void {
    this.#memory.end(until);
    this.#dram?.end?.(until);
  }

  run(event: number): void {
    const { starts, times } = this.#block;
    const clock = this.#times;
    const from = starts[event]!;
    const to = starts[event + 1]!;
    const gpuNs = times[2 * event]!;
    const loadNs = this.#loadNs;
    const misses = this.#memory.judged(from, to);
    this.#dram?.judged?.(from, to);
    if (misses > 0 && loadNs === 0) {
      this.#load(event);
      return;
    }
    if (misses > 0) this.#memory.admitAll(from, to);
    clock[TIME.end] = Math.max(clock[TIME.end]!, clock[TIME.known]! + onDemandNs(to - from, misses, gpuNs, loadNs));
  }

  #load(event: number): void {
    const { ids, starts, times } = this.#block;
    const { missing } = this.#memory;
    const clock = this.#times;
    const from = starts[event]!;
    const to = starts[event + 1]!;
    const gpuNs = times[2 * event]!;
    const cpuNs = times[2 * event + 1]!;
    const knownNs = clock[TIME.known]!;
    let cpuEndNs = knownNs + this.#handoverNs;
    let hits = to - from;
    let onCpu = 0;
    for (let d = missing.nextFrom(from, to); d < to; d = missing.nextFrom(d + 1, to)) {
      hits--;
      const id = ids[d]!;
      const atNs = this.#dram === null || this.#dram.ask(d, from, to) ? knownNs : this.#read(id, knownNs);
      const offer = this.#lanes.offer(this.#sizes[id]!, atNs);
      const byCpuNs = Math.max(cpuEndNs, atNs) + cpuNs;
      if (byCpuNs - gpuNs <= offer.endNs) {
        cpuEndNs = byCpuNs;
        onCpu++;
        continue;
      }
      this.#lanes.take();
      this.#awaited.add(offer.endNs);
      this.#memory.admit(d, from, to);
    }
    const endNs = this.#awaited.execute(knownNs + hits * gpuNs, gpuNs);
    clock[TIME.end] = Math.max(clock[TIME.end]!, onCpu > 0 ? Math.max(endNs, cpuEndNs) : endNs);
  }

  #read(id: number, atNs: number): number {
    const { endNs } = this.#ssd!.offer(this.#sizes[id]!, atNs);
    this.#ssd!.take();
    return endNs;
  }
}

/** Event of members of `gpuNs` each, with `misses` loads of `loadNs` in sequence, ns. */
export const onDemandNs = (size: number, misses: number, gpuNs: number, loadNs: number): number =>
  misses === 0 ? size * gpuNs : Math.max(size * gpuNs, loadNs + misses * gpuNs, misses * loadNs + gpuNs);

/** Time of any load over a single-lane link, ns; 0: loads differ, come from the SSD, or the CPU may replace loads. */
export function loadNsOf({ cpu, dram, link, sizes }: KnowingMachine): number {
  if (cpu || dram !== null || link.lanes > 1 || sizes.some((bytes) => bytes !== sizes[0])) return 0;
  return new Link(link, new Float64Array(0)).laneNs(0, sizes[0]!);
}
