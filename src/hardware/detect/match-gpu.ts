import { nearest } from '../../base/text.js';
import { partKey } from '../parts/catalogue.js';
import { GPUS, type GpuPart } from '../parts/gpu.js';
import type { SeenGpu } from './tools/seen.js';

/** Catalogue part of a detected device. */
export interface Match<P> {
  readonly part: P;
  /** False: the nearest catalogue part. */
  readonly exact: boolean;
}

/** Largest missing share of reported memory (ours): firmware keeps some, error correction a sixteenth. */
const ABOUT = 0.1;

/** Integrated graphics without own memory, absent from catalogues and unused for computing. */
const INTEGRATED =
  /\b(uhd|hd|iris|xe) (graphics|plus)|intel.*graphics(?!.*\barc [ab]\d)|^amd radeon(\(tm\))? (vega \d+ )?graphics|radeon (vega|\d{3}m)\b|raphael|granite ridge|phoenix|rembrandt|cezanne|renoir|picasso|strix point/i;

/** Part by name and memory, or the vendor's nearest; null: integrated graphics, or only the maker is known. */
export function matchGpu(seen: SeenGpu): Match<GpuPart> | null {
  const known = seen.names.flatMap((name) => GPUS.find(name) ?? []);
  const fitting = known.find((part) => fitsMemory(part, seen.memoryBytes));
  if (fitting !== undefined) return { part: fitting, exact: true };
  // Equal name with different memory, or without the catalogue's memory suffix: `RTX 4090` with 48 GB, `Arc A770`.
  const relatives = seen.names.flatMap((name) => GPUS.parts.filter((part) => part.vendor === seen.vendor && isRelative(part, name)));
  const relative = nearestMemory(relatives, seen.memoryBytes);
  if (relative !== null) return { part: relative, exact: fitsMemory(relative, seen.memoryBytes) };
  if (seen.names.length === 0 || seen.names.some((name) => INTEGRATED.test(name))) return null;
  const part = nearestOf(seen);
  return part === null ? null : { part, exact: false };
}

/** True if a card has the reported memory, or it is unknown. */
export function fitsMemory({ memoryBytes, unified }: GpuPart, seen: number | undefined): boolean {
  return seen === undefined || unified === true || Math.abs(seen / memoryBytes - 1) <= ABOUT;
}

function isRelative({ name }: GpuPart, seen: string): boolean {
  const plain = (text: string): string => partKey(text.replace(/[\s-]*\b\d+\s?gb\b/i, ''));
  return plain(name) === plain(seen);
}

function nearestMemory(parts: readonly GpuPart[], bytes: number | undefined): GpuPart | null {
  const distance = ({ memoryBytes }: GpuPart): number => (bytes === undefined ? 0 : Math.abs(Math.log(memoryBytes / bytes)));
  return [...parts].sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

function nearestOf({ memoryBytes, names, vendor }: SeenGpu): GpuPart | null {
  const parts = GPUS.parts.filter((part) => part.vendor === vendor && part.unified !== true);
  const byKey = new Map(parts.map((part) => [partKey(part.name), part]));
  const near = names.flatMap((name) => nearest(partKey(name), byKey.keys(), 3)).map((key) => byKey.get(key)!);
  return nearestMemory(near.length > 0 ? near : parts, memoryBytes);
}
