import { ownValue } from '../base/objects.js';
import type { HardwareProfile } from './profile.js';
import type { RuntimeSpec } from './runtime.js';
import type { ByFormat, Device, HostDevice, LinkSpec, OwnCache, Sockets, Software } from './spec.js';
import { scaledByFormat, withArithmetic } from './spec.js';

/**
 * Bytes per attention score without flash attention: the product writes f32, softmax reads and writes, the values read.
 */
const SCORE_BYTES = 16;

type GpuProfile = HardwareProfile['gpu'];
type CpuProfile = NonNullable<HardwareProfile['cpu']>;

/** Host times scale with the clock, if the runtime states a host clock. */
export function besideHost(runtime: RuntimeSpec, cpu: Pick<CpuProfile, 'clock'> | undefined): RuntimeSpec {
  if (runtime.host === null || cpu?.clock === undefined) return runtime;
  const factor = runtime.host.clock / cpu.clock;
  const { expert, handover, layer, pass } = runtime;
  return { ...runtime, expert: expert * factor, handover: handover * factor, layer: layer * factor, pass: pass * factor };
}

/** The runtime under an operating system. */
export function underSystem(runtime: RuntimeSpec, system: HardwareProfile['system']): RuntimeSpec {
  if (system !== 'windows') return runtime;
  const { handover = runtime.handover, pinned = 1 } = runtime.windows;
  return { ...runtime, handover, cache: runtime.cache && { ...runtime.cache, pinnable: pinned } };
}

/** Device of dense layers: a GPU, or the CPU of a CPU-only machine. */
export function firstDevice(profile: GpuProfile, runtime: RuntimeSpec): Device {
  if (profile.bandwidthFraction !== undefined) return measuredDevice(profile);
  if (profile.isa !== undefined) return { ...allSockets(cores(profile, runtime), profile.sockets, runtime), perPassNs: runtime.pass };
  const { attention, compute, covered, fused, halved, rereads, tile } = runtime.gpu;
  const reached = (share: number): number => (profile.covered === true ? Math.max(share, covered) : share);
  const bandwidth = { ...runtime.gpu.bandwidth, default: reached(runtime.gpu.bandwidth.default!) };
  const summed = profile.halved === true && halved !== 1 ? SHORT_SUMS : 1;
  const { bandwidth: kvShare, compute: attended, latent, vector } = attention;
  return {
    peakFlops: profile.peak!,
    ...(tile > 0 && { tileRows: tile }),
    ...(fused && { fusesLayers: true as const }),
    ...(rereads && { rereads: true as const }),
    ...(profile.halved === true && halved !== 1 && { peakByFormat: fewBits(profile.peak!, halved) }),
    memoryBandwidth: profile.memoryBandwidth,
    computeFraction: compute,
    bandwidthFraction: bandwidth.default,
    bandwidthByFormat: bandwidth,
    attention: {
      bandwidthFraction: reached(kvShare),
      computeFraction: attended * summed,
      vectorFraction: vector,
      ...(latent !== undefined && { latentFraction: latent }),
    },
    widensKv: true,
    movesState: true,
    ...attending(runtime),
    launchNs: runtime.expert,
    perLayerNs: runtime.layer,
    perPassNs: runtime.pass,
  };
}

/**
 * Speed-up of attention on a card with halved FP16: scores are summed in 32 bits, values in 16, at twice the rate
 * (ggml-cuda: fattn-mma-f16). Of two equal halves: 1 / (1/2 + 1/4).
 */
const SHORT_SUMS = 4 / 3;

/** Product rates by format on a card with halved FP16: low-bit weights are multiplied as integers, floats are not. */
function fewBits(peak: number, factor: number): ByFormat {
  return { fp: peak, mxfp4: peak * factor, nvfp4: peak * factor, default: peak * factor };
}

/** Expert share of a layer's operations: seven of 23 in llama.cpp's graph, with a thread barrier after each. */
const EXPERTS_SHARE = 7 / 23;

