import { ownValue } from '../base/objects.js';
import { kernelFormat } from '../model/door.js';
import type { Machine } from './parts/defaults.js';

interface Tier {
  readonly name: 'gpu' | 'unified' | 'dram' | 'ssd';
  /** Usable bytes, without what driver, framework or operating system keep. */
  readonly bytes: number;
}

/** How transfers use a link of several paths: each whole on one of them, or each divided over all of them. */
export const FLOWS = ['single', 'split'] as const;
type Flows = (typeof FLOWS)[number];

/** One of several ways of a link: a PCIe root, an NVLink, a disk of an array. */
export interface PathSpec {
  /** Bytes per second, as achieved. */
  readonly bandwidth: number;
  /** Fixed cost of one transfer in ns. */
  readonly latencyNs: number;
}

/** The link that brings experts one tier up. */
export interface LinkSpec {
  /** Metric name of the link: `h2d` (host to device) or `ssd`. */
  readonly name: 'h2d' | 'ssd';
  /** Bytes per second of the whole link, as achieved, shared evenly by its lanes; of all paths together, if it has several. */
  readonly bandwidth: number;
  readonly latencyNs: number;
  /** Transfers in flight at once. */
  readonly lanes: number;
  /** Bytes of a chunk: between chunks a started transfer yields to a demand (L10). */
  readonly chunkBytes: number | null;
  /** Paths that differ in speed; absent: all lanes are alike. With `flows: single` each is a lane, with `split` all are one. */
  readonly paths?: readonly PathSpec[];
  /** How transfers use the paths. Present with `paths`. */
  readonly flows?: Flows;
}

/** Values by format of the weights: of a kernel format (`q4_k`), of a family of formats (`k`), or of all others (`default`). */
export type ByFormat = Readonly<Record<string, number>>;

/** The table with each value multiplied. */
export function scaledByFormat(table: ByFormat, factor: number): ByFormat {
  return Object.fromEntries(Object.entries(table).map(([format, value]) => [format, value * factor]));
}

/** Value of a format: its own, that of the format without interleaved rows, of its family, or `default`; undefined if there is none. */
export function byFormat(table: ByFormat, format: string): number | undefined {
  const known = kernelFormat(format);
  const value =
    ownValue(table, format) ?? (known === undefined ? undefined : (ownValue(table, known.plain) ?? ownValue(table, known.family)));
  return value ?? table.default;
}

/** A processor and its memory. */
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
  /** Bytes/s that its cores together can read, whatever the memory gives; absent: more than the memory. */
  readonly coreBandwidth?: number;
  /** Time of one value of a recurrent state, renewed for one token, ns; absent: it is not charged. */
  readonly recurrenceNs?: number;
  /** Present if its software runs a layer of any kind in as few kernels as one with grouped attention. */
  readonly fusesLayers?: true;
  /** Rows that a product of more than a few rows takes besides its own, since tiles are computed whole; absent: 0. */
  readonly tileRows?: number;
  /** `bandwidthFraction` by format of the weights; absent: it is the same for all. */
  readonly bandwidthByFormat?: ByFormat;
  /** Weights a second that are unpacked into values, by format; absent: as fast as they are read. */
  readonly unpacking?: ByFormat;
  /** What attention over the KV cache reaches. It then takes its own time, after the weights; absent: it shares their roofline. */
  readonly attention?: {
    readonly bandwidthFraction: number;
    /** Fractions of {@link peakFlops} here, or of the device's: of prompts, and if few tokens of a sequence are new. */
    readonly computeFraction: number;
    readonly vectorFraction: number;
    /** FLOP/s; absent: the device's. */
    readonly peakFlops?: number;
  };
  /** Bytes that each score of attention moves through memory, if kernels do not fuse it (no flash attention). Absent: none. */
  readonly scoreBytes?: number;
  /** Present if every pass of a prompt unpacks the latent of its whole context (MLA). Absent: heads work on the latent itself. */
  readonly unpacksLatent?: true;
  /** `peakFlops` by format of the weights; absent: it is the same for all. */
  readonly peakByFormat?: ByFormat;
}

/** A device with `factor` times its arithmetic: its cores, their peak, and their rates by format. */
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

/** Sockets and the CPU's experts: each lies with one, which computes it; each is cut into a slice a socket; or its pages are spread over all. */
export const NUMA = ['expert', 'tensor', 'interleaved'] as const;
type Numa = (typeof NUMA)[number];

