import { grown } from '../../base/grown.js';
import type { LinkSpec } from '../../hardware/door.js';
import type { DemandBlock } from './demand-block.js';
import type { EventWindow } from './event-window.js';

/** A GPU's machine for a clock. */
export interface KnowingMachine {
  /** Bytes by dense id. */
  readonly sizes: Float64Array;
  readonly capacityBytes: number;
  readonly link: LinkSpec;
  /** DRAM as a cache of the SSD; null: DRAM holds every expert. */
  readonly dram: { readonly capacityBytes: number; readonly link: LinkSpec } | null;
  /** True: the best experts may be resident at first. */
  readonly preloaded: boolean;
  /** True: the CPU may compute experts. */
  readonly cpu: boolean;
  /** Hand-over of activations to the CPU and back, ns per event. */
  readonly handoverNs: number;
}

/** Indices of the running event's times, ns: end of the last event, known routing, execution of its experts. */
export const TIME = { start: 0, known: 1, end: 2 } as const;

/** Replays a block event by event; an event may have no demand on the GPU. */
export interface KnowingGpu {
  begin(): void;
  /** Ends a replay up to event `until`; earlier events are dropped. */
  end(until: number): void;
  /** An event at {@link TIME} `known`; moves `end` to the end of its experts. */
  run(event: number): void;
  /** After the event's end on all GPUs. Absent: no work. */
  ended?(event: number): void;
}

/** Times by event of a block, ns. */
export class EventTimes {
  #ns: Float64Array = new Float64Array(1 << 12);

  at(event: number): number {
    return this.#ns[event]!;
  }

  upTo(events: number): Float64Array {
    while (this.#ns.length < events) this.#ns = grown(this.#ns);
    return this.#ns;
  }

  goOn(from: number, to: number): void {
    const ns = this.upTo(to);
    const last = from === 0 ? 0 : ns[from - 1]!;
    const pace = from < 2 ? 0 : (last - ns[0]!) / (from - 1);
    for (let event = from; event < to; event++) ns[event] = last + (event - from + 1) * pace;
  }
}

/** Clock of all GPUs under a given knowledge, over recorded events. */
export class KnowingClock {
  /** By event: known routing, ns; later events continue at the same pace. */
  readonly knownNs = new EventTimes();
  readonly #window: EventWindow;
  readonly #gpus: readonly KnowingGpu[];
  readonly #times = new Float64Array(3);
  #endsNs: Float64Array = new Float64Array(256);
  #passes = 0;

  /** @param gpuOf makes a block's GPU, writing times to `clock` */
  constructor(window: EventWindow, gpuOf: (block: DemandBlock, clock: Float64Array, gpu: number) => KnowingGpu) {
    this.#window = window;
    this.#gpus = window.blocks.map((block, gpu) => gpuOf(block, this.#times, gpu));
  }

  /** End of each pass so far, without idle time between passes, ns; a view. */
  ends(): Float64Array {
    return this.#endsNs.subarray(0, this.#passes);
  }

  replay(until: number): void {
    const { passEvents, tailsNs } = this.#window;
    const times = this.#times;
    for (const gpu of this.#gpus) gpu.begin();
    let event = 0;
    for (let pass = 0; pass < passEvents.length && passEvents[pass]! <= until; pass++) {
      this.#run(event, passEvents[pass]!);
      event = passEvents[pass]!;
      times[TIME.start]! += tailsNs[pass]!;
      if (this.#passes === this.#endsNs.length) this.#endsNs = grown(this.#endsNs);
      this.#endsNs[this.#passes++] = times[TIME.start]!;
    }
    this.#run(event, until);
    this.knownNs.goOn(until, this.#window.events);
  }

  end(until: number): void {
    for (const gpu of this.#gpus) gpu.end(until);
  }

  #run(from: number, to: number): void {
    const gpus = this.#gpus;
    const clock = this.#times;
    const { gapsNs, several } = this.#window;
    const known = this.knownNs.upTo(to);
    for (let event = from; event < to; event++) {
      const knownNs = clock[TIME.start]! + gapsNs[event]!;
      clock[TIME.known] = knownNs;
      known[event] = knownNs;
      clock[TIME.end] = knownNs;
      for (let g = 0; g < gpus.length; g++) gpus[g]!.run(event);
      // Several GPUs send results back, and take at least the time with all experts resident.
      if (several !== null) clock[TIME.end] = Math.max(knownNs + several[2 * event]!, clock[TIME.end]! + several[2 * event + 1]!);
      for (let g = 0; g < gpus.length; g++) gpus[g]!.ended?.(event);
      clock[TIME.start] = clock[TIME.end]!;
    }
  }
}
