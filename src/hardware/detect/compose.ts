import { orUserError, UserError } from '../../base/errors.js';
import { groupedBy } from '../../base/objects.js';
import { formatBytes, formatCounted } from '../../base/units.js';
import { parseMachine } from '../machine.js';
import { CPUS, type CpuPart } from '../parts/cpu.js';
import { GPUS, type GpuPart } from '../parts/gpu.js';
import { parseSlot, slotText } from '../parts/pcie.js';
import { addMemory, addSize, type DetectedPart, type Draft } from './add-memory.js';
import type { Answer } from './ask.js';
import { isaOf, matchCpu } from './match-cpu.js';
import { type Match, matchGpu } from './match-gpu.js';
import { type Seen, type SeenDisk, type SeenGpu, together } from './tools/seen.js';

/** Detected facts that differ from the catalogue. */
interface PartChanges {
  readonly cpu?: { readonly cores?: number; readonly isa?: CpuPart['isa'] };
  readonly gpu?: { readonly memoryBytes: number };
}

/** A machine of parts by detected facts, with remarks. */
export interface Detection extends PartChanges {
  /** In the order of a machine name; empty: too few facts. */
  readonly parts: readonly DetectedPart[];
  /** Sentences on speed: a slot with few lanes, a power limit, a container. */
  readonly remarks: readonly string[];
  /** Sentences on unseen facts and defaults. */
  readonly notSeen: readonly string[];
}

function composeMachine(seen: Seen): Detection {
  const draft: Draft = { parts: [], remarks: [], notSeen: [] };
  const chip = matchChip(seen);
  const changes = chip === null ? ofCards(seen, draft) : ofChip(seen, chip, draft);
  addDisk(seen, draft);
  if (seen.system === 'windows' && draft.parts.length > 0) draft.parts.push({ part: 'windows', seen: 'Windows', exact: true });
  const { notSeen, parts, remarks } = draft;
  return { parts: composable(parts, notSeen), ...changes, remarks, notSeen };
}

/** Without the least important part, with a remark, if facts contradict the catalogue. */
function composable(parts: readonly DetectedPart[], notSeen: string[]): DetectedPart[] {
  const works = (some: readonly DetectedPart[]): string | null => {
    const machine = some.length === 0 ? null : orUserError(() => parseMachine(some.map(({ part }) => part).join('+')));
    return machine instanceof UserError ? machine.message : null;
  };
  const why = works(parts);
  if (why === null) return [...parts];
  const fewer = parts.findLast((part) => works(parts.filter((other) => other !== part)) === null);
  notSeen.push(fewer === undefined ? `The parts do not go together: ${why}.` : `${fewer.part} is left out: ${why}.`);
  return fewer === undefined ? [] : parts.filter((part) => part !== fewer);
}

function ofChip(seen: Seen, part: GpuPart | CpuPart, draft: Draft): PartChanges {
  const boards = /jetson/i.test(seen.board ?? '') ? [seen.board!] : [];
  const names = [...boards, ...(seen.cpu?.names ?? []), ...(seen.gpus ?? []).flatMap((gpu) => gpu.names)];
  draft.parts.push({ part: part.name, seen: names[0] ?? part.name, exact: true });
  addSize(seen, 'the most that the chip is sold with is taken', draft);
  return {};
}

function ofCards(seen: Seen, draft: Draft): PartChanges {
  const cards = addGpus(seen, draft);
  const cpu = addCpu(seen, draft);
  addMemory(seen, cpu?.part ?? null, draft);
  if (cards !== null) addSlot(cards.group, draft);
  return { ...changesOfCpu(seen, cpu, draft), ...(cards?.memoryBytes === undefined ? {} : { gpu: { memoryBytes: cards.memoryBytes } }) };
}

