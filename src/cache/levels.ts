// Capacities of one cache in slots, as levels: what is found out about one of several nested caches is found out once per size.

/** The sizes of one cache, and which of them each capacity has. */
export interface Levels {
  /** Slots, ascending, each size once, none of 0. */
  readonly slots: readonly number[];
  /** By capacity: index of its slots; -1: it has none. */
  readonly of: readonly number[];
}

/** @param slots by capacity */
export function levelsOf(slots: readonly number[]): Levels {
  const sizes = [...new Set(slots)].filter((count) => count > 0).sort((a, b) => a - b);
  return { slots: sizes, of: slots.map((count) => sizes.indexOf(count)) };
}

/** Sum of what was counted at a level and below it. */
export function upTo(counts: Float64Array, level: number): number {
  let sum = 0;
  for (let at = 0; at <= level; at++) sum += counts[at]!;
  return sum;
}
