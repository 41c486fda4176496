// Devices as a runtime drives them: facts of a data sheet times the shares that the runtime's kernels reach. A device that a calibration
// measured has its own figures, which no runtime changes.
import { ownValue } from '../base/objects.js';
import type { HardwareProfile } from './profile.js';
import type { RuntimeSpec } from './runtime.js';
import { type ByFormat, type Device, type HostDevice, type LinkSpec, type Sockets, type Software, scaledByFormat } from './spec.js';

/**
 * Bytes through memory for each score without flash attention: f32 that the product of queries and keys writes, the softmax reads and writes,
 * and the product with the values reads.
 */
const SCORE_BYTES = 16;

type GpuProfile = HardwareProfile['gpu'];
type CpuProfile = NonNullable<HardwareProfile['cpu']>;

/** The runtime beside this CPU: host times scale with the CPU's clock, where the runtime says so. */
export function besideHost(runtime: RuntimeSpec, cpu: Pick<CpuProfile, 'clock'> | undefined): RuntimeSpec {
  if (runtime.host === null || cpu?.clock === undefined) return runtime;
  const factor = runtime.host.clock / cpu.clock;
  const { expert, handover, layer, pass } = runtime;
  return { ...runtime, expert: expert * factor, handover: handover * factor, layer: layer * factor, pass: pass * factor };
}

/** The device that executes dense layers: a GPU, or the CPU of a machine that has no other processor. */
export function firstDevice(profile: GpuProfile, runtime: RuntimeSpec): Device {
  if (profile.bandwidthFraction !== undefined) return measuredDevice(profile);
  if (profile.isa !== undefined) return { ...cores(profile, runtime), perPassNs: runtime.pass };
  const { attention, bandwidth, compute } = runtime.gpu;
  return {
    peakFlops: profile.peak!,
    memoryBandwidth: profile.memoryBandwidth,
    computeFraction: compute,
    bandwidthFraction: bandwidth.default!,
    bandwidthByFormat: bandwidth,
    attention: {
      bandwidthFraction: attention.bandwidth,
      computeFraction: attention.compute,
      vectorFraction: attention.vector,
    },
    ...attending(runtime),
    launchNs: runtime.expert,
    perLayerNs: runtime.layer,
    perPassNs: runtime.pass,
  };
}

/** The CPU beside the GPU; its figures are those of one socket. */
export function hostDevice(profile: CpuProfile, runtime: RuntimeSpec): HostDevice {
  if (profile.bandwidthFraction !== undefined) return measuredHost(profile);
  const { numa, sockets } = runtime.cpu;
  const host = { ...cores(profile, runtime), handoverNs: profile.handover ?? runtime.handover };
  return { ...host, ...socketsOf(profile, { numa: profile.numa ?? numa, efficiency: sockets }) };
}

/** The same, from a calibration. */
export function measuredHost(profile: CpuProfile): HostDevice {
  return { ...measuredDevice(profile), handoverNs: profile.handover!, ...socketsOf(profile, { numa: profile.numa ?? 'expert' }) };
}

/** One socket is as a machine that says nothing of several. */
function socketsOf({ interconnect, sockets }: CpuProfile, use: Pick<Sockets, 'numa' | 'efficiency'>): Pick<HostDevice, 'sockets'> {
  if (sockets === 1) return {};
  const { bandwidth, latency } = interconnect!;
  return { sockets: { count: sockets, ...use, interconnect: { bandwidth, latencyNs: latency } } };
}

/** A link as a runtime's copies use it: pinned or pageable, whole or in pieces, each with its time of the host. */
export function copiedOver(link: LinkSpec, { copy }: RuntimeSpec): LinkSpec {
  if (link.name !== 'h2d') return link;
  const latency = (ns: number): number => copy.pieces * (ns + copy.host);
  const reached = { ...link, bandwidth: link.bandwidth * copy.efficiency, latencyNs: latency(link.latencyNs) };
  if (link.paths === undefined) return reached;
  const paths = link.paths.map((path) => ({ bandwidth: path.bandwidth * copy.efficiency, latencyNs: latency(path.latencyNs) }));
  return { ...reached, paths };
}

/** The software of a runtime: all it does beside computing. */
export function softwareOf(runtime: RuntimeSpec): Software {
  const { assumed, copy, gpu, name, prediction, prompt, read } = runtime;
  return {
    runtime: name,
    constants: { ...runtime, assumed: undefined, fitted: undefined },
    ...(assumed === null ? {} : { assumed }),
    several: gpu.several,
    offloadFrom: prompt.offloadFrom,
    offloadCounts: prompt.counts,
    overlaps: copy.overlap !== 'none',
    prediction,
    ...(read.size === 'expert' ? {} : { mapped: true }),
  };
}

/** A device as a calibration measured it. */
export function measuredDevice(profile: GpuProfile): Device {
  return {
    peakFlops: profile.peak!,
    memoryBandwidth: profile.memoryBandwidth,
    computeFraction: profile.computeFraction!,
    bandwidthFraction: profile.bandwidthFraction!,
    launchNs: profile.launch ?? 0,
    perLayerNs: profile.perLayer ?? 0,
    perPassNs: profile.perPass ?? 0,
  };
}

/** Cores of a socket: arithmetic and unpacking go with cores and clock, reading with the memory. */
function cores(profile: Pick<GpuProfile, 'clock' | 'cores' | 'isa' | 'memoryBandwidth'>, { cpu, gpu }: RuntimeSpec): Device {
  const hertz = profile.cores! * profile.clock! * 1e9;
  const operations = ownValue(cpu.operations, profile.isa!) ?? cpu.operations.default!;
  return {
    peakFlops: hertz * operations,
    memoryBandwidth: profile.memoryBandwidth,
    computeFraction: 1,
    bandwidthFraction: cpu.bandwidth,
    ...peaks(cpu.operations, profile.isa!, hertz),
    unpacking: scaledByFormat(unpackedOn(cpu.weightsPerCycle, profile.isa!), hertz),
    ...attending({ gpu }),
    launchNs: 0,
    perLayerNs: cpu.layer,
    perPassNs: 0,
  };
}

/** The form of attention, on either device. */
function attending({ gpu }: Pick<RuntimeSpec, 'gpu'>): Pick<Device, 'scoreBytes' | 'unpacksLatent'> {
  return { ...(gpu.flashAttention ? {} : { scoreBytes: SCORE_BYTES }), ...(gpu.latent === 'unpacked' && { unpacksLatent: true }) };
}

/** Values of formats on this instruction set alone, where a table has them: `amx/int`, `avx512-vnni/k`. */
function onIsa(table: ByFormat, isa: string): ByFormat {
  const own = Object.entries(table).flatMap(([name, value]) => {
    const [set, format] = name.split('/');
    return set === isa && format !== undefined ? [[format, value] as const] : [];
  });
  return Object.fromEntries(own);
}

/** Throughput of formats that have kernels of their own. */
function peaks(operations: ByFormat, isa: string, hertz: number): Pick<Device, 'peakByFormat'> {
  const own = onIsa(operations, isa);
  return Object.keys(own).length === 0 ? {} : { peakByFormat: scaledByFormat(own, hertz) };
}

/** Weights a cycle by format: those of all instruction sets, and in their place those of this one. */
function unpackedOn(table: ByFormat, isa: string): ByFormat {
  const all = Object.entries(table).filter(([name]) => !name.includes('/'));
  return { ...Object.fromEntries(all), ...onIsa(table, isa) };
}
