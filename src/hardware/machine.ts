import { UserError } from '../base/errors.js';
import { nearest, suggested } from '../base/text.js';
import { RATE } from '../base/units.js';
import { CPUS, type CpuPart } from './parts/cpu.js';
import { completed, type GivenParts, type Machine } from './parts/defaults.js';
import { type DiskPart, parseDisk } from './parts/disk.js';
import { GPUS, type GpuPart } from './parts/gpu.js';
import { parseMemory } from './parts/memory.js';
import { parseSlot } from './parts/pcie.js';

export type { Machine } from './parts/defaults.js';

/** Parts in any order. @throws UserError for an unknown, repeated or incompatible part */
export function parseMachine(text: string): Machine {
  let given: GivenParts = { gpus: [], sockets: 1, disks: [] };
  for (const word of machineWords(text)) {
    given = withWord(given, word);
    if (Math.max(given.gpus.length, given.disks.length) > MOST)
      throw new UserError(`"${word}": is one more than the ${MOST} that a machine has`);
  }
  return completed(given);
}

/** Several parts joined by +, or a catalogue part; no file path. */
export function isComposition(text: string): boolean {
  if (/\.(ya?ml|json)$/i.test(text) || /^[./~\\]/.test(text) || text.includes('\\')) return false;
  const name = splitBandwidth(text).word.replace(/:[\d.]+\s*G(?:i?B)?$/i, '');
  return text.includes('+') || findPart(severalOf(name).name) !== null;
}

/** Names of all GPUs and CPUs. */
export const partNames = (): string[] => [...GPUS.parts, ...CPUS.parts].map(({ name }) => name);

/** A plus sign of a name stays (`xeon-platinum-8480+`, `Max+ 395`). @throws UserError for a leading plus sign */
export function machineWords(text: string): string[] {
  const words: string[] = [];
  for (const word of text.replace(/max\+[\s-]*(?=\d{3}\b)/gi, 'max-').split('+')) {
    if (word.trim() !== '') words.push(word.trim());
    else if (words.length > 0) words.push(`${words.pop()}+`);
    else throw new UserError(`"${text}" begins with a plus sign; write parts between them, e.g. rtx-3090+ryzen-9-7950x`);
  }
  return words;
}

/** `gpus`, `cpu`, `memoryBytes`, `memory`, `pcie`, `disks` or `system`. @throws UserError for a non-part */
export function givenBy(word: string): keyof GivenParts {
  const { disks, gpus, sockets: _, ...others } = withWord({ gpus: [], sockets: 1, disks: [] }, word);
  return gpus.length > 0 ? 'gpus' : disks.length > 0 ? 'disks' : (Object.keys(others)[0] as keyof GivenParts);
}

function withWord(given: GivenParts, word: string): GivenParts {
  if (word.toLowerCase() === 'windows') return { ...given, system: givenOnce(given.system, 'windows', 'Windows') };
  const { bandwidth, word: plain } = splitBandwidth(word);
  const measured = bandwidth === undefined ? {} : { measuredBandwidth: bandwidth };
  const size = /^(\d+(?:\.\d+)?)\s*([GT])(?:i?B)?(?:[\s-]*ram)?$/i.exec(word);
  if (size !== null) {
    const bytes = Math.round(Number(size[1]) * (size[2]!.toUpperCase() === 'G' ? 2 ** 30 : 2 ** 40));
    if (bytes === 0) throw new UserError(`"${word}" is no memory; leave it out, or say how much`);
    return { ...given, memoryBytes: givenOnce(given.memoryBytes, bytes, 'the size of the memory') };
  }
  if (/^pcie/i.test(plain)) {
    const slot = parseSlot(plain.replace(/^pcie[\s-]*/i, ''));
    if (slot === null) throw new UserError(`"${word}" is not a slot; write generation x lanes, e.g. pcie4x16`);
    return { ...given, pcie: givenOnce(given.pcie, { ...slot, ...measured }, 'PCIe') };
  }
  const memory = parseMemory(plain);
  if (memory !== null) return { ...given, memory: givenOnce(given.memory, { ...memory, ...measured }, 'memory') };
  const drives = /^(?:(\d+)\s*x\s*)?(.*)$/is.exec(plain)!;
  const disk = parseDisk(drives[2]!);
  if (typeof disk === 'string') throw new UserError(`"${word}": ${disk}`);
  if (disk !== null) return { ...given, disks: [...given.disks, ...new Array<DiskPart>(partCount(drives[1], word)).fill(disk)] };
  return withPart(given, word, plain, bandwidth);
}

