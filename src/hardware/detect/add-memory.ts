import { formatBytes, formatCounted, GIB } from '../../base/units.js';
import type { CpuPart } from '../parts/cpu.js';
import { memoryText, parseMemory } from '../parts/memory.js';
import type { Seen, SeenModule } from './tools/seen.js';

/** A detected part with evidence. */
export interface DetectedPart {
  /** Spelling in machine names: `2xrtx-3090`, `2xddr5-6000`. */
  readonly part: string;
  readonly seen: string;
  /** False: the nearest catalogue part. */
  readonly exact: boolean;
}

/** A detection in progress. */
export interface Draft {
  readonly parts: DetectedPart[];
  readonly remarks: string[];
  readonly notSeen: string[];
}

/** Facts from modules, system and container. */
export function addMemory(seen: Seen, cpu: CpuPart | null, draft: Draft): void {
  const { notSeen, parts, remarks } = draft;
  const modules = summarizeModules(seen.modules ?? []);
  if (modules === null)
    notSeen.push(
      `The memory modules were not seen${cpu === null ? '' : `: the fastest that ${cpu.name} lists, on all channels, are taken`}.`,
    );
  else if (modules.text === null)
    notSeen.push('Type or speed of the memory modules was not seen: the fastest that the CPU lists are taken.');
  else {
    const sockets = seen.cpu?.sockets ?? 1;
    const most = cpu === null ? modules.channels : cpu.memory.channels * sockets;
    const wide = modules.text.includes('lpddr');
    const channels = wide ? modules.channels : Math.min(modules.channels, most);
    const text = channels === modules.channels ? modules.text : modules.text.replace(/^\d+/, String(channels));
    parts.push({
      part: text,
      seen: `${formatCounted(seen.modules!.length, 'module')}${modules.channelsKnown ? '' : ', each taken for a channel'}`,
      exact: true,
    });
    if (!wide && channels < most)
      remarks.push(
        `${channels} of ${most} memory channels are filled: the CPU reads at ${Math.round((100 * channels) / most)} % of what its memory could give.`,
      );
    if (modules.slowed !== null)
      remarks.push(
        `The memory runs at ${modules.slowed.mts} of ${modules.slowed.ratedMts} million transfers a second: a profile of the firmware (XMP, EXPO) is off.`,
      );
  }
  addSize(seen, 'modules of a usual size are taken', draft);
}

/** Modules report all of it, the system without the firmware's part. @param instead text if neither reports */
export function addSize({ limitBytes, memoryBytes, modules = [] }: Seen, instead: string, { notSeen, parts, remarks }: Draft): void {
  const whole = summarizeModules(modules)?.bytes;
  const bytes = whole ?? memoryBytes;
  if (bytes === undefined) notSeen.push(`The size of the memory was not seen: ${instead}.`);
  else {
    const usable = usableBytes(bytes, limitBytes, remarks);
    parts.push({
      part: `${Math.max(0.1, Math.round((usable / GIB) * 10) / 10)}GB`,
      seen: `${formatBytes(bytes)}${whole === undefined ? ' that the system has' : ''}`,
      exact: true,
    });
  }
}

function usableBytes(bytes: number, limitBytes: number | undefined, remarks: string[]): number {
  if (limitBytes === undefined || limitBytes >= bytes) return soldBytes(bytes);
  remarks.push(`A limit of this container leaves ${formatBytes(limitBytes)} of ${formatBytes(bytes)} of memory.`);
  return limitBytes;
}

/** Largest share of memory kept by kernel and firmware, a few percent; ours. */
const KEPT = 0.06;

function soldBytes(bytes: number): number {
  const step = bytes > 96 * GIB ? 32 : bytes > 24 * GIB ? 8 : bytes > 8 * GIB ? 4 : 1;
  const sold = Math.ceil(bytes / (step * GIB)) * step * GIB;
  return bytes / sold > 1 - KEPT ? sold : bytes;
}

interface ModulesSummary {
  /** `2xddr5-6000`; null: unknown type or speed. */
  readonly text: string | null;
  readonly bytes: number;
  readonly channels: number;
  /** False: unknown channels; each module counts as a channel. */
  readonly channelsKnown: boolean;
  /** Actual and rated speed of slowed memory, in million transfers/s. */
  readonly slowed: { readonly mts: number; readonly ratedMts: number } | null;
}

function summarizeModules(modules: readonly SeenModule[]): ModulesSummary | null {
  const [first] = modules;
  if (first === undefined) return null;
  const keys = modules.map(({ place }) => channelOf(place));
  const channelsKnown = keys.every((key) => key !== null);
  const channels = channelsKnown ? new Set(keys).size : modules.length;
  const slowest = modules.reduce((least, { mts = Number.POSITIVE_INFINITY }) => Math.min(least, mts), Number.POSITIVE_INFINITY);
  const rated = modules.reduce((least, { ratedMts = 0 }) => (ratedMts === 0 ? least : Math.min(least, ratedMts)), Number.POSITIVE_INFINITY);
  const known = first.type !== undefined && Number.isFinite(slowest) && parseMemory(`${first.type}-${slowest}`) !== null;
  return {
    text: known ? memoryText({ type: first.type!, mts: slowest, channels }) : null,
    bytes: modules.reduce((sum, { bytes }) => sum + bytes, 0),
    channels,
    channelsKnown: channelsKnown,
    slowed: Number.isFinite(rated) && slowest < rated ? { mts: slowest, ratedMts: rated } : null,
  };
}

/** Channel of a slot: boards write `P0 CHANNEL A DIMM 0`, `DIMM_A1`, `CPU1_DIMM_C1`. @returns null: no channel named */
function channelOf(place: string): string | null {
  const socket = /\b(?:P|CPU|PROC|NODE|SOCKET)[ _-]?(\d)/i.exec(place)?.[1] ?? '0';
  const controller = /controller[ _-]?(\d)/i.exec(place)?.[1] ?? '0';
  const letter =
    /channel[ _-]?([a-p\d])\b/i.exec(place)?.[1] ?? /channel[ _-]?([a-p])/i.exec(place)?.[1] ?? /dimm[ _-]?([a-p])\d?\b/i.exec(place)?.[1];
  return letter === undefined ? null : `${socket}/${controller}/${letter.toUpperCase()}`;
}