/** The CPU next to the GPU; figures are per socket. */
export function hostDevice(profile: CpuProfile, runtime: RuntimeSpec): HostDevice {
  if (profile.bandwidthFraction !== undefined) return measuredHost(profile);
  const { sockets, together, untuned = sockets } = runtime.cpu;
  const numa = profile.numa ?? runtime.cpu.numa;
  const handoverNs = profile.handover ?? runtime.handover + EXPERTS_SHARE * waitingNs(profile, runtime);
  const host = { ...cores(profile, runtime), handoverNs };
  // Threads do not compute where their pages lie.
  const efficiency = numa === 'interleaved' ? untuned : sockets;
  return { ...host, ...socketsOf(profile, { numa, efficiency, together }) };
}

function allSockets(device: Device, sockets: number, { cpu }: RuntimeSpec): Device {
  if (sockets === 1) return device;
  return { ...withArithmetic(device, cpu.together), memoryBandwidth: device.memoryBandwidth * cpu.sockets };
}

/** The CPU of a calibrated profile. */
export function measuredHost(profile: CpuProfile): HostDevice {
  return { ...measuredDevice(profile), handoverNs: profile.handover!, ...socketsOf(profile, { numa: profile.numa ?? 'expert' }) };
}

function socketsOf(
  { interconnect, sockets }: CpuProfile,
  use: Pick<Sockets, 'numa' | 'efficiency' | 'together'>,
): Pick<HostDevice, 'sockets'> {
  if (sockets === 1) return {};
  const { bandwidth, latency } = interconnect!;
  return { sockets: { count: sockets, ...use, interconnect: { bandwidth, latencyNs: latency } } };
}

/** A link under a runtime's copies: pinned or pageable, whole or in pieces. */
export function copiedOver(link: LinkSpec, { copy }: RuntimeSpec): LinkSpec {
  if (link.name !== 'h2d') return link;
  const latency = (ns: number): number => copy.pieces * (ns + copy.host);
  const most = copy.staging === 'none' ? Number.POSITIVE_INFINITY : copy.staging;
  const rate = (bandwidth: number): number => Math.min(bandwidth * copy.efficiency, most);
  const reached = { ...link, bandwidth: rate(link.bandwidth), latencyNs: latency(link.latencyNs) };
  if (link.paths === undefined) return reached;
  const paths = link.paths.map((path) => ({ bandwidth: rate(path.bandwidth), latencyNs: latency(path.latencyNs) }));
  return { ...reached, bandwidth: paths.reduce((sum, path) => sum + path.bandwidth, 0), paths };
}

/** Everything except computing. @param link bytes/s of pinned copies; undefined: as measured, or no link */
export function softwareOf(runtime: RuntimeSpec, link: number | undefined): Software {
  const { assumed, cache, copy, gpu, name, prediction, prompt, read } = runtime;
  const pinned = link === undefined || copy.staging === 'none' ? 1 : Math.max(1, (link * copy.efficiency) / copy.staging);
  return {
    ...(pinned > 1 && { pinned, ...(copy.pins && { pinsUnmapped: true as const }) }),
    runtime: name,
    constants: { ...runtime, assumed: undefined, fitted: undefined },
    ...(assumed === null ? {} : { assumed }),
    several: gpu.several,
    ...(prompt.offloadFrom === 'cheaper' ? { offloadFrom: 1, offloadIfSooner: true as const } : { offloadFrom: prompt.offloadFrom }),
    offloadCounts: prompt.counts,
    overlaps: copy.overlap !== 'none',
    ...(cache !== null && link !== undefined && { cache: ownCache(cache, copy.pieces, link * copy.efficiency, pinned) }),
    prediction,
    ...(read.size === 'expert' ? {} : { mapped: true }),
  };
}

