// From memory modules to channels, type and speed: boards name their slots in many ways, and nearly all say which channel a slot belongs to.
import { memoryText, parseMemory } from '../parts/memory.js';
import type { SeenModule } from './tools/seen.js';

/** A summary of memory modules. */
interface ModulesSummary {
  /** `2xddr5-6000`; null: type or speed is unknown. */
  readonly text: string | null;
  readonly bytes: number;
  readonly channels: number;
  /** False: the channels of modules are unknown, and each module counts as one channel. */
  readonly channelsTold: boolean;
  /** Actual and rated speed where it runs slower, both in million transfers a second. */
  readonly slowed: { readonly mts: number; readonly ratedMts: number } | null;
}

/** Sums up modules that run alike, as they do on one board; null where there is none. */
export function summarizeModules(modules: readonly SeenModule[]): ModulesSummary | null {
  const [first] = modules;
  if (first === undefined) return null;
  const keys = modules.map(({ place }) => channelOf(place));
  const channelsTold = keys.every((key) => key !== null);
  const channels = channelsTold ? new Set(keys).size : modules.length;
  const slowest = modules.reduce((least, { mts = Number.POSITIVE_INFINITY }) => Math.min(least, mts), Number.POSITIVE_INFINITY);
  const rated = modules.reduce((least, { ratedMts = 0 }) => (ratedMts === 0 ? least : Math.min(least, ratedMts)), Number.POSITIVE_INFINITY);
  const known = first.type !== undefined && Number.isFinite(slowest) && parseMemory(`${first.type}-${slowest}`) !== null;
  return {
    text: known ? memoryText({ type: first.type!, mts: slowest, channels }) : null,
    bytes: modules.reduce((sum, { bytes }) => sum + bytes, 0),
    channels,
    channelsTold,
    slowed: Number.isFinite(rated) && slowest < rated ? { mts: slowest, ratedMts: rated } : null,
  };
}

/**
 * The channel of a slot, with its socket: `P0 CHANNEL A DIMM 0`, `DIMM_A1`, `ChannelA-DIMM0`, `CPU1_DIMM_C1`, `Controller0-ChannelB`.
 * @returns null where its name says none, as in `DIMM 3`
 */
function channelOf(place: string): string | null {
  const socket = /\b(?:P|CPU|PROC|NODE|SOCKET)[ _-]?(\d)/i.exec(place)?.[1] ?? '0';
  const controller = /controller[ _-]?(\d)/i.exec(place)?.[1] ?? '0';
  const letter =
    /channel[ _-]?([a-p\d])\b/i.exec(place)?.[1] ?? /channel[ _-]?([a-p])/i.exec(place)?.[1] ?? /dimm[ _-]?([a-p])\d?\b/i.exec(place)?.[1];
  return letter === undefined ? null : `${socket}/${controller}/${letter.toUpperCase()}`;
}
