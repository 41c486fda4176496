// Purchases that would help: the same question for a machine with one part changed, answered by runs. The bottleneck of a speed is found in the same way:
// the part that speeds it up most when it is a tenth faster.

import { formatBytes } from '../base/units.js';
import { type Device, type HardwareSpec, type HostDevice, withArithmetic, withRate } from '../hardware/door.js';
import { gpusOf } from '../runtime/setting/fits.js';
import { isAllOnGpu, type Setting } from '../runtime/setting/setting.js';
import { cacheBytes, highestFit, type Priced, priced, type Question } from './search.js';

/** A part of the machine that limits a speed. */
export interface Bound {
  readonly decode: string;
  readonly prefill: string;
}

/** A changed machine, and the speeds of its setting. */
export interface Purchase {
  /** `one more memory channel (3 instead of 2)`. */
  readonly part: string;
  /** Tokens/s. */
  readonly decode: number;
  readonly prefill: number;
  /** Gain over the answer: 0.1 is a tenth more. */
  readonly decodeGain: number;
  readonly prefillGain: number;
}

/** Factor by which a part is made faster to see whether it binds. */
const NUDGE = 1.1;

const GIB = 2 ** 30;
/** VRAM that the next larger card has in addition. */
const MORE_VRAM = 8 * GIB;

/** A part, and the machine in which it is `factor` times as fast. */
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

/** The bottleneck of a setting's speeds. */
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

/** The name of a part; a machine with one memory needs no distinction. */
function partName(name: string, hardware: HardwareSpec): string {
  if (hardware.tiers[0]!.name !== 'unified') return name;
  return hardware.cpuOnly === true ? name.replace('GPU', 'CPU') : name.replace('GPU memory', 'memory');
}

/** Purchases that would help, most gain first; those that gain less than a hundredth are left out. */
export async function purchasesOf(question: Question, answer: Priced): Promise<Purchase[]> {
  const found: Purchase[] = [];
  for (const { hardware, part } of changesOf(question.hardware, answer.setting)) {
    const changed = { ...question, hardware };
    const setting = highestFit(changed, answer.model, answer.setting) ?? answer.setting;
    const { price } = await priced(changed, answer.model, setting);
    const gains = { decodeGain: price.decode / answer.price.decode - 1, prefillGain: price.prefill / answer.price.prefill - 1 };
    if (Math.max(gains.decodeGain, gains.prefillGain) < 0.01) continue;
    found.push({ part, decode: price.decode, prefill: price.prefill, ...gains });
  }
  return found.sort((a, b) => b.decodeGain + b.prefillGain - (a.decodeGain + a.prefillGain));
}

/** Machines with one part changed. */
function changesOf(hardware: HardwareSpec, setting: Setting): { part: string; hardware: HardwareSpec }[] {
  const { machine, tiers } = hardware;
  const changes: { part: string; hardware: HardwareSpec }[] = [];
  const hostComputes = !isAllOnGpu(setting);
  const ram = machine?.ram;
  if (ram !== null && ram !== undefined && hostComputes && machine?.unified !== true) {
    const channels = ram.channels / machine!.sockets;
    const factor = (channels + 1) / channels;
    const part = `one more memory channel (${channels + 1} of ${ram.type}-${ram.mts} instead of ${channels})`;
    changes.push({ part, hardware: withHostMemory(hardware, factor) });
  }
  // A slot that is faster than the card is of no use to it.
  const [pcie, card] = [machine?.pcie, machine?.gpus[0]?.pcie];
  const faster = pcie && card ? (2 ** (card.generation - pcie.generation) * card.lanes) / pcie.lanes : 1;
  if (faster > 1 && hostComputes) {
    const part = `PCIe ${card!.generation}.0 x${card!.lanes} instead of ${pcie!.generation}.0 x${pcie!.lanes}`;
    changes.push({ part, hardware: withLink(hardware, 'h2d', faster) });
  }
  if (setting.fromDisk) {
    changes.push({ part: 'twice as fast an SSD', hardware: withLink(hardware, 'ssd', 2) });
    const [last] = tiers.filter(({ name }) => name !== 'ssd').slice(-1);
    const more = tiers.map((tier) => (tier === last ? { ...tier, bytes: 2 * tier.bytes } : tier));
    changes.push({ part: 'twice the RAM', hardware: { ...hardware, tiers: more } });
  }
  // The memory of a laptop's card is soldered, and the card with it.
  const soldered = machine?.gpus.some(({ name }) => name.endsWith('-laptop')) === true;
  if (tiers[0]!.name === 'gpu' && hostComputes && !soldered) {
    const each = gpusOf(hardware) > 1 ? ' on each GPU' : '';
    changes.push({ part: `${formatBytes(MORE_VRAM)} more VRAM${each}`, hardware: withMoreVram(hardware) });
  }
  return changes;
}

function withMoreVram(hardware: HardwareSpec): HardwareSpec {
  const { gpus, tiers } = hardware;
  const [gpu, ...below] = tiers;
  const more = <T extends { readonly bytes: number }>(memory: T): T => ({ ...memory, bytes: memory.bytes + MORE_VRAM });
  const others = gpus?.others?.map(more);
  return { ...hardware, tiers: [more(gpu!), ...below], ...(others === undefined ? {} : { gpus: { ...gpus!, others } }) };
}

function withGpu(hardware: HardwareSpec, change: (gpu: Device) => Device): HardwareSpec {
  return { ...hardware, gpu: change(hardware.gpu) };
}

/** Faster host memory, also where the CPU stands in the GPU's place. */
function withHostMemory(hardware: HardwareSpec, factor: number): HardwareSpec {
  const faster = <T extends Device>(device: T): T => ({ ...device, memoryBandwidth: device.memoryBandwidth * factor });
  return hardware.cpu === null ? withGpu(hardware, faster) : withCpu(hardware, faster);
}

function withCpu(hardware: HardwareSpec, change: (cpu: HostDevice) => HostDevice): HardwareSpec {
  // Where the CPU stands in the GPU's place, it is nudged as that.
  return hardware.cpu === null ? hardware : { ...hardware, cpu: change(hardware.cpu) };
}

function withLink(hardware: HardwareSpec, name: 'h2d' | 'ssd', factor: number): HardwareSpec {
  if (!hardware.links.some((link) => link.name === name)) return hardware;
  const faster = (bandwidth: number): number => bandwidth * factor;
  return { ...hardware, links: hardware.links.map((link) => (link.name === name ? withRate(link, faster) : link)) };
}

/** The machine with weights in pinned memory in place of mapped ones; itself where that changes nothing. */
export function unmapped(hardware: HardwareSpec): HardwareSpec {
  const { pinned = 1, pinsUnmapped } = hardware.software ?? {};
  return pinsUnmapped === true ? withLink(hardware, 'h2d', pinned) : hardware;
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
