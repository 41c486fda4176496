// Experts in order of popularity, for placements that are made before a run.

/** Most popular first; ties by id. */
export function mostPopular(popularity: Float64Array): number[] {
  return Array.from(popularity.keys()).sort((a, b) => popularity[b]! - popularity[a]! || a - b);
}