/** @param link bytes/s of pinned copies @param pinned their multiple of the link's rate */
function ownCache(cache: NonNullable<RuntimeSpec['cache']>, pieces: number, link: number, pinned: number): OwnCache {
  const { launch, mapped, pinnable, pinned: pins, readBack } = cache;
  return {
    readBackNs: readBack,
    latencyNs: pieces * launch,
    pinned,
    mapped: pinned * Math.min(1, mapped / link),
    pinnable: pins ? pinnable : 0,
  };
}

/** A device of a calibrated profile. */
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

type CoreFacts = Pick<GpuProfile, 'clock' | 'cores' | 'generation' | 'isa' | 'memory' | 'memoryBandwidth' | 'sockets'>;

/** Arithmetic and unpacking scale with cores and clock, reads with cores and memory. */
function cores(profile: CoreFacts, { cpu, gpu }: RuntimeSpec): Device {
  const { generation = '', isa = '', memory = '' } = profile;
  const hertz = profile.cores! * profile.clock! * 1e9;
  const factor = ownValue(cpu.generations, generation) ?? 1;
  const operations = factor * (ownValue(cpu.operations, isa) ?? cpu.operations.default!);
  const bandwidthFraction = cpu.bandwidth * (ownValue(cpu.memory, memory) ?? cpu.memory.default!);
  const core = ownValue(cpu.core, generation) ?? ownValue(cpu.core, memory) ?? cpu.core.default;
  return {
    peakFlops: hertz * operations,
    memoryBandwidth: profile.memoryBandwidth,
    computeFraction: 1,
    bandwidthFraction,
    ...(core !== undefined && { coreBandwidth: profile.cores! * core * cpu.bandwidth }),
    ...(cpu.recurrence !== undefined && { recurrenceNs: 1e9 / (hertz * cpu.recurrence) }),
    ...peaks(cpu, isa, hertz * operations, hertz * factor),
    unpacking: scaledByFormat(unpackedOn(cpu.weightsPerCycle, isa), hertz),
    ...attending({ gpu }),
    launchNs: 0,
    ...(cpu.attention !== undefined && {
      attention: {
        bandwidthFraction,
        peakFlops: hertz * factor * cpu.attention.prompt,
        computeFraction: 1,
        vectorFraction: cpu.attention.vector / cpu.attention.prompt,
      },
    }),
    perLayerNs: cpu.layer + waitingNs(profile, { cpu }),
    perPassNs: 0,
  };
}

function waitingNs({ cores, sockets = 1 }: Pick<CoreFacts, 'cores' | 'sockets'>, { cpu }: Pick<RuntimeSpec, 'cpu'>): number {
  return cpu.barrier * cores! * sockets;
}

function attending({ gpu }: Pick<RuntimeSpec, 'gpu'>): Pick<Device, 'scoreBytes' | 'unpacksLatent'> {
  return { ...(gpu.flashAttention ? {} : { scoreBytes: SCORE_BYTES }), ...(gpu.latent === 'unpacked' && { unpacksLatent: true }) };
}

function onIsa(table: ByFormat, isa: string): ByFormat {
  const entries = Object.entries(table).flatMap(([name, value]) => {
    const [set, format] = name.split('/');
    return set === isa && format !== undefined ? [[format, value] as const] : [];
  });
  return Object.fromEntries(entries);
}

/** Rates of own kernels. @param peak of all other formats, FLOP/s @param hertz cycles/s of all cores, times a factor */
function peaks({ operations, products }: RuntimeSpec['cpu'], isa: string, peak: number, hertz: number): Pick<Device, 'peakByFormat'> {
  const speeds = { ...scaledByFormat(onIsa(products, isa), peak), ...scaledByFormat(onIsa(operations, isa), hertz) };
  return Object.keys(speeds).length === 0 ? {} : { peakByFormat: speeds };
}

function unpackedOn(table: ByFormat, isa: string): ByFormat {
  const all = Object.entries(table).filter(([name]) => !name.includes('/'));
  return { ...Object.fromEntries(all), ...onIsa(table, isa) };
}