/** Cards of equal kind, the group with most memory. */
function addGpus({ gpus = [] }: Seen, { notSeen, parts, remarks }: Draft): { group: readonly SeenGpu[]; memoryBytes?: number } | null {
  const matched = gpus.map((gpu) => ({ gpu, match: matchGpu(gpu) }));
  for (const { gpu, match } of matched) {
    const what = gpu.names[0] ?? `a graphics card of ${gpu.vendor}`;
    if (match === null && gpu.names.length === 0) notSeen.push(`${what}: its name was not seen, so that it is left out.`);
    else if (match === null) remarks.push(`${what} shares the memory of the CPU and is left out.`);
  }
  const known = matched.flatMap(({ gpu, match }) => (match === null ? [] : [{ gpu, match }]));
  const byPart = groupedBy(known, ({ match }) => match.part.name);
  const memory = (group: readonly { match: Match<GpuPart> }[]): number => group.reduce((sum, { match }) => sum + match.part.memoryBytes, 0);
  const [group, ...others] = [...byPart.values()].sort((a, b) => memory(b) - memory(a));
  if (group === undefined) return null;
  const [{ gpu, match }] = group as [(typeof group)[0]];
  const size = gpu.memoryBytes === undefined ? '' : `, ${formatBytes(gpu.memoryBytes)}`;
  parts.push({
    part: countedName(group.length, match.part.name),
    seen: `${countedName(group.length, gpu.names.find((name) => GPUS.find(name) === match.part) ?? gpu.names[0]!)}${size}`,
    exact: match.exact,
  });
  for (const other of others) {
    remarks.push(
      `${countedName(other.length, other[0]!.match.part.name)} is left out: the GPUs of a run must be alike. Name it with -w to use it instead.`,
    );
  }
  remarks.push(...new Set(group.flatMap((member) => remarksOn(member.gpu, match.part))));
  const differs = gpu.memoryBytes !== undefined && Math.abs(gpu.memoryBytes / match.part.memoryBytes - 1) > 0.1;
  return { group: group.map((member) => member.gpu), ...(differs && { memoryBytes: gpu.memoryBytes }) };
}

function remarksOn(gpu: SeenGpu, { pcie }: GpuPart): string[] {
  const { link = {}, names } = gpu;
  const { lanes } = link;
  // Drivers of some 8-lane laptop cards report 16.
  const mostLanes = Math.min(link.mostLanes ?? 0, pcie?.lanes ?? 0);
  return [
    ...(lanes !== undefined && lanes < mostLanes
      ? [
          `${names[0]} runs with ${lanes} of its ${mostLanes} PCIe lanes: copies to it, and prompts whose experts are copied, are that much slower.`,
        ]
      : []),
    ...powerRemarks(gpu),
  ];
}

/** Share of usual power below which a limit is remarked; ours. */
const LIMITED = 0.95;

function powerRemarks({ names, power }: SeenGpu): string[] {
  if (power === undefined || power.limit >= LIMITED * power.usual) return [];
  return [`${names[0]} may draw ${Math.round(power.limit)} of ${Math.round(power.usual)} W: prompts are slower than its data sheet says.`];
}

/** Share of usual power by remarks; null: no remark. */
export function powerShareOf(remarks: readonly string[]): number | null {
  const watts = remarks.map((remark) => /may draw (\d+) of (\d+) W/.exec(remark)).find((match) => match !== null);
  return watts === undefined ? null : Number(watts[1]) / Number(watts[2]);
}

function addCpu({ cpu }: Seen, { notSeen, parts, remarks }: Draft): Match<CpuPart> | null {
  const match = cpu === undefined ? null : matchCpu(cpu);
  if (cpu === undefined || match === null) {
    notSeen.push('The processor was not seen: the one that is usual beside such cards is taken.');
    return null;
  }
  const sockets = Math.min(cpu.sockets, match.part.sockets);
  const cores = formatCounted(cpu.cores, 'core');
  const name = cpu.names[0] ?? 'a processor without a name';
  parts.push({ part: countedName(sockets, match.part.name), seen: `${countedName(sockets, name)}, ${cores}`, exact: match.exact });
  if (cpu.hypervisor !== undefined)
    remarks.push(
      `This is a virtual machine${cpu.hypervisor === '' ? '' : ` (${cpu.hypervisor})`}: the bandwidth of its memory is taken as if it had the host alone. moeprof machine calibrate measures what it gets.`,
    );
  if (cpu.nodes !== undefined && cpu.nodes > sockets)
    remarks.push(
      `The memory of a socket is divided into ${cpu.nodes / sockets} NUMA nodes: threads of one node see a part of the bandwidth.`,
    );
  return match;
}