function withPart(given: GivenParts, word: string, plain: string, bandwidth: number | undefined): GivenParts {
  const { bytes, rest } = splitCardMemory(plain);
  const { count: text, name } = severalOf(rest);
  const part = findPart(name);
  if (part === null) throw unknownPart(name);
  const count = partCount(text, word);
  if (bytes !== undefined && !('vendor' in part && part.unified !== true))
    throw new UserError(`"${word}": only a card has memory of its own; write ${rest}+${plain.slice(rest.length + 1)}`);
  if ('vendor' in part) {
    const sized = bytes === undefined ? part : { ...part, memoryBytes: bytes };
    const gpu = bandwidth === undefined ? sized : { ...sized, measuredBandwidth: bandwidth };
    return { ...given, gpus: [...given.gpus, ...new Array<GpuPart>(count).fill(gpu)] };
  }
  if (count > part.sockets) {
    const most = part.sockets === 1 ? `there is no board for several ${part.name}` : `a board takes ${part.sockets} ${part.name} at most`;
    throw new UserError(`"${word}": ${most}`);
  }
  const chipBandwidth = bandwidth === undefined ? {} : { chipBandwidth: bandwidth };
  return { ...given, ...chipBandwidth, cpu: givenOnce(given.cpu, part, 'the CPU'), sockets: count };
}

/** Splits `2xrtx-3090`, `2 x rtx-3090` and `dual-epyc-9355` into count and name. */
function severalOf(plain: string): { readonly count?: string; readonly name: string } {
  const match = /^(?:(\d+)\s*x[\s-]*|(dual|two)[\s-]+)(.*)$/i.exec(plain);
  return match === null ? { count: undefined, name: plain } : { count: match[1] ?? '2', name: match[3]! };
}

const findPart = (name: string): CpuPart | GpuPart | null => CPUS.find(name) ?? GPUS.find(name);

function unknownPart(name: string): UserError {
  // Numbers of four or more digits name cards: rtx-3060.
  if (/^\d{1,3}$/.test(name)) return new UserError(`"${name}" has no unit; memory is written as ${name}GB`);
  if (/^[\d.]+\s*[km]i?b$/i.test(name))
    return new UserError(`"${name}" is no memory that machines have; write ${Number.parseInt(name, 10)}GB`);
  const unknown = (hint: string) => new UserError(`unknown part "${name}": ${hint}; parts: moeprof profiles list gpu, cpu`);
  if (/ddr|channel|\d\s*[gt]i?b\s/i.test(name)) return unknown('memory is a size, and channels x type-speed: 64GB+2xddr4-3200');
  // The number outweighs the rest: r5-5600 is ryzen-5-5600.
  const number = /\d{3,}[a-z0-9]*$/i.exec(name)?.[0].toLowerCase();
  const same = partNames().filter((part) => number !== undefined && part.endsWith(`-${number}`));
  const near = same.length > 0 && same.length < 4 ? same : nearest(name, [...partNames(), 'windows']);
  return unknown(`${near.length > 0 ? suggested(near) : 'leave it out'} (as in rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16)`);
}

function splitBandwidth(word: string): { word: string; bandwidth?: number } {
  const match = /^(.*?)\s*@\s*([^@]*\/s)$/.exec(word);
  const bandwidth = match === null ? null : RATE.read(match[2]!);
  if (match === null || bandwidth === null) return { word };
  if (bandwidth === 0) throw new UserError(`"${word}": a measured rate of 0 cannot be; leave it out where it is not known`);
  return { word: match[1]!, bandwidth };
}

function splitCardMemory(plain: string): { readonly rest: string; readonly bytes?: number } {
  const match = /^(.*):\s*(\d+(?:\.\d+)?)\s*G(?:i?B)?$/i.exec(plain);
  if (match === null) return { rest: plain };
  const bytes = Math.round(Number(match[2]) * 2 ** 30);
  if (bytes < MOST_CARD_BYTES && bytes > 0) return { rest: match[1]!, bytes };
  throw new UserError(`"${plain}": write up to 1000GB behind a card, e.g. rtx-4090:48GB`);
}

/** Upper bound of card memory, bytes, exclusive; ours. */
const MOST_CARD_BYTES = 1000 * 2 ** 30 + 1;

/** Most cards or disks of a machine; ours. */
const MOST = 64;

function partCount(text: string | undefined, word: string): number {
  const count = text === undefined ? 1 : Number(text);
  if (count >= 1 && count <= MOST) return count;
  throw new UserError(`"${word}": write 1 to ${MOST} of a part`);
}

function givenOnce<T>(before: T | undefined, now: T, what: string): T {
  if (before === undefined) return now;
  throw new UserError(`${what} is given twice; keep one`);
}
