// How llama.cpp splits layers over GPUs: in order, each GPU in proportion to its share.

/**
 * The GPU of each of `count` layers, by its number.
 * @param parts of the GPUs in their order, in any unit; at least one is more than 0
 */
export function splitLayers(parts: readonly number[], count: number): number[] {
  const total = parts.reduce((sum, part) => sum + part, 0);
  let sum = 0;
  const ends = parts.map((part) => (sum += part) / total);
  // Rounding must not leave the last layer without a GPU.
  const open = ends.map((end) => (end >= 1 - 1e-9 ? Number.POSITIVE_INFINITY : end));
  return Array.from({ length: count }, (_, layer) => open.findIndex((end) => layer / count < end));
}