/** Sockets of a CPU, each with cores and memory of its own. */
export interface Sockets {
  /** At least 2. */
  readonly count: number;
  /** Share of the sum of their memory rates that sockets together reach, (0, 1], and of their arithmetic. Absent: all of it. */
  readonly efficiency?: number;
  readonly together?: number;
  readonly numa: Numa;
  /** The way from one socket to the memory of the others: bandwidth in each direction, and the cost of waiting for them. */
  readonly interconnect: PathSpec;
}

/** The CPU as a second place to compute experts; throughput and bandwidth are those of one socket. */
export interface HostDevice extends Device {
  /** Cost in ns, once per event, of handing activations to the CPU and the result back. */
  readonly handoverNs: number;
  /** Absent: one socket. */
  readonly sockets?: Sockets;
}

/** The interconnect of several GPUs, in an all-to-all: each has a port that sends and receives at this rate at once. */
export type Interconnect = PathSpec;

/** One of several GPUs. */
export interface Card {
  readonly device: Device;
  /** Memory of it that a model can use. */
  readonly bytes: number;
}

/** GPUs that a model uses as one. */
export interface JoinedGpus {
  readonly sharing: 'layers' | 'tensor';
  /** At least two. */
  readonly cards: readonly Card[];
  readonly interconnect: Interconnect;
}

interface GpuSet {
  /** At least 2. */
  readonly count: number;
  readonly interconnect: Interconnect;
  /** The second and further GPUs, if they are not all like the first. */
  readonly others?: readonly Card[];
}

/** A runtime's use of a machine apart from its speeds. */
export interface Software {
  readonly runtime: string;
  /** All of the runtime's file, except prose; absent: there is no file. */
  readonly constants?: unknown;
  /** What is taken for lack of measurements of it, as sentences; absent: nothing. */
  readonly assumed?: string;
  readonly several: 'layers' | 'tensor' | 'experts';
  /** Tokens of a pass from which on experts that the CPU would compute are copied to the GPU and computed there; null: never. */
  readonly offloadFrom: number | null;
  /** Present if each expert is copied only if it is computed sooner so. */
  readonly offloadIfSooner?: true;
  /** Unit of `offloadFrom`: tokens of the pass, or tokens per expert on average. */
  readonly offloadCounts: 'pass' | 'expert';
  /** Factor on the link for copies out of pinned memory, if the link's own rate is that of pageable memory. Absent: it is pinned already. */
  readonly pinned?: number;
  /** Present if weights that are not mapped lie in pinned memory, too. */
  readonly pinsUnmapped?: true;
  /** False: an event's experts execute when the last of its copies has arrived. */
  readonly overlaps: boolean;
  /** Present if experts on an SSD are pages of a mapped file, which the operating system keeps. Absent: they are read whole. */
  readonly mapped?: true;
  /** Time of predictions, as a multiple of what moeprof's own take on a host of the same clock; 0: nothing. */
  readonly prediction: number;
}

/** A machine. `tiers[0]` is where experts execute; `links[i]` brings experts from `tiers[i + 1]` to `tiers[i]`. */
export interface HardwareSpec {
  readonly name: string;
  readonly tiers: readonly Tier[];
  readonly links: readonly LinkSpec[];
  /** Computes on `tiers[0]`: the GPU, or the processor of a unified-memory machine or a phone. */
  readonly gpu: Device;
  /** True: there is no GPU, and `gpu` is the CPU. */
  readonly cpuOnly?: true;
  /** Present if there are several of these GPUs: each has its own memory and its own link to DRAM. Absent: one. */
  readonly gpus?: GpuSet;
  /** Present if a runtime drives several GPUs as one: `tiers[0]` is the memory of all. Absent: one, or {@link gpus}. */
  readonly joined?: JoinedGpus;
  /** Computes on DRAM in parallel with the GPU; null if there is no such second processor. */
  readonly cpu: HostDevice | null;
  /** Base clock of the CPU in GHz, if the profile has it. */
  readonly hostClock?: number;
  /** The runtime that its speeds belong to; absent: the profile states all of them itself. */
  readonly software?: Software;
  /** The content of the profile without its name, equal for all runtimes. Absent: it is calibrated. */
  readonly facts?: unknown;
  /** The parts that it is composed of; absent if a file describes it. */
  readonly machine?: Machine;
}

/** Sentences, three at most: the CPU, the memory and the PCIe slot that were taken if nobody gives them. */
export const takenPartsOf = ({ machine }: Pick<HardwareSpec, 'machine'>): readonly string[] => machine?.standIns ?? [];

/** Sentences: what else was taken of a machine and of its runtime by default. */
export function assumedOf({ machine, software }: Pick<HardwareSpec, 'machine' | 'software'>): string[] {
  return [...(machine?.defaults ?? []), ...(software?.assumed === undefined ? [] : [software.assumed])];
}
