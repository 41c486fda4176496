import { UserError } from '../base/errors.js';
import { type Card, type HardwareSpec, type HostDevice, type JoinedGpus, type LinkSpec, withArithmetic } from './spec.js';

/** Bytes of each GPU; a single entry for one GPU or joined memory. */
export function gpuRooms({ gpus, tiers }: HardwareSpec): number[] {
  const first = tiers[0]!.bytes;
  const others = gpus?.others?.map(({ bytes }) => bytes) ?? Array.from({ length: (gpus?.count ?? 1) - 1 }, () => first);
  return [first, ...others];
}

/** Bytes of the smallest GPU, the limit of equal loads. */
export const leastGpuRoom = (hardware: HardwareSpec): number => Math.min(...gpuRooms(hardware));

/** GPU of each of `count` layers by shares, as in llama.cpp's split. @param parts in any unit, some above 0 */
export function splitLayers(parts: readonly number[], count: number): number[] {
  const total = parts.reduce((sum, part) => sum + part, 0);
  let sum = 0;
  const ends = parts.map((part) => (sum += part) / total);
  // Rounding must not leave the last layer without a GPU.
  const open = ends.map((end) => (end >= 1 - 1e-9 ? Number.POSITIVE_INFINITY : end));
  return Array.from({ length: count }, (_, layer) => open.findIndex((end) => layer / count < end));
}

/** Machine seen by a GPU of several equal processes: full GPU memory, and an even part of DRAM, SSD, links and CPU. */
export function shareOf(hardware: HardwareSpec): HardwareSpec {
  const { gpus, ...machine } = hardware;
  if (gpus === undefined) return hardware;
  const { count } = gpus;
  const { cpu, links, tiers } = machine;
  return {
    ...machine,
    tiers: tiers.map((tier, level) => (level === 0 ? tier : { ...tier, bytes: tier.bytes / count })),
    links: links.map((link, level) => (level === 0 ? link : withRate(link, (bandwidth) => bandwidth / count))),
    cpu: cpu === null ? null : partOfCpu(cpu, count),
  };
}

function partOfCpu(cpu: HostDevice, count: number): HostDevice {
  const { memoryBandwidth, peakFlops, sockets } = cpu;
  const part = { ...withArithmetic(cpu, 1 / count), peakFlops: peakFlops / count, memoryBandwidth: memoryBandwidth / count };
  if (sockets === undefined) return part;
  const { interconnect } = sockets;
  return { ...part, sockets: { ...sockets, interconnect: { ...interconnect, bandwidth: interconnect.bandwidth / count } } };
}

/** The link with `rate` applied to each bandwidth, bytes/s. */
export function withRate(link: LinkSpec, rate: (bandwidth: number) => number): LinkSpec {
  const changed = { ...link, bandwidth: rate(link.bandwidth) };
  if (link.paths === undefined) return changed;
  return { ...changed, paths: link.paths.map((path) => ({ ...path, bandwidth: rate(path.bandwidth) })) };
}

/** The link with `latencyNs` on each path, ns. */
export function withLatency(link: LinkSpec, latencyNs: number): LinkSpec {
  const { paths } = link;
  return { ...link, latencyNs, ...(paths === undefined ? {} : { paths: paths.map((path) => ({ ...path, latencyNs })) }) };
}

/** Bytes of a value between cards: llama.cpp passes f32, tensor slices meet in 16 bits. */
const VALUE_BYTES = { layers: 4, tensor: 2 } as const;

/** A single-GPU machine is unchanged. @throws UserError for tensor slices over unequal GPUs */
export function joinGpus(hardware: HardwareSpec, sharing: JoinedGpus['sharing']): HardwareSpec {
  const { gpus, ...machine } = hardware;
  if (gpus === undefined) return hardware;
  const { count, interconnect, others } = gpus;
  const [memory, ...below] = machine.tiers;
  const first: Card = { device: machine.gpu, bytes: memory!.bytes };
  const cards = [first, ...(others ?? Array.from({ length: count - 1 }, () => first))];
  if (sharing === 'tensor' && others !== undefined) {
    throw new UserError(`${machine.name}: its GPUs differ, and a tensor is cut over GPUs that are alike; take layers, or name one kind`);
  }
  const joined = { ...machine, tiers: [{ ...memory!, bytes: cards.reduce((sum, { bytes }) => sum + bytes, 0) }, ...below] };
  if (sharing === 'layers') return { ...joined, joined: { sharing, cards, interconnect } };
  const { cpu, gpu } = machine;
  const hostRate = cpu === null ? Number.POSITIVE_INFINITY : cpu.memoryBandwidth * (cpu.sockets?.count ?? 1);
  return {
    ...joined,
    gpu: { ...gpu, peakFlops: gpu.peakFlops * count, memoryBandwidth: gpu.memoryBandwidth * count },
    links: machine.links.map((link) => (link.name === 'h2d' ? together(link, count, hostRate) : link)),
    joined: { sharing, cards, interconnect },
  };
}

function together(link: LinkSpec, count: number, most: number): LinkSpec {
  const factor = Math.min(count, most / link.bandwidth);
  return withRate(link, (bandwidth) => bandwidth * factor);
}

/** Card of each of `count` layers, in proportion to card memories (llama.cpp without -ts). */
export function layerCards(cards: readonly Card[], count: number): number[] {
  return splitLayers(
    cards.map(({ bytes }) => bytes),
    count,
  );
}

/** Handover time between cards, ns: fixed, and per token. */
export function hopOf({ cards, interconnect, sharing }: JoinedGpus, hidden: number): { readonly ns: number; readonly nsPerToken: number } {
  // A ring all-reduce sends (n - 1) / n of the values twice.
  const share = sharing === 'tensor' ? (2 * (cards.length - 1)) / cards.length : 1;
  const rounds = sharing === 'tensor' ? Math.log2(cards.length) : 1;
  return { ns: rounds * interconnect.latencyNs, nsPerToken: (share * hidden * VALUE_BYTES[sharing] * 1e9) / interconnect.bandwidth };
}
