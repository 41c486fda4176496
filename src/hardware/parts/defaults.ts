import { InternalError, UserError } from '../../base/errors.js';
import { groupedBy } from '../../base/objects.js';
import { GIB } from '../../base/units.js';
import type { Form } from './catalogue.js';
import { CPUS, type CpuPart } from './cpu.js';
import { DISK_BYTES, type DiskPart } from './disk.js';
import { GPUS, type GpuPart } from './gpu.js';
import { type MemoryPart, memoryText } from './memory.js';
import { type PcieLink, slotText } from './pcie.js';

/** A machine: data-sheet or measured facts, no software. Bytes, bytes/s, FLOP/s, Hz. */
export interface Machine {
  /** Given parts in canonical order and spelling: equal machines have equal names. */
  readonly name: string;
  /** Empty: the CPU computes everything. */
  readonly gpus: readonly GpuPart[];
  readonly cpu: CpuPart | null;
  readonly sockets: number;
  /** Memory of all sockets; on a unified machine, shared with the GPU. */
  readonly ram: MemoryPart | null;
  readonly pcie: PcieLink | null;
  readonly disks: readonly DiskPart[];
  /** Operating system, if software is slower under it; absent: Linux. */
  readonly system?: 'windows';
  readonly unified: boolean;
  /** At most three sentences on a default CPU, memory speed and PCIe slot. */
  readonly standIns: readonly string[];
  readonly defaults: readonly string[];
  /** Sentence on the fit of the runtime's constants, with the error of a check. Absent: general constants. */
  readonly calibration?: string;
}

/** Given parts of a machine. */
export interface GivenParts extends Pick<Machine, 'gpus' | 'sockets' | 'disks' | 'system'> {
  readonly cpu?: CpuPart;
  readonly memory?: { readonly type: string; readonly mts: number; readonly channels?: number; readonly measuredBandwidth?: number };
  readonly memoryBytes?: number;
  readonly pcie?: PcieLink;
  /** Measured bytes/s of a chip's memory: `gb10@231GB/s`. */
  readonly chipBandwidth?: number;
}

/** By computer kind of the GPU; our choice of usual CPUs. */
const USUAL_CPU: Readonly<Record<Exclude<Form, 'unified'>, string>> = {
  desktop: 'ryzen-7-7700x',
  laptop: 'i9-13900hx',
  workstation: 'threadripper-7960x',
  server: 'xeon-platinum-8480+',
};

/** GiB of a module per channel, by computer kind of the CPU; our choice of usual sizes. */
const MODULE_GIB: Readonly<Record<Exclude<Form, 'unified'>, number>> = { desktop: 32, laptop: 16, workstation: 32, server: 64 };

/** 32-bit channels per 64-bit module. */
const LPDDR_PER_MODULE = 2;

/** Each default has a remark. @throws UserError for incompatible parts */
export function completed(given: GivenParts): Machine {
  const chip = chipOf(given);
  const machine = chip === null ? ofCards(given) : ofChip(given, chip);
  const disks = given.disks.map(({ usual: _, ...disk }) => ({ bytes: DISK_BYTES, ...disk }));
  const usual = new Set(given.disks.flatMap((disk) => disk.usual ?? []));
  const system = given.system === undefined ? {} : { system: given.system };
  return { ...machine, ...system, name: nameOf(given), disks, defaults: [...machine.defaults, ...usual] };
}

type Unnamed = Omit<Machine, 'name' | 'disks' | 'system'>;

function chipOf({ cpu, gpus }: GivenParts): GpuPart | null {
  const apu = gpus.find(({ unified }) => unified === true);
  if (apu !== undefined) {
    if (gpus.length > 1) throw new UserError(`${apu.name} is on the chip of ${apu.chip}; name that chip beside cards, or leave them out`);
    if (cpu !== undefined && cpu.name !== apu.chip) throw new UserError(`${apu.name} is on the chip of ${apu.chip}; leave ${cpu.name} out`);
    return apu;
  }
  return gpus.length > 0 || cpu === undefined ? null : (GPUS.parts.find(({ chip }) => chip === cpu.name) ?? null);
}

function ofChip(given: GivenParts, chip: GpuPart): Unnamed {
  const { chipBandwidth, memory, memoryBytes, pcie } = given;
  const cpu = cpuNamed(chip.chip!);
  if (pcie !== undefined) throw new UserError(`${cpu.name} feeds its GPU without PCIe; leave pcie${slotText(pcie)} out`);
  if (memory !== undefined)
    throw new UserError(
      `${cpu.name} has its memory soldered (${memoryText(cpu.memory)}); leave ${memory.type}-${memory.mts} out, or say how much`,
    );
  const variants = GPUS.parts.filter((gpu) => gpu.chip === cpu.name);
  const bytes = memoryBytes ?? chip.memoryBytes;
  const measuredBandwidth = chipBandwidth ?? chip.measuredBandwidth;
  const reached = measuredBandwidth === undefined ? {} : { measuredBandwidth };
  return {
    gpus: [{ ...chip, ...reached, memoryBytes: bytes }],
    cpu,
    sockets: 1,
    ram: { ...cpu.memory, ...reached, bytes },
    pcie: null,
    unified: true,
    standIns: [],
    defaults: [
      ...(given.gpus.length === 0 && variants.length > 1 ? [`GPU not given: ${chip.name}, the largest of ${cpu.name}.`] : []),
      ...(memoryBytes === undefined ? [`Size of the memory not given: ${sizeText(bytes)}, the most that it is sold with.`] : []),
    ],
  };
}

