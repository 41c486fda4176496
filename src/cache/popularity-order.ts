// Experts by popularity: what is placed before a run.

/** Most popular first; ties by id. */
export function mostPopular(popularity: Float64Array): number[] {
  return Array.from(popularity.keys()).sort((a, b) => popularity[b]! - popularity[a]! || a - b);
}
