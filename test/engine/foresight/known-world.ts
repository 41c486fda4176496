// Floor and schedules of a machine of experts of one byte, fed event by event, in units of ns.
import { BeladyBound } from '../../../src/cache/bounds/belady-bound.js';
import { WORK } from '../../../src/engine/foresight/demand-block.js';
import { Floor } from '../../../src/engine/foresight/floor.js';
import { type FoundEnds, FoundSchedules } from '../../../src/engine/foresight/found.js';
import type { KnowingMachine } from '../../../src/engine/foresight/knowing-clock.js';
import type { LinkSpec } from '../../../src/hardware/spec.js';
import type { ModelSpec } from '../../../src/model/spec.js';

/** A member of an event: its expert, and its times on the GPU and on the CPU. */
interface Member {
  readonly id: number;
  readonly gpu: number;
  readonly cpu: number;
}

/** An event: work before it, and its members. */
export interface WorldEvent {
  readonly gap: number;
  readonly members: readonly Member[];
}

/** A link that carries a byte in `transferNs` on each of its lanes. */
export const linkOf = (transferNs: number, lanes = 1): LinkSpec => ({
  name: 'h2d',
  bandwidth: (1e9 * lanes) / transferNs,
  latencyNs: 0,
  lanes,
  chunkBytes: null,
});

/** A machine of `slots` experts of one byte. */
export const machineOf = (experts: number, slots: number, transferNs: number, more: Partial<KnowingMachine> = {}): KnowingMachine => ({
  sizes: new Float64Array(experts).fill(1),
  capacityBytes: slots,
  link: linkOf(transferNs),
  dram: null,
  preloaded: false,
  cpu: false,
  handoverNs: 0,
  ...more,
});

const modelOf = (experts: number): ModelSpec =>
  ({ experts, layers: [{ index: 0, offset: 0, experts, topK: experts, expertBytes: 1 }] }) as unknown as ModelSpec;

/** Floor and schedules of a machine; rows stand for pairs of times on GPU and CPU. */
export class KnownWorld {
  readonly floor: Floor;
  readonly found: FoundSchedules;
  /** By number of rows less one. */
  readonly #times: (readonly [gpu: number, cpu: number])[] = [];
  readonly #ids: Int32Array;
  readonly #counts: Int32Array;

  constructor(machine: KnowingMachine) {
    const { capacityBytes, cpu, dram, handoverNs, link, preloaded, sizes } = machine;
    const experts = sizes.length;
    this.#ids = new Int32Array(experts);
    this.#counts = new Int32Array(experts);
    const fewest = (bytes: number, { bandwidth }: LinkSpec) => ({
      belady: new BeladyBound(modelOf(experts), 'global', bytes, null, preloaded),
      own: true,
      transferNs: 1e9 / bandwidth,
      slots: bytes,
    });
    const loads = fewest(capacityBytes, link);
    // Rows that no event has had yet are priced as the first.
    const timesOf = (rows: number): readonly [gpu: number, cpu: number] => this.#times[rows - 1] ?? [1, 1];
    const cost = {
      expertNs: (_: number, rows: number) => timesOf(rows)[0],
      cpuExpertNs: (_: number, rows: number) => timesOf(rows)[1],
      cpuQueues: 1,
      handoverNs,
      onCpu: Uint8Array.of(0),
    };
    const reads = dram === null ? null : fewest(capacityBytes + dram.capacityBytes, dram.link);
    this.floor = new Floor([{ model: modelOf(experts), cost, onCpu: cpu, loads, reads }]);
    this.found = new FoundSchedules([{ machine, belady: loads.belady }], false);
  }

  event({ gap, members }: WorldEvent): void {
    let [gpuNs, cpuNs] = [0, 0];
    for (const [i, { cpu, gpu, id }] of members.entries()) {
      this.#ids[i] = id;
      this.#counts[i] = this.#rows(gpu, cpu);
      gpuNs += gpu;
      cpuNs += cpu;
    }
    this.floor.dense(gap);
    this.found.dense(gap);
    this.floor.event(0, 0, this.#ids, this.#counts, members.length, false);
    this.found.work[WORK.gpu] = gpuNs;
    this.found.work[WORK.cpu] = cpuNs;
    this.found.demand(0, this.#ids, members.length);
    this.found.event();
  }

  passEnded(): void {
    this.floor.passEnded();
    this.found.passEnded();
  }

  /** One pass of events. @returns ends of the pass, and the floor */
  pass(events: readonly WorldEvent[]): FoundEnds & { readonly floor: number } {
    for (const event of events) this.event(event);
    this.passEnded();
    return { ...this.found.ends(new Float64Array(0))!, floor: this.floor.sinceNs(null) };
  }

  #rows(gpu: number, cpu: number): number {
    const at = this.#times.findIndex((pair) => pair[0] === gpu && pair[1] === cpu);
    return at >= 0 ? at + 1 : this.#times.push([gpu, cpu]);
  }
}
