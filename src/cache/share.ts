import type { PolicyContext } from './policy.js';

/** Bytes of a share of the capacity, 0..1: with equal sizes, whole experts, at least 1 unless the cache has none. */
export function shareBytes({ uniform, sizes, capacityBytes }: PolicyContext, ratio: number): number {
  if (!uniform) return ratio * capacityBytes;
  const slots = Math.floor(capacityBytes / sizes[0]!);
  return Math.min(slots, Math.max(1, Math.floor(ratio * slots))) * sizes[0]!;
}

/** Most experts resident at once, whatever their sizes. */
export function mostResidents({ experts, sizes, capacityBytes }: PolicyContext): number {
  const smallest = sizes.reduce((least, size) => Math.min(least, size), Number.POSITIVE_INFINITY);
  return Math.min(experts, Math.floor(capacityBytes / smallest));
}

/** Experts by popularity, descending; ties by id. */
export const mostPopular = (popularity: Float64Array): number[] =>
  Array.from(popularity.keys()).sort((a, b) => popularity[b]! - popularity[a]! || a - b);
