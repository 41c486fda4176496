// The time that no run of these demands passes on this machine, whatever it knows: the GPU's own work, and the fewest transfers over the
// link. Where the CPU may compute, it takes work off both, as much as is best.

/** What a floor is made of. */
export interface FloorWork {
  /** Work of the GPU that is no expert, ns. */
  readonly denseNs: number;
  /** Experts demanded, by event; and what computing them all takes the GPU, ns. */
  readonly demanded: number;
  readonly expertsNs: number;
  /** The longest that one of them takes the GPU, and the shortest that one takes the CPU; ns. Infinity: the CPU computes none. */
  readonly gpuExpertNs: number;
  readonly cpuExpertNs: number;
  /** Fewest misses: those of Belady's MIN with bypass, over all layers. */
  readonly misses: number;
  /** Time for which one transfer holds the whole link, ns. */
  readonly transferNs: number;
}

/** The floor, ns. */
export function floorNs({ cpuExpertNs, demanded, denseNs, expertsNs, gpuExpertNs, misses, transferNs }: FloorWork): number {
  if (cpuExpertNs === Number.POSITIVE_INFINITY) return Math.max(denseNs + expertsNs, misses * transferNs);
  // With every expert that the CPU takes over its own time grows and the others' shrink: the best is where they meet.
  const others = (taken: number): number =>
    Math.max(denseNs + Math.max(0, expertsNs - taken * gpuExpertNs), Math.max(0, misses - taken) * transferNs);
  const own = (taken: number): number => denseNs + taken * cpuExpertNs;
  let least = 0;
  let most = demanded;
  for (let step = 0; step < 60 && most - least > 1e-6; step++) {
    const middle = (least + most) / 2;
    if (own(middle) < others(middle)) least = middle;
    else most = middle;
  }
  return Math.max(own(least), others(most));
}
