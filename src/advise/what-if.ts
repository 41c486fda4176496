import { type Device, type HardwareSpec, type HostDevice, type Software, withArithmetic, withRate } from '../hardware/door.js';
import { cacheBytes } from './fit.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';

/** A part of the machine that limits a speed. */
export interface Bound {
  readonly decode: string;
  readonly prefill: string;
}

/** Speed-up of a part that tests for a bottleneck. Ours. */
const NUDGE = 1.1;

type Nudge = readonly [name: string, faster: (hardware: HardwareSpec, factor: number) => HardwareSpec];

const NUDGES: readonly Nudge[] = [
  ['CPU memory bandwidth', (hardware, factor) => withCpu(hardware, (cpu) => ({ ...cpu, memoryBandwidth: cpu.memoryBandwidth * factor }))],
  ['CPU arithmetic', (hardware, factor) => withCpu(hardware, (cpu) => withArithmetic(cpu, factor))],
  ['GPU memory bandwidth', (hardware, factor) => withGpu(hardware, (gpu) => ({ ...gpu, memoryBandwidth: gpu.memoryBandwidth * factor }))],
  ['GPU arithmetic', (hardware, factor) => withGpu(hardware, (gpu) => withArithmetic(gpu, factor))],
  ['PCIe', (hardware, factor) => withLink(hardware, 'h2d', factor)],
  ['the SSD', (hardware, factor) => withLink(hardware, 'ssd', factor)],
  ["the runtime's own time", withLessOverhead],
];

/** Bottleneck of a setting's speeds. */
export async function boundOf(question: Question, { devices, model, price, setting }: Priced): Promise<Bound> {
  const { hardware, pricer } = question;
  const cached = setting.fromDisk ? cacheBytes(devices, model, setting) : null;
  const best = { decode: { name: '', rate: price.decode }, prefill: { name: '', rate: price.prefill } };
  for (const [name, faster] of NUDGES) {
    const changed = faster(hardware, NUDGE);
    if (changed === hardware) continue;
    const priced = { model, hardware: changed, setting, cached };
    const rates = { decode: await pricer.decode(priced), prefill: await pricer.prefill(priced) };
    for (const phase of ['decode', 'prefill'] as const) {
      if (rates[phase] > best[phase].rate) best[phase] = { name: partName(name, hardware), rate: rates[phase] };
    }
  }
  return { decode: best.decode.name, prefill: best.prefill.name };
}

/** Part name; unified memory has no prefix. */
function partName(name: string, hardware: HardwareSpec): string {
  if (hardware.tiers[0]!.name !== 'unified') return name;
  return hardware.cpuOnly === true ? name.replace('GPU', 'CPU') : name.replace('GPU memory', 'memory');
}

/** A machine with another GPU. */
export function withGpu(hardware: HardwareSpec, change: (gpu: Device) => Device): HardwareSpec {
  return { ...hardware, gpu: change(hardware.gpu) };
}

/** A machine with faster host memory, also if the CPU replaces the GPU. */
export function withHostMemory(hardware: HardwareSpec, factor: number): HardwareSpec {
  const faster = <T extends Device>(device: T): T => ({ ...device, memoryBandwidth: device.memoryBandwidth * factor });
  return hardware.cpu === null ? withGpu(hardware, faster) : withCpu(hardware, faster);
}

/** A machine with another CPU; unchanged if the CPU replaces the GPU. */
export function withCpu(hardware: HardwareSpec, change: (cpu: HostDevice) => HostDevice): HardwareSpec {
  return hardware.cpu === null ? hardware : { ...hardware, cpu: change(hardware.cpu) };
}

/** A machine with a faster link; unchanged without such a link. */
export function withLink(hardware: HardwareSpec, name: 'h2d' | 'ssd', factor: number): HardwareSpec {
  if (!hardware.links.some((link) => link.name === name)) return hardware;
  const faster = (bandwidth: number): number => bandwidth * factor;
  return { ...hardware, links: hardware.links.map((link) => (link.name === name ? withRate(link, faster) : link)) };
}

/** A machine with pinned instead of mapped weights; unchanged without `pinsUnmapped`. */
export function unmapped(hardware: HardwareSpec): HardwareSpec {
  const { cache, pinned = 1, pinsUnmapped, ...software } = hardware.software ?? {};
  const faster = withLink(hardware, 'h2d', pinned);
  if (pinsUnmapped !== true || faster === hardware) return hardware;
  const copies = cache && { ...cache, pinned: cache.pinned / pinned, mapped: cache.mapped / pinned };
  return { ...faster, software: { ...(software as Software), ...(copies && { cache: copies }) } };
}

function withLessOverhead(hardware: HardwareSpec, factor: number): HardwareSpec {
  const less = <T extends Device>(device: T): T => ({
    ...device,
    launchNs: device.launchNs / factor,
    perLayerNs: device.perLayerNs / factor,
    perPassNs: device.perPassNs / factor,
  });
  const { cpu, gpu } = hardware;
  return { ...hardware, gpu: less(gpu), cpu: cpu === null ? null : { ...less(cpu), handoverNs: cpu.handoverNs / factor } };
}
