// Where the experts live: tiers of memory, links between them, devices that compute. Types only; `cost.ts` prices work on them.

/** A level of the memory hierarchy. */
export interface Tier {
  readonly name: 'gpu' | 'unified' | 'dram' | 'ssd';
  /** Usable bytes: what driver, framework or operating system keep for themselves is taken off. */
  readonly bytes: number;
}

/** A path that brings experts one tier up. */
export interface LinkSpec {
  /** Metric name of the link: `h2d` (host to device) or `ssd`. */
  readonly name: 'h2d' | 'ssd';
  /** Bytes per second of the whole link, as achieved, shared evenly by its lanes. */
  readonly bandwidth: number;
  /** Fixed cost of one transfer in ns. */
  readonly latencyNs: number;
  /** Transfers in flight at once. */
  readonly lanes: number;
  /** With it, a started transfer yields to a demand between chunks of so many bytes (L10). */
  readonly chunkBytes: number | null;
}

/** A processor beside a memory. */
export interface Device {
  /** Peak dense matrix throughput in FLOP/s at the precision that inference computes in. */
  readonly peakFlops: number;
  /** Peak memory bandwidth in bytes/s. */
  readonly memoryBandwidth: number;
  /** Fraction of `peakFlops` that large matrix products reach, (0, 1]. */
  readonly computeFraction: number;
  /** Fraction of `memoryBandwidth` that weight-bound kernels reach, (0, 1]. */
  readonly bandwidthFraction: number;
  /** Cost of launching one expert's kernels in ns. */
  readonly launchNs: number;
  /** Framework overhead per decoder layer in ns: norms, router, small kernels, synchronisation. */
  readonly perLayerNs: number;
  /** Framework overhead per pass in ns: scheduling, sampling, graph launch. */
  readonly perPassNs: number;
}

/** The CPU as a second place to compute experts. */
export interface HostDevice extends Device {
  /** Cost in ns, once per event, of handing activations to the CPU and the result back. */
  readonly handoverNs: number;
}

/** A machine. `tiers[0]` is where experts execute; `links[i]` brings experts from `tiers[i + 1]` to `tiers[i]`. */
export interface HardwareSpec {
  readonly name: string;
  readonly tiers: readonly Tier[];
  readonly links: readonly LinkSpec[];
  /** Computes on `tiers[0]`: the GPU, or the processor of a unified-memory machine or a phone. */
  readonly gpu: Device;
  /** Computes on DRAM in parallel with the GPU; null where there is no such second processor. */
  readonly cpu: HostDevice | null;
}