function changesOfCpu({ cpu, limitCores }: Seen, match: Match<CpuPart> | null, { remarks }: Draft): PartChanges {
  if (cpu === undefined || match === null) return {};
  const sockets = Math.min(cpu.sockets, match.part.sockets);
  const cores = Math.max(1, Math.round(Math.min(cpu.cores, limitCores ?? Number.POSITIVE_INFINITY) / sockets));
  const isa = isaOf(cpu.flags);
  if (limitCores !== undefined && limitCores < cpu.cores)
    remarks.push(`A limit of this container leaves ${Number(limitCores.toFixed(1))} of ${cpu.cores} cores.`);
  const changes = {
    ...(cores !== match.part.cores && { cores }),
    ...(isa !== null && isa !== match.part.isa && { isa }),
  };
  return Object.keys(changes).length === 0 ? {} : { cpu: changes };
}

function addSlot(group: readonly SeenGpu[], { notSeen, parts }: Draft): void {
  const links = group.map(({ link }) => link ?? {});
  const known = links.flatMap(({ generation, lanes, mostLanes }) => {
    const wide = lanes ?? mostLanes;
    return generation === undefined || wide === undefined ? [] : [{ generation, lanes: wide }];
  });
  const slot =
    known.length === 0
      ? null
      : { generation: Math.min(...known.map((slot) => slot.generation)), lanes: Math.min(...known.map((slot) => slot.lanes)) };
  if (slot === null || parseSlot(slotText(slot)) === null) {
    notSeen.push('The PCIe link was not seen: the widest and newest that card and CPU have in common is taken.');
    return;
  }
  parts.push({ part: `pcie${slotText(slot)}`, seen: `generation ${slot.generation}, ${slot.lanes} lanes`, exact: true });
}

function countedName(count: number, name: string): string {
  return count === 1 ? name : `${count}x${/^[a-z0-9.+-]+$/.test(name) ? '' : ' '}${name}`;
}

/** Chip with memory shared by GPU and CPU; null: no chip, or a discrete card is present. */
function matchChip({ board, cpu, gpus = [], memoryBytes }: Seen): GpuPart | CpuPart | null {
  const jetson = /jetson[\w -]*?(agx thor|agx orin|orin nx|orin nano|agx xavier)/i.exec(board ?? '')?.[1];
  if (jetson !== undefined) return jetsonOf(jetson, /super/i.test(board!), memoryBytes);
  const cards = gpus.flatMap((gpu) => matchGpu(gpu)?.part ?? []);
  const apu = cards.find(({ unified }) => unified === true);
  if (cards.some(({ unified }) => unified !== true)) return null;
  const name = cpu === undefined ? undefined : matchCpu(cpu);
  const family = name?.exact === true ? CPUS.parts.filter((part) => isVariant(part.name, name.part.name)) : [];
  const variants = GPUS.parts.filter(({ chip }) => family.some((part) => part.name === chip));
  if (variants.length === 0) return apu ?? null;
  const cores = gpus.find((gpu) => gpu.cores !== undefined)?.cores;
  const variant = variants.find((part) => cores !== undefined && part.name.endsWith(`-gpu-${cores}`));
  if (variant !== undefined) return variant;
  const same = family.find((part) => part.cores === cpu!.cores) ?? name!.part;
  return apu !== undefined && apu.chip === same.name ? apu : same;
}

function isVariant(name: string, base: string): boolean {
  return name === base || (name.startsWith(`${base}-`) && /^\d+$/.test(name.slice(base.length + 1)));
}

