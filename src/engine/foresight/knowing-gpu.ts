// One GPU for a clock beside the run: its links and memories, and the operations that the clock asks for at each event.
import type { LinkSpec } from '../../hardware/door.js';

/** The parts of a GPU that a clock needs. */
export interface KnowingMachine {
  /** Bytes of each expert that lives on it, by dense id. */
  readonly sizes: Float64Array;
  readonly capacityBytes: number;
  readonly link: LinkSpec;
  /** DRAM as a cache of the SSD; null: it holds every expert. */
  readonly dram: { readonly capacityBytes: number; readonly link: LinkSpec } | null;
  /** True: the best experts may be resident before the first event. */
  readonly preloaded: boolean;
  /** True: the CPU may compute experts. */
  readonly cpu: boolean;
  /** Cost in ns, once per event, of handing activations to the CPU and back. */
  readonly handoverNs: number;
}

/**
 * Three moments of the running event, ns: when the one before it has ended, when its routing is known, and when its own experts are executed, the
 * last of all GPUs. Numbers that are handed on in an array are not allocated.
 */
export const MOMENT = { start: 0, known: 1, end: 2 } as const;

/** A GPU under some knowledge, event by event of a block; an event that asks nothing of it has no demands. */
export interface KnowingGpu {
  /** The block is gone through from its first event. */
  begin(): void;
  /** It has been gone through up to event `until`, and is forgotten as far. */
  end(until: number): void;
  /** An event whose {@link MOMENT} `known` has come; puts `end` off until its experts are executed. */
  run(event: number): void;
  /** The event has ended on all GPUs. Absent: nothing is done then. */
  ended?(event: number): void;
}
