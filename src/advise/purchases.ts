import { ownValue } from '../base/objects.js';
import { formatBytes, formatRate, GIB } from '../base/units.js';
import {
  GPUS,
  type GpuPart,
  type HardwareSpec,
  type Machine,
  type PcieLink,
  pcieRate,
  slotText,
  withArithmetic,
} from '../hardware/door.js';
import { gpusOf, isAllOnGpu, type Setting } from '../runtime/door.js';
import { highestFit } from './fit.js';
import { MODULES } from './guesses.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { priced } from './search.js';
import { withGpu, withHostMemory, withLink } from './what-if.js';

/** A changed machine, and the speeds of its setting. */
export interface Purchase {
  /** `ddr4-3600 in the place of ddr4-2666`. */
  readonly part: string;
  /** Tokens/s. */
  readonly decode: number;
  readonly prefill: number;
  /** Gain over the answer; 0.1: 10 % faster. */
  readonly decodeGain: number;
  readonly prefillGain: number;
}

/** Runs with a part changed, most gain first; gains below 1 % are left out. */
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

interface Changed {
  readonly part: string;
  readonly hardware: HardwareSpec;
}

function changesOf(hardware: HardwareSpec, setting: Setting): Changed[] {
  const { machine, tiers } = hardware;
  if (machine === undefined || machine.cpu === null) return [];
  const { cpu, disks, gpus, ram, sockets, unified } = machine;
  const changes: Changed[] = [];
  const add = (part: string, changed: HardwareSpec): unknown => changed !== hardware && changes.push({ part, hardware: changed });
  const hostComputes = !isAllOnGpu(setting);
  if (ram !== null && hostComputes && !unified && !ram.type.startsWith('lpddr')) {
    const slots = cpu.memory.channels * sockets;
    if (ram.channels < slots) add(`modules in all ${slots} channels, not ${ram.channels}`, withHostMemory(hardware, slots / ram.channels));
    const listed = ram.type === cpu.memory.type ? cpu.memory.mts : 0;
    const fastest = Math.max(listed, cpu.form === 'desktop' ? (ownValue(MODULES, ram.type)?.[1] ?? 0) : 0);
    if (fastest > ram.mts)
      add(`${ram.type}-${fastest} in the place of ${ram.type}-${ram.mts}`, withHostMemory(hardware, fastest / ram.mts));
  }
  const slot = slotFor(machine, gpus[0]);
  const faster = slot === null ? 1 : pcieRate(slot) / pcieRate(machine.pcie!);
  if (faster > 1 && hostComputes)
    add(`the card in a slot of PCIe ${slotText(slot!)}, not ${slotText(machine.pcie!)}`, withLink(hardware, 'h2d', faster));
  if (setting.fromDisk) {
    const drive = FAST_DRIVES[cpu.pcieGeneration ?? 0];
    const rate = disks.reduce((sum, { bandwidth }) => sum + bandwidth, 0);
    if (drive !== undefined && drive > 1.1 * rate)
      add(`a drive of ${formatRate(drive)}, not ${formatRate(rate)}`, withLink(hardware, 'ssd', drive / rate));
    const last = tiers.findLast(({ name }) => name !== 'ssd')!;
    const more = tiers.map((tier) => (tier === last ? { ...tier, bytes: tier.bytes + (ram!.bytes ?? 0) } : tier));
    if (!unified && 2 * ram!.bytes! <= (MOST_MEMORY[cpu.form] ?? 0) * GIB)
      add(`${formatBytes(2 * ram!.bytes!)} of memory, not ${formatBytes(ram!.bytes!)}`, { ...hardware, tiers: more });
  }
  const card = hostComputes && tiers[0]!.name === 'gpu' ? largerCard(gpus) : null;
  if (card !== null)
    add(`${card.name} in the place of ${gpusOf(hardware) > 1 ? 'each ' : ''}${gpus[0]!.name}`, withCard(hardware, gpus[0]!, card));
  return changes;
}

/** Maximum memory of boards, GiB: 4 modules of 64, 2 of 64, 8 of 256, 24 of 256. */
const MOST_MEMORY: Readonly<Record<string, number>> = { desktop: 256, laptop: 128, workstation: 2048, server: 6144 };

/** Fast drives by PCIe generation, bytes/s: data sheets of drives with four lanes. */
const FAST_DRIVES: Readonly<Record<number, number>> = { 3: 3.5e9, 4: 7e9, 5: 14e9 };

/** Widest slot common to board and card; null: unknown or fixed, as in a laptop. */
function slotFor({ cpu, pcie }: Machine, card: GpuPart | undefined): PcieLink | null {
  if (pcie == null || card?.pcie === undefined || cpu?.pcieGeneration === undefined || cpu.form === 'laptop') return null;
  return { generation: Math.min(card.pcie.generation, cpu.pcieGeneration), lanes: card.pcie.lanes };
}

function largerCard([card, ...others]: readonly GpuPart[]): GpuPart | null {
  if (card === undefined || card.form === 'laptop' || others.some(({ name }) => name !== card.name)) return null;
  const forms = card.form === 'desktop' ? ['desktop', 'workstation'] : [card.form];
  const larger = GPUS.parts.filter(
    ({ form, memoryBandwidth, memoryBytes, pcie, vendor }) =>
      vendor === card.vendor &&
      pcie !== undefined &&
      forms.includes(form) &&
      memoryBytes > card.memoryBytes &&
      memoryBandwidth >= card.memoryBandwidth,
  );
  const foreign = ({ form }: GpuPart): number => Number(form !== card.form);
  return larger.sort((a, b) => foreign(a) - foreign(b) || a.memoryBytes - b.memoryBytes || a.fp16Flops - b.fp16Flops)[0] ?? null;
}

function withCard(hardware: HardwareSpec, from: GpuPart, to: GpuPart): HardwareSpec {
  const [gpu, ...below] = hardware.tiers;
  const larger = { ...hardware, tiers: [{ ...gpu!, bytes: gpu!.bytes + to.memoryBytes - from.memoryBytes }, ...below] };
  const slot = slotFor(hardware.machine!, to);
  const present = slotFor(hardware.machine!, from);
  // A slot narrower than the card stays narrower.
  const link =
    slot !== null && present !== null && slotText(present) === slotText(hardware.machine!.pcie!) ? pcieRate(slot) / pcieRate(present) : 1;
  const rate = to.memoryBandwidth / from.memoryBandwidth;
  const faster = withGpu(larger, (device) =>
    withArithmetic({ ...device, memoryBandwidth: device.memoryBandwidth * rate }, to.fp16Flops / from.fp16Flops),
  );
  return withLink(faster, 'h2d', link);
}