function jetsonOf(module: string, isSuper: boolean, bytes = Number.POSITIVE_INFINITY): GpuPart | null {
  const base = `jetson-${module.toLowerCase().replace(' ', '-')}`;
  const parts = GPUS.parts.filter(({ name }) => name.startsWith(base) && name.endsWith('-super') === isSuper);
  const large = parts.filter(({ memoryBytes }) => memoryBytes >= bytes * 0.95).sort((a, b) => a.memoryBytes - b.memoryBytes);
  return large[0] ?? parts[0] ?? null;
}

/** Usual read rates of drive kinds, GB/s, from data sheets; our choice. */
const USUAL_RATES: Readonly<Record<Exclude<SeenDisk['kind'], 'virtual' | 'nvme'>, number>> = { sata: 0.55, hdd: 0.2, emmc: 0.3, ufs: 2 };
/** Usual read rates of NVMe drives with four lanes by PCIe generation, GB/s; our choice. */
const NVME_RATES: Readonly<Record<number, number>> = { 1: 0.8, 2: 1.6, 3: 3.3, 4: 7, 5: 12, 6: 24 };
/** Read rate of an NVMe drive of unknown generation, GB/s: generation 3. */
const USUAL_NVME = 3.3;

function addDisk({ disks = [] }: Seen, { notSeen, parts, remarks }: Draft): void {
  const rated = disks.flatMap((disk) => (disk.kind === 'virtual' ? [] : [{ disk, rate: rateOf(disk) }]));
  const [best, ...others] = rated.sort((a, b) => b.rate - a.rate || b.disk.bytes - a.disk.bytes);
  if (best === undefined) {
    notSeen.push(
      `${disks.length > 0 ? 'The drive is virtual, and its rate was not seen' : 'No drive was seen'}: a model that does not fit in memory is refused. moeprof machine calibrate measures it.`,
    );
    return;
  }
  const { disk, rate } = best;
  const kind = disk.kind === 'sata' ? 'ssd' : disk.kind;
  const size = disk.bytes >= 1e12 ? `${Math.round(disk.bytes / 1e11) / 10}TB` : `${Math.max(1, Math.round(disk.bytes / 1e9))}GB`;
  parts.push({
    part: `${kind}-${rate}GB/s-${size}`,
    seen: `${disk.name}${disk.link?.generation === undefined ? '' : `, PCIe ${disk.link.generation}.0 x${disk.link.lanes ?? 4}`}`,
    exact: true,
  });
  notSeen.push('The rate of the drive was not seen: what drives of its kind read at is taken. moeprof machine calibrate measures it.');
  if (others.length > 0)
    remarks.push(
      `${formatCounted(others.length, 'more drive')} ${others.length === 1 ? 'is' : 'are'} left out: several would be read as a stripe.`,
    );
}

function rateOf({ kind, link }: SeenDisk): number {
  if (kind !== 'nvme') return USUAL_RATES[kind as keyof typeof USUAL_RATES];
  const full = link?.generation === undefined ? USUAL_NVME : (NVME_RATES[link.generation] ?? USUAL_NVME);
  return Math.round(100 * full * Math.min(1, (link?.lanes ?? 4) / 4)) / 100;
}

/** Machine by tool answers in order of trust. */
export function detectFrom(answers: readonly Answer[]): Detection {
  const read = answers.map((answer) => ({ ...answer, seen: answer.text === null ? null : readOf(answer.tool.read, answer.text) }));
  const all = together(read.flatMap(({ seen }) => seen ?? []));
  const silent = read.filter(({ seen, tool }) => seen === null && tool.missing(all));
  const texts = silent.map(
    ({ text, tool, why }) => `${tool.name} ${text === null ? why : 'is not understood'}: it would tell ${tool.tells}.`,
  );
  const detection = composeMachine(all);
  return { ...detection, notSeen: [...detection.notSeen, ...texts] };
}

function readOf(read: (answer: string) => Seen, text: string): Seen | null {
  try {
    return read(text);
  } catch (error) {
    // Output of foreign versions may lack fields or be no JSON.
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}
