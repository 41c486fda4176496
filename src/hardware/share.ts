// One GPU of several and its even part of the host, as a machine of its own.

import { scaledByFormat } from './by-format.js';
import type { HardwareSpec, HostDevice, LinkSpec } from './spec.js';

/**
 * The machine that one of `gpus.count` GPUs sees: its own memory and its own link to DRAM; of DRAM, of the SSD, of its link and of the CPU
 * an even part, as processes that serve one GPU each have when all of them are busy.
 */
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
  const { peakByFormat, unpacking } = cpu;
  const part = {
    ...cpu,
    peakFlops: cpu.peakFlops / count,
    memoryBandwidth: cpu.memoryBandwidth / count,
    ...(peakByFormat && { peakByFormat: scaledByFormat(peakByFormat, 1 / count) }),
    ...(unpacking && { unpacking: scaledByFormat(unpacking, 1 / count) }),
  };
  if (cpu.sockets === undefined) return part;
  const { interconnect } = cpu.sockets;
  return { ...part, sockets: { ...cpu.sockets, interconnect: { ...interconnect, bandwidth: interconnect.bandwidth / count } } };
}

/** The link with `rate` applied to each bandwidth, bytes/s. */
export function withRate(link: LinkSpec, rate: (bandwidth: number) => number): LinkSpec {
  const changed = { ...link, bandwidth: rate(link.bandwidth) };
  if (link.paths === undefined) return changed;
  return { ...changed, paths: link.paths.map((path) => ({ ...path, bandwidth: rate(path.bandwidth) })) };
}