function ofCards(given: GivenParts): Unnamed {
  const [card] = given.gpus;
  if (card === undefined && given.cpu === undefined) throw new UserError('a machine needs a GPU or a CPU; name one, e.g. rtx-3090');
  if (given.chipBandwidth !== undefined)
    throw new UserError(`a measured rate belongs to memory: write it as ${memoryText(given.cpu!.memory)}@60GB/s`);
  const cpu = given.cpu ?? cpuNamed(USUAL_CPU[kindOf(card!.form)]);
  const notes: Said = { standIns: [], defaults: [] };
  if (card === undefined) notes.defaults.push('GPU not given: none, the CPU computes everything.');
  if (given.cpu === undefined) notes.standIns.push(`CPU not given: ${cpu.name} (${cpu.cores} cores), usual beside a ${card!.form} card.`);
  const ram = ramOf(given, cpu, notes);
  const pcie = card === undefined ? null : slotOf(given, card, cpu, notes);
  if (card === undefined && given.pcie !== undefined)
    throw new UserError(`pcie${slotText(given.pcie)} has no GPU to feed; name one, or leave it out`);
  return { gpus: given.gpus, cpu, sockets: given.sockets, ram, pcie, unified: false, ...notes };
}

type Said = Record<'standIns' | 'defaults', string[]>;

function ramOf({ memory, memoryBytes, sockets }: GivenParts, cpu: CpuPart, notes: Said): MemoryPart {
  const most = cpu.memory.channels * sockets;
  const { channels = most, ...rest } = memory ?? cpu.memory;
  if (channels > most)
    throw new UserError(
      `${channels}x${rest.type}-${rest.mts}: ${sockets > 1 ? `${sockets} ` : ''}${cpu.name} ${sockets > 1 ? 'have' : 'has'} ${most} channels; count channels, not modules`,
    );
  const ram = { ...rest, channels: memory === undefined ? most : channels };
  if (memory === undefined) notes.standIns.push(`Memory not given: ${memoryText(ram)}, the fastest that ${cpu.name} lists.`);
  else if (memory.channels === undefined) notes.standIns.push(`Channels of the memory not given: ${channels}, all that ${cpu.name} has.`);
  if (memoryBytes !== undefined) return { ...ram, bytes: memoryBytes };
  const module = MODULE_GIB[kindOf(cpu.form)];
  const bytes = (module * GIB * ram.channels) / (ram.type.startsWith('lpddr') ? LPDDR_PER_MODULE : 1);
  notes.defaults.push(`Size of the memory not given: ${sizeText(bytes)}, modules of ${module}GB.`);
  return { ...ram, bytes };
}

function slotOf({ pcie }: GivenParts, card: GpuPart, cpu: CpuPart, notes: Said): PcieLink {
  const rated = card.pcie!;
  const generation = cpu.pcieGeneration;
  if (generation === undefined) throw new UserError(`${cpu.name} has no slot for a card; leave ${card.name} out, or name another CPU`);
  if (pcie !== undefined) {
    const slot = { ...pcie, generation: Math.min(pcie.generation, rated.generation), lanes: Math.min(pcie.lanes, rated.lanes) };
    if (slotText(slot) !== slotText(pcie))
      notes.defaults.push(`pcie${slotText(pcie)} runs at ${slotText(slot)}, which is all that ${card.name} takes.`);
    return slot;
  }
  const slot = { ...rated, generation: Math.min(rated.generation, generation) };
  const of = slot.generation < rated.generation ? `${card.name} on ${cpu.name}` : card.name;
  notes.standIns.push(`PCIe not given: ${slotText(slot)}, of ${of}.`);
  return slot;
}

const kindOf = (form: Form): Exclude<Form, 'unified'> => (form === 'unified' ? 'desktop' : form);

function cpuNamed(name: string): CpuPart {
  const found = CPUS.find(name);
  if (found === null) throw new InternalError('catalogue', `the CPU ${name} is not listed`);
  return found;
}

/** Memory is sold in powers of two: `64GB` is 64 GiB. */
const sizeText = (bytes: number): string => `${Math.round((bytes / GIB) * 1000) / 1000}GB`;

function nameOf({ chipBandwidth, cpu, disks, gpus, memory, memoryBytes, pcie, sockets, system }: GivenParts): string {
  const rate = (bandwidth: number | undefined): string => (bandwidth === undefined ? '' : `@${bandwidth / 1e9}GB/s`);
  const channels = memory?.channels === undefined ? '' : `${memory.channels}x`;
  return [
    ...groupedNames(gpus.map((gpu) => `${gpu.name}${cardSize(gpu)}${rate(gpu.measuredBandwidth)}`)),
    ...(cpu === undefined ? [] : [`${sockets > 1 ? `${sockets}x` : ''}${cpu.name}${rate(chipBandwidth)}`]),
    ...(memory === undefined ? [] : [`${channels}${memory.type}-${memory.mts}${rate(memory.measuredBandwidth)}`]),
    ...(memoryBytes === undefined ? [] : [sizeText(memoryBytes)]),
    ...(pcie === undefined ? [] : [`pcie${slotText(pcie)}${rate(pcie.measuredBandwidth)}`]),
    ...groupedNames(disks.map(({ name }) => name)),
    ...(system === undefined ? [] : [system]),
  ].join('+');
}

function cardSize({ memoryBytes, name, unified = false }: GpuPart): string {
  return unified || memoryBytes === GPUS.find(name)!.memoryBytes ? '' : `:${sizeText(memoryBytes)}`;
}

function groupedNames(names: readonly string[]): string[] {
  return [...groupedBy(names, (name) => name)].map(([name, { length }]) => (length === 1 ? name : `${length}x${name}`));
}
