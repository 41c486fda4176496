import { GIB } from '../base/units.js';
import type { Machine } from './parts/defaults.js';
import { isCovered, isHalved, memoryKind } from './parts/kinds.js';
import { memoryRate } from './parts/memory.js';
import { pcieRate } from './parts/pcie.js';
import { COPY_START, pinnedRate, READ, SOCKETS, sheetRate } from './parts/reach.js';
import type { HardwareProfileInput } from './profile.js';

/** Share: DeepEP, 153 to 158 of the H800's 200 GB/s (README). Latency per round, ns: fitted on servers of up to 16 cards. */
const LINKED = { share: 0.77, latency: 9e3 };
/** Through host memory over two slots: half the rate. Latency per round, ns: fitted on two 3090s and 4 to 16 RTX PRO 6000. */
const UNLINKED = { share: 0.5, latency: 15e3 };

/** Bytes of a GPU's context and the framework's buffers; assumed. */
const GPU_RESERVE = 512 * 2 ** 20;

/** Profile of a machine. Without a GPU, the CPU takes the GPU's place. */
export function machineToProfile(machine: Machine): HardwareProfileInput {
  const { disks, gpus, name, system } = machine;
  const memories = machine.unified || gpus.length === 0 ? ofOneMemory(machine) : ofCards(machine);
  const parts = system === undefined ? memories : { ...memories, system };
  if (disks.length === 0) return { name, ...parts };
  const ssd = { name: 'ssd', size: disks.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) } as const;
  return { name, ...parts, tiers: [...parts.tiers, ssd], links: [...(parts.links ?? []), ssdLink(machine)] };
}

/** Interconnect of equal cards. @param link bytes/s of NVLink or Infinity Fabric; null: none @param copies bytes/s of pinned copies */
export function betweenCards(link: number | null, copies: number): { readonly bandwidth: number; readonly latency: number } {
  const { latency, share } = link === null ? UNLINKED : LINKED;
  return { bandwidth: (link ?? copies) * share, latency };
}

type Parts = Omit<HardwareProfileInput, 'name'>;

function ofOneMemory(machine: Machine): Parts {
  const { gpus, ram } = machine;
  const [gpu] = gpus;
  // macOS lets the GPU use three quarters of memory by default (recommendedMaxWorkingSetSize).
  const reserve = gpu?.vendor === 'apple' ? ram!.bytes! / 4 : systemReserve(ram!.bytes!);
  return { tiers: [{ name: 'unified', size: ram!.bytes!, reserve }], gpu: gpu === undefined ? allSockets(machine) : gpuFacts(gpu) };
}

function ofCards(machine: Machine): Parts {
  const { gpus, pcie, ram, sockets } = machine;
  const gpu = gpus[0]!;
  const copies = pcie!.measuredBandwidth ?? pinnedRate(pcieRate(pcie!));
  const linked = gpus.every(({ name }) => name === gpu.name) ? (gpu.link ?? null) : null;
  return {
    tiers: [
      { name: 'gpu', size: gpu.memoryBytes, reserve: GPU_RESERVE },
      { name: 'dram', size: ram!.bytes!, reserve: systemReserve(ram!.bytes!) },
    ],
    links: [{ name: 'h2d', bandwidth: copies, latency: COPY_START }],
    gpu: gpuFacts(gpu),
    ...(gpus.length > 1 && { gpus: { count: gpus.length, interconnect: betweenCards(linked, copies), ...otherCards(gpus) } }),
    cpu: { ...oneSocket(machine), ...(sockets > 1 && { sockets, interconnect: SOCKETS }) },
  };
}

function otherCards([first, ...others]: Machine['gpus']): Pick<NonNullable<HardwareProfileInput['gpus']>, 'others'> {
  if (others.every(({ name }) => name === first!.name)) return {};
  return {
    others: others.map((gpu) => {
      const { memoryBandwidth, peak } = gpuFacts(gpu);
      return { peak: peak!, memoryBandwidth, size: gpu.memoryBytes, reserve: GPU_RESERVE };
    }),
  };
}

function gpuFacts({ fp16Flops, measuredBandwidth, memoryBandwidth, name }: Machine['gpus'][number]): HardwareProfileInput['gpu'] {
  return {
    peak: fp16Flops,
    ...(isHalved(name) && { halved: true }),
    ...(isCovered(name) && { covered: true }),
    memoryBandwidth: measuredBandwidth === undefined ? memoryBandwidth : sheetRate(measuredBandwidth, 'gpu'),
  };
}

function oneSocket({ cpu, ram, sockets }: Machine): HardwareProfileInput['gpu'] & { cores: number } {
  const { arch, cores, clockHz, isa } = cpu!;
  const kind = memoryKind(cpu!, ram!.type);
  const rate = ram!.measuredBandwidth === undefined ? memoryRate(ram!) : sheetRate(ram!.measuredBandwidth, 'host');
  return { cores, clock: clockHz / 1e9, isa, generation: arch, memory: kind, memoryBandwidth: rate / sockets };
}

function allSockets(machine: Machine): HardwareProfileInput['gpu'] {
  const socket = oneSocket(machine);
  return {
    ...socket,
    sockets: machine.sockets,
    cores: socket.cores * machine.sockets,
    memoryBandwidth: (socket.memoryBandwidth as number) * machine.sockets,
  };
}

const systemReserve = (bytes: number): number => Math.min(4 * GIB, bytes / 8);

/** Drives form a stripe; with whole files per drive, the slowest drive decides, and further drives add room. */
function ssdLink({ disks }: Machine): NonNullable<HardwareProfileInput['links']>[number] {
  const apart = disks.some(({ byFile }) => byFile);
  const read = apart ? [disks.reduce((slowest, disk) => (disk.bandwidth < slowest.bandwidth ? disk : slowest))] : disks;
  const paths = read.map(({ bandwidth, latencyNs }) => ({ bandwidth, latency: latencyNs }));
  return paths.length === 1 ? { name: 'ssd', ...paths[0]!, lanes: READ.lanes } : { name: 'ssd', flows: 'split', paths };
}
