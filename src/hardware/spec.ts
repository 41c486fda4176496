import { ownValue } from '../base/objects.js';
import { kernelFormat } from '../model/door.js';
import type { Machine } from './parts/defaults.js';

interface Tier {
  readonly name: 'gpu' | 'unified' | 'dram' | 'ssd';
  /** Usable bytes, net of driver, framework or operating system. */
  readonly bytes: number;
}

/** Transfers over several paths: each on a single path, or divided over all. */
export const FLOWS = ['single', 'split'] as const;
type Flows = (typeof FLOWS)[number];

/** A path of a link: a PCIe root, an NVLink, a disk of an array. */
export interface PathSpec {
  readonly bandwidth: number;
  /** Fixed cost of a transfer, ns. */
  readonly latencyNs: number;
}

/** The link that brings experts one tier up. */
export interface LinkSpec {
  /** Metric name: `h2d` (host to device) or `ssd`. */
  readonly name: 'h2d' | 'ssd';
  /** Achieved bytes/s of the whole link, over all lanes and paths. */
  readonly bandwidth: number;
  readonly latencyNs: number;
  /** Concurrent transfers. */
  readonly lanes: number;
  /** Bytes of a chunk, after which a transfer yields to a demand (L10). */
  readonly chunkBytes: number | null;
  /** Paths of different speed; absent: equal lanes. `flows: single`: each path is a lane; `split`: all form one. */
  readonly paths?: readonly PathSpec[];
  readonly flows?: Flows;
}

/** Values by weight format: of a kernel format (`q4_k`), of a format family (`k`), or of the rest (`default`). */
export type ByFormat = Readonly<Record<string, number>>;

/** The table with each value multiplied. */
export function scaledByFormat(table: ByFormat, factor: number): ByFormat {
  return Object.fromEntries(Object.entries(table).map(([format, value]) => [format, value * factor]));
}

/** Value of a format, of its non-interleaved form, of its family, or `default`; null: none. */
export function byFormat(table: ByFormat, format: string): number | null {
  const known = kernelFormat(format);
  const value = ownValue(table, format) ?? (known === null ? null : (ownValue(table, known.plain) ?? ownValue(table, known.family)));
  return value ?? table.default ?? null;
}

/** A processor and its memory. */
export interface Device {
  /** Peak dense matrix FLOP/s at inference precision. */
  readonly peakFlops: number;
  readonly memoryBandwidth: number;
  /** Fraction of `peakFlops` reached by large matrix products, (0, 1]. */
  readonly computeFraction: number;
  /** Fraction of `memoryBandwidth` reached by weight-bound kernels, (0, 1]. */
  readonly bandwidthFraction: number;
  /** Launch cost of an expert's kernels, ns. */
  readonly launchNs: number;
  /** Framework overhead per decoder layer, ns. */
  readonly perLayerNs: number;
  /** Framework overhead per pass, ns. */
  readonly perPassNs: number;
  /** Read limit of all cores, bytes/s; absent: above the memory's. */
  readonly coreBandwidth?: number;
  /** ns to renew a recurrent-state value for a token; absent: not charged. */
  readonly recurrenceNs?: number;
  /** A pass reads and writes each sequence's recurrent state in memory. */
  readonly movesState?: true;
  /** A layer of any kind runs in as few kernels as grouped attention. */
  readonly fusesLayers?: true;
  /** Extra rows of a multi-row product (whole tiles); absent: 0. */
  readonly tileRows?: number;
  /** Each row of an expert's vector products reads the weights by itself (ggml: mul_mat_vec_q by ids). */
  readonly rereads?: true;
  /** `bandwidthFraction` by weight format; absent: equal for all. */
  readonly bandwidthByFormat?: ByFormat;
  /** Unpacked weights/s by format; absent: as fast as reads. */
  readonly unpacking?: ByFormat;
  /** Attention over the KV cache, timed after the weights; absent: shares the weights' roofline. */
  readonly attention?: {
    readonly bandwidthFraction: number;
    /** Fractions of `peakFlops`: for prompts, and for few new tokens per sequence. */
    readonly computeFraction: number;
    readonly vectorFraction: number;
    /** Few new tokens over a latent (MLA), which all heads share as rows of a product. Absent: `vectorFraction`. */
    readonly latentFraction?: number;
    readonly peakFlops?: number;
  };
  /** Present if kernels unpack quantized KV caches to 16 bits. */
  readonly widensKv?: true;
  /** Bytes moved per attention score without flash attention. Absent: none. */
  readonly scoreBytes?: number;
  /** Present if every prompt pass unpacks the whole context's latent (MLA). */
  readonly unpacksLatent?: true;
  /** `peakFlops` by weight format; absent: equal for all. */
  readonly peakByFormat?: ByFormat;
}

/** A device with scaled arithmetic: cores, peak, and rates by format. */
export function withArithmetic<T extends Device>(device: T, factor: number): T {
  const { attention, coreBandwidth, peakByFormat, peakFlops, recurrenceNs, unpacking } = device;
  return {
    ...device,
    peakFlops: peakFlops * factor,
    ...(attention?.peakFlops !== undefined && { attention: { ...attention, peakFlops: attention.peakFlops * factor } }),
    ...(coreBandwidth !== undefined && { coreBandwidth: coreBandwidth * factor }),
    ...(recurrenceNs !== undefined && { recurrenceNs: recurrenceNs / factor }),
    ...(peakByFormat && { peakByFormat: scaledByFormat(peakByFormat, factor) }),
    ...(unpacking && { unpacking: scaledByFormat(unpacking, factor) }),
  };
}

/** CPU experts on sockets: each on one; in slices; or with pages spread over all. */
export const NUMA = ['expert', 'tensor', 'interleaved'] as const;
type Numa = (typeof NUMA)[number];

/** Sockets of a CPU, each with cores and memory. */
export interface Sockets {
  /** At least 2. */
  readonly count: number;
  /** Shares reached by sockets together, (0, 1]: of memory rates, of arithmetic. Absent: all. */
  readonly efficiency?: number;
  readonly together?: number;
  readonly numa: Numa;
  /** Link between sockets: bandwidth per direction, and the cost of waiting. */
  readonly interconnect: PathSpec;
}

/** Second processor of experts; figures of a single socket. */
export interface HostDevice extends Device {
  /** Cost of a handover to the CPU and back, ns, once per event. */
  readonly handoverNs: number;
  /** Absent: one socket. */
  readonly sockets?: Sockets;
}

/** All-to-all interconnect of GPUs: each port sends and receives at the rate simultaneously. */
export type Interconnect = PathSpec;

/** A GPU of several. */
export interface Card {
  readonly device: Device;
  readonly bytes: number;
}

/** GPUs used as one. */
export interface JoinedGpus {
  readonly sharing: 'layers' | 'tensor';
  /** At least 2. */
  readonly cards: readonly Card[];
  readonly interconnect: Interconnect;
}

interface GpuSet {
  /** At least 2. */
  readonly count: number;
  readonly interconnect: Interconnect;
  /** Second and further GPUs, unless all are equal. */
  readonly others?: readonly Card[];
}

/** A runtime's use of a machine apart from speeds. */
export interface Software {
  readonly runtime: string;
  /** The runtime's file without prose; absent: no file. */
  readonly constants?: unknown;
  /** Sentences on assumptions; absent: no assumptions. */
  readonly assumed?: string;
  readonly several: 'layers' | 'tensor' | 'experts';
  /** Least tokens of a pass for copying CPU experts to the GPU; null: never. */
  readonly offloadFrom: number | null;
  /** Copied only if the GPU then finishes sooner. */
  readonly offloadIfSooner?: true;
  /** Unit of `offloadFrom`: tokens of the pass, or average tokens per expert. */
  readonly offloadCounts: 'pass' | 'expert';
  /** Speed-up of pinned copies over the link's pageable rate. Absent: the link is pinned already. */
  readonly pinned?: number;
  /** Present if unmapped weights lie in pinned memory. */
  readonly pinsUnmapped?: true;
  /** False: an event's experts execute after the last copy. */
  readonly overlaps: boolean;
  /** Copies of the runtime's own expert cache. Absent: none, or a calibrated machine. */
  readonly cache?: OwnCache;
  /** SSD experts are pages of a mapped file. Absent: read whole. */
  readonly mapped?: true;
  /** Prediction time as a multiple of moeprof's on a host of equal clock; 0: none. */
  readonly prediction: number;
}

/** Copies of a runtime's own expert cache. */
export interface OwnCache {
  /** Wait of a pass at each cached layer, ns. */
  readonly readBackNs: number;
  /** Fixed time of an expert's copies, ns. */
  readonly latencyNs: number;
  /** Rates of pinned and of mapped copies, as multiples of the link's. */
  readonly pinned: number;
  readonly mapped: number;
  /** Largest share of host memory that is pinned; 0: the file is mapped. */
  readonly pinnable: number;
}

/** Waits of passes of few tokens for the ids of cached layers, and for the last copy of each. */
export interface ReadBacks {
  readonly ns: number;
  /** First MoE layers with a wait. */
  readonly layers: number;
  /** Most tokens of a pass with waits. */
  readonly tokens: number;
  /** Further time of a copy in larger passes, whose copies are no queue, ns. */
  readonly unqueuedNs: number;
}

/** A machine. `tiers[0]` executes experts; `links[i]` brings experts from `tiers[i + 1]` to `tiers[i]`. */
export interface HardwareSpec {
  readonly name: string;
  readonly tiers: readonly Tier[];
  readonly links: readonly LinkSpec[];
  /** The GPU, or the processor of a unified-memory machine or a phone. */
  readonly gpu: Device;
  /** True: no GPU; `gpu` is the CPU. */
  readonly cpuOnly?: true;
  /** Several GPUs, each with memory and a link to DRAM. Absent: one. */
  readonly gpus?: GpuSet;
  /** GPUs driven as one, with joined memory in `tiers[0]`. Absent: one GPU, or {@link gpus}. */
  readonly joined?: JoinedGpus;
  /** Processor on DRAM in parallel with the GPU; null: none. */
  readonly cpu: HostDevice | null;
  /** Base clock of the CPU, GHz. */
  readonly hostClock?: number;
  /** Runtime of the speeds; absent: the profile states all speeds. */
  readonly software?: Software;
  /** Absent: no layer waits. */
  readonly readBacks?: ReadBacks;
  /** Profile content without the name, equal for all runtimes. Absent: calibrated. */
  readonly facts?: unknown;
  /** Parts of the machine; absent: described by a file. */
  readonly machine?: Machine;
}

/** At most three sentences on defaults for CPU, memory and PCIe slot. */
export const takenPartsOf = ({ machine }: Pick<HardwareSpec, 'machine'>): readonly string[] => machine?.standIns ?? [];

/** Sentences on all further defaults of the machine and runtime. */
export function assumedOf({ machine, software }: Pick<HardwareSpec, 'machine' | 'software'>): string[] {
  return [...(machine?.defaults ?? []), ...(software?.assumed === undefined ? [] : [software.assumed])];
}
